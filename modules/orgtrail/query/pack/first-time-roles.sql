-- name: first-time-roles
-- title: Roles assumed for the first time
-- answers: Pairs of caller and role that were never seen before in the period.
-- hours: 744
-- param: recent_hours integer 24 Hours before the end in which a pair counts as new
-- mitre: T1078
-- cis: -
-- severity: low
-- hit: A principal took a role that it had not taken before.
WITH events AS (
  SELECT DISTINCT
    eventid AS event_id,
    coalesce(sharedeventid, eventid) AS shared_id,
    eventtime AS event_time,
    coalesce(useridentity.sessioncontext.sessionissuer.arn, @who) AS caller,
    @param(roleArn) AS role_arn
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'sts.amazonaws.com'
    AND eventname IN ('AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity')
    AND errorcode IS NULL
    AND @called
),
-- A call between accounts is told in both of them; only one knows the caller's ARN.
calls AS (
  SELECT
    shared_id, min(event_time) AS event_time, max(caller) AS caller, max(role_arn) AS role_arn,
    min(event_id) AS event_id
  FROM events
  GROUP BY shared_id
)
SELECT
  caller, role_arn, min(event_time) AS first_time, count(*) AS times @evidence
FROM calls
GROUP BY caller, role_arn
HAVING date_diff(
  'second',
  TRY(from_iso8601_timestamp(min(event_time))),
  from_iso8601_timestamp(:until)
) <= :recent_hours * 3600
ORDER BY first_time
