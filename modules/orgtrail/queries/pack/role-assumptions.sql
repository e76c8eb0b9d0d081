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
    eventid,
    coalesce(sharedeventid, eventid) AS shared_id,
    eventtime,
    recipientaccountid AS account_id,
    coalesce(useridentity.arn, useridentity.invokedby, useridentity.type) AS principal,
    sourceipaddress AS source_ip,
    eventname AS event_name,
    json_extract_scalar(requestparameters, '$.roleArn') AS role_arn,
    json_extract_scalar(requestparameters, '$.roleSessionName') AS session_name,
    coalesce(
      useridentity.sessioncontext.sourceidentity,
      json_extract_scalar(requestparameters, '$.sourceIdentity')
    ) AS source_identity,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'sts.amazonaws.com'
    AND eventname IN ('AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'AssumeRoot')
    AND coalesce(useridentity.type, '') <> 'AWSService'
)
-- A call between accounts is told in both of them, under one shared id.
SELECT
  min(eventtime) AS event_time,
  min(account_id) AS account_id,
  max(principal) AS principal,
  max(source_ip) AS source_ip,
  event_name,
  max(role_arn) AS role_arn,
  max(session_name) AS session_name,
  max(source_identity) AS source_identity,
  CASE WHEN max(error_code) IS NULL THEN 'success' ELSE 'attempt' END AS outcome,
  max(error_code) AS error_code
FROM events
GROUP BY shared_id, event_name
ORDER BY event_time
