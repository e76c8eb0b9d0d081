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
    @event,
    coalesce(
      json_extract_scalar(responseelements, '$.queryExecutionId'), @param(queryExecutionId)
    ) AS query_id,
    @param(workGroup) AS workgroup,
    @param(queryString) AS query_text
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'athena.amazonaws.com'
    AND eventname IN ('StartQueryExecution', 'GetQueryResults', 'GetQueryResultsStream')
),
fetched AS (
  SELECT account_id, query_id, count(*) AS times
  FROM events
  WHERE event_name <> 'StartQueryExecution'
  GROUP BY account_id, query_id
)
SELECT
  s.event_time, s.account_id, s.principal, s.source_ip, s.workgroup, s.query_text,
  coalesce(r.times, 0) AS results_fetched, @outcome
FROM events s
LEFT JOIN fetched r ON r.query_id = s.query_id AND r.account_id = s.account_id
WHERE s.event_name = 'StartQueryExecution'
ORDER BY event_time, event_id
