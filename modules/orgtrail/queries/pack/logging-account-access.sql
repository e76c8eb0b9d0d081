-- name: logging-account-access
-- title: Who entered the logging account
-- answers: Console logins, assumed roles and writes in the logging account, except by principals that are expected.
-- hours: 168
-- param: logging text <logging> The logging account's id
-- param: allowed text '' ARNs of expected principals, with commas
-- mitre: T1078
-- cis: -
-- severity: high
-- hit: Someone was in the account that keeps the evidence.
WITH events AS (
  SELECT DISTINCT
    eventid,
    eventtime,
    recipientaccountid AS account_id,
    coalesce(useridentity.arn, useridentity.principalid, useridentity.type) AS principal,
    sourceipaddress AS source_ip,
    eventsource AS event_source,
    eventname AS event_name,
    json_extract_scalar(requestparameters, '$.roleArn') AS role_arn,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND recipientaccountid = :logging
    AND coalesce(useridentity.type, '') <> 'AWSService'
    AND (
      eventname IN ('ConsoleLogin', 'AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'AssumeRoot', 'GetSigninToken', 'SwitchRole')
      OR lower(coalesce(readonly, 'true')) = 'false'
    )
)
SELECT
  principal, source_ip, event_source, event_name, role_arn,
  count_if(error_code IS NULL) AS successes,
  count_if(error_code IS NOT NULL) AS attempts,
  min(eventtime) AS first_time,
  max(eventtime) AS last_time
FROM events
WHERE :allowed = '' OR NOT contains(split(:allowed, ','), principal)
GROUP BY principal, source_ip, event_source, event_name, role_arn
ORDER BY first_time
