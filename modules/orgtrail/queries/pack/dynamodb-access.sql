-- name: dynamodb-access
-- title: Access to DynamoDB tables
-- answers: Reads and writes of items by principal and table, with refusals (data events).
-- hours: 24
-- param: tables text '' Names of tables, with commas; empty for all
-- mitre: T1213, T1530
-- cis: -
-- severity: medium
-- hit: The principal reached the data; for patient data each one needs a reason.
WITH events AS (
  SELECT DISTINCT
    eventid,
    eventtime,
    recipientaccountid AS account_id,
    coalesce(useridentity.arn, useridentity.invokedby, useridentity.type) AS principal,
    sourceipaddress AS source_ip,
    eventname AS event_name,
    lower(readonly) AS read_only,
    coalesce(
      json_extract_scalar(requestparameters, '$.tableName'),
      array_join(transform(resources, r -> r.arn), ','),
      json_extract_scalar(requestparameters, '$.tableArn'),
      json_extract_scalar(requestparameters, '$.statement')
    ) AS table_name,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'dynamodb.amazonaws.com'
    AND eventname IN (
      'GetItem', 'BatchGetItem', 'TransactGetItems', 'Query', 'Scan', 'ExecuteStatement',
      'BatchExecuteStatement', 'ExecuteTransaction', 'PutItem', 'UpdateItem',
      'DeleteItem', 'BatchWriteItem', 'TransactWriteItems', 'ExportTableToPointInTime',
      'GetRecords'
    )
    AND (
      :tables = ''
      OR regexp_like(
        CAST(requestparameters AS varchar)
          || coalesce(array_join(transform(resources, r -> r.arn), ','), ''),
        '["/](' || replace(replace(:tables, '.', '[.]'), ',', '|') || ')(["/,:]|$)'
      )
    )
)
SELECT
  account_id, table_name, principal, source_ip, event_name,
  count_if(error_code IS NULL) AS successes,
  count_if(error_code IS NOT NULL) AS attempts,
  count_if(read_only = 'true') AS reads,
  min(eventtime) AS first_time,
  max(eventtime) AS last_time
FROM events
GROUP BY account_id, table_name, principal, source_ip, event_name
ORDER BY successes DESC, attempts DESC, principal
