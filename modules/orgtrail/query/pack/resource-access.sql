-- name: resource-access
-- title: Who accessed a resource
-- answers: Who used one resource, and how: asked for by name or by ARN, alone or in a batch, with refusals.
-- hours: 168
-- param: resource text required ARN of the resource, or name of a bucket, table, key, secret or function
-- mitre: T1530
-- cis: -
-- severity: info
-- hit: Someone used the resource; compare with who should.
WITH asked AS (SELECT :resource AS wanted),
events AS (
  SELECT DISTINCT
    eventid AS event_id,
    eventtime AS event_time,
    @account AS account_id,
    @who AS principal,
    eventsource AS event_source,
    eventname AS event_name,
    @names AS names,
    @error AS error_code
  FROM organization_trail
  WHERE :bounds
)
SELECT
  account_id, principal, event_source, event_name,
  count(*) AS calls,
  count_if(error_code IS NULL) AS successes,
  count_if(error_code IS NOT NULL) AS attempts,
  min(event_time) AS first_time,
  max(event_time) AS last_time @evidence
FROM events
CROSS JOIN asked
-- The end of an ARN is a name. Secrets end in six characters of their own, as in :secret:database-a1B2c3.
WHERE cardinality(filter(
  names,
  one -> one = wanted
    OR strpos(one || '|', '/' || wanted || '|') > 0
    OR strpos(one || '|', ':' || wanted || '|') > 0
    OR strpos(one, ':secret:' || wanted || '-') > 0
    OR strpos(wanted || '|', '/' || one || '|') > 0
    OR strpos(wanted || '|', ':' || one || '|') > 0
    OR strpos(wanted, ':secret:' || one || '-') > 0
)) > 0
GROUP BY account_id, principal, event_source, event_name
ORDER BY calls DESC, principal, event_name
