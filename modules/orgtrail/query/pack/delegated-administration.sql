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
    @event,
    coalesce(
      @param(servicePrincipal),
      @param(memberAccountId),
      @param(delegatedAdminAccountId),
      @param(adminAccountId),
      @param(delegatedAdminId),
      @else_on
    ) AS target,
    coalesce(
      @param(accountId),
      @param(memberAccountId),
      @param(delegatedAdminAccountId),
      @param(adminAccountId)
    ) AS to_account
  FROM organization_trail
  WHERE :bounds
    AND (
      (eventsource = 'organizations.amazonaws.com' AND eventname IN (
        'RegisterDelegatedAdministrator', 'DeregisterDelegatedAdministrator',
        'EnableAWSServiceAccess', 'DisableAWSServiceAccess'
      ))
      OR (eventsource IN ('macie2.amazonaws.com', 'inspector2.amazonaws.com', 'detective.amazonaws.com')
        AND eventname IN (
        'EnableOrganizationAdminAccount', 'DisableOrganizationAdminAccount',
        'EnableDelegatedAdminAccount', 'DisableDelegatedAdminAccount'
      ))
      OR (eventsource = 'fms.amazonaws.com' AND eventname IN (
        'AssociateAdminAccount', 'DisassociateAdminAccount'
      ))
      OR (eventsource = 'auditmanager.amazonaws.com' AND eventname IN (
        'RegisterOrganizationAdminAccount', 'DeregisterOrganizationAdminAccount'
      ))
      OR (eventsource = 'securitylake.amazonaws.com' AND eventname IN (
        'RegisterDataLakeDelegatedAdministrator', 'DeregisterDataLakeDelegatedAdministrator'
      ))
      OR (eventsource = 'ec2.amazonaws.com' AND eventname IN (
        'EnableIpamOrganizationAdminAccount', 'DisableIpamOrganizationAdminAccount'
      ))
      OR (eventsource = 'ram.amazonaws.com' AND eventname IN (
        'EnableSharingWithAwsOrganization'
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
    AND @called
)
SELECT
  @call, target, to_account, @outcome
FROM events
ORDER BY event_time, event_id
