-- name: dynamodb-access
-- title: Access to DynamoDB tables
-- answers: Reads and writes of items by principal and table, with refusals (data events).
-- hours: 24
-- param: tables text '' Names of tables, with commas; * stands for any part of a name; empty for all
-- mitre: T1213, T1530
-- cis: -
-- severity: medium
-- hit: The principal reached the data; for patient data each one needs a reason.
WITH events AS (
  SELECT DISTINCT
    eventid AS event_id,
    eventtime AS event_time,
    @account AS account_id,
    @who AS principal,
    sourceipaddress AS source_ip,
    eventname AS event_name,
    lower(readonly) AS read_only,
    -- Batches, transactions and statements name their tables in ways of their own.
    array_sort(array_distinct(transform(
      filter(
        coalesce(transform(resources, each -> each.arn), CAST(ARRAY[] AS array(varchar)))
          || ARRAY[@param(tableName), @param(tableArn), @param(streamArn), @refused_on]
          || coalesce(
          map_keys(TRY_CAST(json_extract(requestparameters, '$.requestItems') AS map(varchar, json))),
          CAST(ARRAY[] AS array(varchar))
        )
          || coalesce(
          regexp_extract_all(@request, '"tableName":\s*"([^"]+)"', 1),
          CAST(ARRAY[] AS array(varchar))
        )
          || coalesce(
          -- Within JSON a new line is a backslash and an n.
          CASE WHEN regexp_like(eventname, 'Statement$|^ExecuteTransaction$') THEN
            regexp_extract_all(
              @request,
              '(?i:from|into|update)(?:\s|\\[nrt])*(?:\\")?([a-zA-Z0-9_.-]+)', 1
            )
          END,
          CAST(ARRAY[] AS array(varchar))
        ),
        one -> one IS NOT NULL
      ),
      one -> coalesce(regexp_extract(one, ':table/([^/]+)', 1), one)
    ))) AS tables,
    @error AS error_code
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'dynamodb.amazonaws.com'
    AND eventname IN (
      'GetItem', 'BatchGetItem', 'TransactGetItems', 'Query', 'Scan', 'ExecuteStatement',
      'BatchExecuteStatement', 'ExecuteTransaction', 'PutItem', 'UpdateItem',
      'DeleteItem', 'BatchWriteItem', 'TransactWriteItems', 'ExportTableToPointInTime',
      'GetRecords'
    )
)
SELECT
  account_id,
  array_join(tables, ',') AS table_name,
  principal, source_ip, event_name,
  count_if(error_code IS NULL) AS successes,
  count_if(error_code IS NOT NULL) AS attempts,
  count_if(read_only = 'true') AS reads,
  min(event_time) AS first_time,
  max(event_time) AS last_time @evidence
FROM events
WHERE :tables = ''
  OR cardinality(filter(
    tables,
    one -> regexp_like(
      one,
      '^(' || replace(replace(replace(:tables, '.', '[.]'), '*', '[a-zA-Z0-9_.-]*'), ',', '|') || ')$'
    )
  )) > 0
  -- Nobody knows of which table a refused call was that names none.
  OR (cardinality(tables) = 0 AND error_code IS NOT NULL)
GROUP BY account_id, tables, principal, source_ip, event_name
ORDER BY successes DESC, attempts DESC, principal
