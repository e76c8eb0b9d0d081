-- name: access-key-history
-- title: History of an access key
-- answers: Where an access key was used: accounts, addresses, programs, first and last use.
-- hours: 2160
-- param: access_key text required The id of the access key
-- mitre: T1078.004
-- cis: -
-- severity: info
-- hit: The key was used there; an unknown address or program needs an answer.
WITH events AS (
  SELECT DISTINCT
    eventid AS event_id,
    eventtime AS event_time,
    @account AS account_id,
    @who AS principal,
    sourceipaddress AS source_ip,
    useragent AS user_agent,
    @error AS error_code
  FROM organization_trail
  WHERE :bounds AND useridentity.accesskeyid = :access_key
)
SELECT
  account_id, principal, source_ip, user_agent,
  count(*) AS calls,
  count_if(error_code IS NOT NULL) AS attempts,
  min(event_time) AS first_time,
  max(event_time) AS last_time @evidence
FROM events
GROUP BY account_id, principal, source_ip, user_agent
ORDER BY first_time
