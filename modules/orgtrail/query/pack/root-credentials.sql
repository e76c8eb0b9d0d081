-- name: root-credentials
-- title: Credentials of root changed
-- answers: Access keys, passwords, MFA devices and email addresses of root users, made, changed or deleted, also from the management account.
-- hours: 24
-- mitre: T1098
-- cis: 4.3
-- severity: critical
-- hit: The way into a root user was changed.
WITH events AS (
  SELECT DISTINCT
    @event,
    coalesce(
      @param(serialNumber), @param(virtualMFADeviceName), @param(userName), @param(accountId),
      @else_on
    ) AS target
  FROM organization_trail
  WHERE :bounds
    AND @called
    AND (
      (
        useridentity.type = 'Root'
        AND (
          (
            eventsource = 'iam.amazonaws.com'
            AND eventname IN (
              'CreateAccessKey', 'UpdateAccessKey', 'DeleteAccessKey', 'CreateLoginProfile',
              'UpdateLoginProfile', 'DeleteLoginProfile', 'ChangePassword',
              'UploadSigningCertificate', 'UpdateSigningCertificate', 'DeleteSigningCertificate'
            )
            -- With a name it is about a user.
            AND @param(userName) IS NULL
          )
          OR (
            eventsource = 'iam.amazonaws.com'
            AND eventname IN (
              'EnableMFADevice', 'DeactivateMFADevice', 'ResyncMFADevice',
              'CreateVirtualMFADevice', 'DeleteVirtualMFADevice'
            )
          )
          OR (
            eventsource = 'signin.amazonaws.com'
            AND eventname IN (
              'PasswordUpdated', 'PasswordRecoveryRequested', 'PasswordRecoveryCompleted',
              'EmailUpdated'
            )
          )
        )
      )
      OR (
        eventsource = 'account.amazonaws.com'
        AND eventname IN ('StartPrimaryEmailUpdate', 'AcceptPrimaryEmailUpdate')
      )
      OR (
        eventsource = 'iam.amazonaws.com'
        AND eventname IN (
          'EnableOrganizationsRootCredentialsManagement',
          'DisableOrganizationsRootCredentialsManagement', 'EnableOrganizationsRootSessions',
          'DisableOrganizationsRootSessions'
        )
      )
    )
)
SELECT
  @call, target, @outcome
FROM events
ORDER BY event_time, event_id
