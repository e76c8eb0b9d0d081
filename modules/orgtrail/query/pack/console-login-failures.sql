-- name: console-login-failures
-- title: Failed console logins
-- answers: Failed console logins by address: how many users were tried, and whether one got in.
-- hours: 24
-- param: least integer 1 Fewest failures to report
-- mitre: T1110.003
-- cis: 4.6
-- severity: medium
-- hit: Many persons tried from one address is password spraying; a success after it is a breach.
WITH events AS (
  SELECT DISTINCT
    eventid AS event_id,
    eventtime AS event_time,
    @account AS account_id,
    coalesce(useridentity.username, @who) AS person,
    sourceipaddress AS source_ip,
    CASE
      WHEN json_extract_scalar(responseelements, '$.ConsoleLogin') = 'Success' THEN 'Success'
      WHEN json_extract_scalar(responseelements, '$.ConsoleLogin') = 'Failure'
        OR @error IS NOT NULL THEN 'Failure'
    END AS result
  FROM organization_trail
  WHERE :bounds AND eventsource = 'signin.amazonaws.com' AND eventname = 'ConsoleLogin'
)
SELECT
  source_ip,
  count_if(result = 'Failure') AS failures,
  count_if(result = 'Success') AS successes,
  count(DISTINCT CASE WHEN result = 'Failure' THEN person END) AS persons_tried,
  count(DISTINCT account_id) AS accounts,
  min(CASE WHEN result = 'Failure' THEN event_time END) AS first_failure,
  max(CASE WHEN result = 'Failure' THEN event_time END) AS last_failure @evidence
FROM events
GROUP BY source_ip
HAVING count_if(result = 'Failure') >= :least
ORDER BY persons_tried DESC, failures DESC, source_ip
