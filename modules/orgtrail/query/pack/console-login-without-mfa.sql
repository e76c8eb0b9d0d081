-- name: console-login-without-mfa
-- title: Console logins without MFA
-- answers: Successful console logins of IAM users and root without a second factor; single sign-on is left out.
-- hours: 24
-- mitre: T1078
-- cis: 4.2
-- severity: high
-- hit: A password alone opened the console.
WITH events AS (
  SELECT DISTINCT
    @event,
    useridentity.type AS identity_type
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'signin.amazonaws.com'
    AND eventname = 'ConsoleLogin'
    AND useridentity.type IN ('IAMUser', 'Root')
    AND json_extract_scalar(responseelements, '$.ConsoleLogin') = 'Success'
    AND coalesce(json_extract_scalar(additionaleventdata, '$.MFAUsed'), 'No') <> 'Yes'
    AND json_extract_scalar(additionaleventdata, '$.SamlProviderArn') IS NULL
)
SELECT event_time, account_id, principal, identity_type, source_ip, event_id
FROM events
ORDER BY event_time, event_id
