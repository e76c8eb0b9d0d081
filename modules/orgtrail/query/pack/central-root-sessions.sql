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
    @event,
    coalesce(@param(targetPrincipal), @on_what) AS target
  FROM organization_trail
  WHERE :bounds
    AND (
      (eventsource = 'sts.amazonaws.com' AND eventname = 'AssumeRoot')
      OR lower(useridentity.sessioncontext.assumedroot) = 'true'
    )
)
SELECT
  event_time, account_id, principal, source_ip, event_name, target, @outcome
FROM events
ORDER BY event_time, event_id
