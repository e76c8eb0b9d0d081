-- name: account-lifecycle
-- title: Accounts that came, went or moved
-- answers: Accounts made, closed, invited, moved, or taken out of the organization.
-- hours: 168
-- mitre: T1666
-- cis: 4.15
-- severity: high
-- hit: An account left or joined the reach of the guardrails.
WITH events AS (
  SELECT DISTINCT
    @event,
    coalesce(
      @param(accountId),
      @param(accountName),
      @param(target.id),
      @param(handshakeId),
      @param(organizationalUnitId),
      @param(name),
      @else_on
    ) AS target
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'organizations.amazonaws.com' AND eventname IN (
      'CreateAccount', 'CreateGovCloudAccount', 'CloseAccount',
      'InviteAccountToOrganization', 'LeaveOrganization',
      'RemoveAccountFromOrganization', 'MoveAccount', 'AcceptHandshake',
      'DeclineHandshake', 'CancelHandshake', 'CreateOrganization', 'DeleteOrganization',
      'CreateOrganizationalUnit', 'DeleteOrganizationalUnit', 'UpdateOrganizationalUnit',
      'EnableAllFeatures'
    )
    AND @called
)
SELECT
  @call, target, @outcome
FROM events
ORDER BY event_time, event_id
