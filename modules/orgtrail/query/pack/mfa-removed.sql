-- name: mfa-removed
-- title: Second factors removed
-- answers: MFA devices that were deactivated or deleted.
-- hours: 24
-- mitre: T1556.006
-- cis: 4.4
-- severity: high
-- hit: A password alone is enough now.
WITH events AS (
  SELECT DISTINCT
    @event,
    coalesce(
      @param(userName),
      @param(serialNumber),
      @param(userId),
      @else_on
    ) AS target
  FROM organization_trail
  WHERE :bounds
    AND (
      (eventsource = 'iam.amazonaws.com' AND eventname IN (
        'DeactivateMFADevice', 'DeleteVirtualMFADevice'
      ))
      OR (eventsource = 'sso-directory.amazonaws.com' AND eventname IN (
        'DeleteMfaDeviceForUser', 'DisassociateMfaDevice'
      ))
      OR (eventsource = 'sso.amazonaws.com' AND eventname IN (
        'PutMfaDeviceManagementForDirectory'
      ))
    )
    AND @called
)
SELECT
  @call, target, @outcome
FROM events
ORDER BY event_time, event_id
