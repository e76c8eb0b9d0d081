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
    eventid,
    eventtime,
    recipientaccountid AS account_id,
    coalesce(useridentity.arn, useridentity.invokedby, useridentity.type) AS principal,
    sourceipaddress AS source_ip,
    useragent AS user_agent,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds AND useridentity.accesskeyid = :access_key
)
SELECT
  account_id, principal, source_ip, user_agent,
  count(*) AS calls,
  count_if(error_code IS NOT NULL) AS attempts,
  min(eventtime) AS first_time,
  max(eventtime) AS last_time
FROM events
GROUP BY account_id, principal, source_ip, user_agent
ORDER BY first_time
