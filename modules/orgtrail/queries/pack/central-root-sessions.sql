-- name: central-root-sessions
-- title: Central root sessions
-- answers: Root sessions that the management account opened in members, and what was done in them.
-- hours: 24
-- mitre: T1548
-- cis: 4.3
-- severity: high
-- hit: Someone acted as root of a member from the management account.
WITH events AS (
  SELECT DISTINCT
    eventid,
    eventtime,
    recipientaccountid AS account_id,
    coalesce(useridentity.arn, useridentity.invokedby, useridentity.type) AS principal,
    sourceipaddress AS source_ip,
    eventname AS event_name,
    json_extract_scalar(requestparameters, '$.targetPrincipal') AS target,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND (
      (eventsource = 'sts.amazonaws.com' AND eventname = 'AssumeRoot')
      OR lower(useridentity.sessioncontext.assumedroot) = 'true'
    )
)
SELECT
  eventtime AS event_time, account_id, principal, source_ip, event_name, target,
  CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time
