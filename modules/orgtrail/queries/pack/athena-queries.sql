-- name: athena-queries
-- title: Who ran Athena queries
-- answers: Each query that was started: by whom, in which workgroup, its text, and how often results were fetched.
-- hours: 168
-- mitre: T1213
-- cis: -
-- severity: low
-- hit: Someone asked a question; of the audit trail, only auditors should.
WITH events AS (
  SELECT DISTINCT
    eventid,
    eventtime,
    recipientaccountid AS account_id,
    coalesce(useridentity.arn, useridentity.invokedby, useridentity.type) AS principal,
    sourceipaddress AS source_ip,
    eventname AS event_name,
    coalesce(
      json_extract_scalar(responseelements, '$.queryExecutionId'),
      json_extract_scalar(requestparameters, '$.queryExecutionId')
    ) AS query_id,
    json_extract_scalar(requestparameters, '$.workGroup') AS workgroup,
    json_extract_scalar(requestparameters, '$.queryString') AS query_text,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'athena.amazonaws.com'
    AND eventname IN ('StartQueryExecution', 'GetQueryResults', 'GetQueryResultsStream')
)
SELECT
  s.eventtime AS event_time, s.account_id, s.principal, s.source_ip, s.workgroup, s.query_text,
  CASE WHEN s.error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome,
  s.error_code,
  count(r.eventid) AS results_fetched
FROM events s
LEFT JOIN events r
  ON r.query_id = s.query_id
  AND r.account_id = s.account_id
  AND r.event_name IN ('GetQueryResults', 'GetQueryResultsStream')
WHERE s.event_name = 'StartQueryExecution'
GROUP BY
  s.eventid, s.eventtime, s.account_id, s.principal, s.source_ip, s.workgroup, s.query_text,
  s.error_code
ORDER BY event_time
