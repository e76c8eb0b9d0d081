-- name: athena-guardrails
-- title: Changes to the audit catalog
-- answers: Changes to workgroups, tables and databases that audit queries depend on.
-- hours: 168
-- param: database text <database> The audit database; empty for any
-- mitre: T1562
-- cis: -
-- severity: high
-- hit: What auditors see through was changed.
WITH events AS (
  SELECT DISTINCT
    eventid,
    eventtime,
    recipientaccountid AS account_id,
    awsregion AS aws_region,
    coalesce(useridentity.arn, useridentity.invokedby, useridentity.type) AS principal,
    sourceipaddress AS source_ip,
    eventsource AS event_source,
    eventname AS event_name,
    coalesce(
      json_extract_scalar(requestparameters, '$.workGroup'),
      json_extract_scalar(requestparameters, '$.name'),
      json_extract_scalar(requestparameters, '$.tableInput.name'),
      json_extract_scalar(requestparameters, '$.databaseName')
    ) AS target,
    coalesce(
      json_extract_scalar(requestparameters, '$.databaseName'),
      json_extract_scalar(requestparameters, '$.name')
    ) AS database_name,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND (
      (eventsource = 'athena.amazonaws.com' AND eventname IN (
        'UpdateWorkGroup', 'DeleteWorkGroup', 'CreateWorkGroup', 'DeleteNamedQuery',
        'DeletePreparedStatement', 'UpdatePreparedStatement', 'UpdateNamedQuery',
        'DeleteDataCatalog', 'UpdateDataCatalog'
      ))
      OR (eventsource = 'glue.amazonaws.com' AND eventname IN (
        'UpdateTable', 'DeleteTable', 'BatchDeleteTable', 'UpdateDatabase',
        'DeleteDatabase', 'UpdatePartition', 'DeletePartition', 'BatchDeletePartition',
        'DeleteResourcePolicy', 'PutResourcePolicy'
      ))
    )
    AND coalesce(useridentity.type, '') <> 'AWSService'
    AND (
      :database = ''
      OR eventsource = 'athena.amazonaws.com'
      OR coalesce(json_extract_scalar(requestparameters, '$.databaseName'), json_extract_scalar(requestparameters, '$.name'), :database) = :database
    )
)
SELECT
  eventtime AS event_time, account_id, aws_region, principal, source_ip, event_source, event_name,
  target, database_name, CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time
