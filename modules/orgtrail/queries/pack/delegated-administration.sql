-- name: delegated-administration
-- title: Delegated administrators and trusted services
-- answers: Who was given the organization to administer, and which services may act in it.
-- hours: 168
-- mitre: T1098, T1562
-- cis: 4.15
-- severity: critical
-- hit: The power over all accounts, or over their audit, was handed on or taken away.
WITH events AS (
  SELECT DISTINCT
    eventid,
    eventtime,
    recipientaccountid AS account_id,
    awsregion AS aws_region,
    coalesce(useridentity.arn, useridentity.invokedby, useridentity.type) AS principal,
    sourceipaddress AS source_ip,
    eventsource AS event_source,
    eventname AS event_name,
    coalesce(
      json_extract_scalar(requestparameters, '$.servicePrincipal'),
      json_extract_scalar(requestparameters, '$.memberAccountId'),
      json_extract_scalar(requestparameters, '$.delegatedAdminAccountId'),
      json_extract_scalar(requestparameters, '$.adminAccountId')
    ) AS target,
    coalesce(
      json_extract_scalar(requestparameters, '$.accountId'),
      json_extract_scalar(requestparameters, '$.memberAccountId'),
      json_extract_scalar(requestparameters, '$.delegatedAdminAccountId'),
      json_extract_scalar(requestparameters, '$.adminAccountId')
    ) AS to_account,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND (
      (eventsource = 'organizations.amazonaws.com' AND eventname IN (
        'RegisterDelegatedAdministrator', 'DeregisterDelegatedAdministrator',
        'EnableAWSServiceAccess', 'DisableAWSServiceAccess'
      ))
      OR (eventsource = 'cloudtrail.amazonaws.com' AND eventname IN (
        'RegisterOrganizationDelegatedAdmin', 'DeregisterOrganizationDelegatedAdmin'
      ))
      OR (eventsource = 'guardduty.amazonaws.com' AND eventname IN (
        'EnableOrganizationAdminAccount', 'DisableOrganizationAdminAccount'
      ))
      OR (eventsource = 'securityhub.amazonaws.com' AND eventname IN (
        'EnableOrganizationAdminAccount', 'DisableOrganizationAdminAccount'
      ))
    )
    AND coalesce(useridentity.type, '') <> 'AWSService'
)
SELECT
  eventtime AS event_time, account_id, aws_region, principal, source_ip, event_source, event_name,
  target, to_account, CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time
