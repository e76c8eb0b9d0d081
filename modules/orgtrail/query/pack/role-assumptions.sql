-- name: role-assumptions
-- title: Roles assumed
-- answers: Every role that was assumed, over all accounts: by whom, from where, done or refused.
-- hours: 24
-- mitre: T1078, T1550.001
-- cis: -
-- severity: info
-- hit: Someone, or some program, took on a role.
WITH events AS (
  SELECT DISTINCT
    eventid AS event_id,
    coalesce(sharedeventid, eventid) AS shared_id,
    eventtime AS event_time,
    @account AS account_id,
    @who AS principal,
    sourceipaddress AS source_ip,
    eventname AS event_name,
    coalesce(@param(roleArn), @else_on) AS role_arn,
    @param(roleSessionName) AS session_name,
    coalesce(
      useridentity.sessioncontext.sourceidentity, @param(sourceIdentity)
    ) AS source_identity,
    @error AS error_code
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'sts.amazonaws.com'
    AND eventname IN ('AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'AssumeRoot')
    AND @called
)
-- A call between accounts is told in both of them, under one shared id.
SELECT
  min(event_time) AS event_time,
  min(account_id) AS account_id,
  max(principal) AS principal,
  max(source_ip) AS source_ip,
  event_name,
  max(role_arn) AS role_arn,
  max(session_name) AS session_name,
  max(source_identity) AS source_identity,
  CASE WHEN max(error_code) IS NULL THEN 'success' ELSE 'attempt' END AS outcome,
  max(error_code) AS error_code,
  min(event_id) AS event_id @evidence
FROM events
GROUP BY shared_id, event_name
ORDER BY event_time, event_id
