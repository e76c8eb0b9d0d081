-- name: account-activity
-- title: Every call in an account
-- answers: Every call by user, resource, time and result; choose accounts with --account.
-- hours: 24
-- param: writes_only integer 0 1 leaves out calls that only read
-- mitre: T1078
-- cis: -
-- severity: info
-- hit: One call.
WITH events AS (
  SELECT DISTINCT
    eventid,
    eventtime,
    recipientaccountid AS account_id,
    awsregion AS aws_region,
    coalesce(useridentity.arn, useridentity.invokedby, useridentity.type) AS principal,
    useridentity.sessioncontext.sourceidentity AS source_identity,
    sourceipaddress AS source_ip,
    eventsource AS event_source,
    eventname AS event_name,
    coalesce(
      array_join(transform(resources, r -> r.arn), ','),
      json_extract_scalar(requestparameters, '$.bucketName'),
      json_extract_scalar(requestparameters, '$.tableName'),
      json_extract_scalar(requestparameters, '$.roleArn'),
      json_extract_scalar(requestparameters, '$.keyId'),
      json_extract_scalar(requestparameters, '$.functionName'),
      json_extract_scalar(requestparameters, '$.name')
    ) AS resource,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds AND (:writes_only = 0 OR lower(readonly) = 'false')
)
SELECT
  eventtime AS event_time, account_id, aws_region, principal, source_identity, source_ip,
  event_source, event_name, resource,
  CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time, event_source, event_name
