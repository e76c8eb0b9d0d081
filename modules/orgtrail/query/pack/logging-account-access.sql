-- name: logging-account-access
-- title: Who entered the logging account
-- answers: Console logins, assumed roles and writes in the logging account, except by principals that are expected.
-- hours: 168
-- param: logging text <logging> The logging account's id
-- param: allowed text '' ARNs of expected users and roles, with commas; a role stands for its sessions
-- mitre: T1078
-- cis: -
-- severity: high
-- hit: Someone was in the account that keeps the evidence.
WITH events AS (
  SELECT DISTINCT
    eventid AS event_id,
    eventtime AS event_time,
    @who AS principal,
    useridentity.sessioncontext.sessionissuer.arn AS role_of_caller,
    sourceipaddress AS source_ip,
    eventsource AS event_source,
    eventname AS event_name,
    @param(roleArn) AS role_arn,
    @error AS error_code
  FROM organization_trail
  WHERE :bounds
    AND @account = :logging
    AND @called
    AND (
      eventname IN (
        'ConsoleLogin', 'AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity',
        'AssumeRoot', 'GetSigninToken', 'SwitchRole'
      )
      OR lower(coalesce(readonly, 'true')) = 'false'
    )
)
SELECT
  principal, source_ip, event_source, event_name, role_arn,
  count_if(error_code IS NULL) AS successes,
  count_if(error_code IS NOT NULL) AS attempts,
  min(event_time) AS first_time,
  max(event_time) AS last_time @evidence
FROM events
WHERE :allowed = ''
  OR NOT (
    contains(split(:allowed, ','), principal)
    OR coalesce(contains(split(:allowed, ','), role_of_caller), false)
    -- Session ARNs leave out a role's path.
    OR coalesce(contains(
      transform(split(:allowed, ','), one -> regexp_extract(one, ':iam::([0-9]{12}):role/', 1)
        || '/' || element_at(split(one, '/'), -1)),
      regexp_extract(principal, ':sts::([0-9]{12}):', 1)
        || '/' || regexp_extract(principal, ':assumed-role/([^/]+)/', 1)
    ), false)
  )
GROUP BY principal, source_ip, event_source, event_name, role_arn
ORDER BY first_time
