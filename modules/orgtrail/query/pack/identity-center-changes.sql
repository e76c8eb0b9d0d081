-- name: identity-center-changes
-- title: Changes in Identity Center
-- answers: Permission sets, assignments, users, groups and their members, identity providers of IAM Identity Center: made, changed or deleted.
-- hours: 24
-- mitre: T1098, T1484.002
-- cis: 4.4
-- severity: high
-- hit: Who may enter which account was changed.
WITH events AS (
  SELECT DISTINCT
    @event,
    coalesce(
      @param(permissionSetArn),
      @param(name),
      @param(groupId),
      @param(displayName),
      @param(userName),
      @param(userId),
      @param(membershipId),
      @param(directoryId),
      @else_on
    ) AS target,
    coalesce(
      @param(principalId), @param(memberId.userId), @param(memberId), @param(userId)
    ) AS assignee,
    @param(targetId) AS to_account,
    @omitted AS omitted
  FROM organization_trail
  WHERE :bounds
    AND (
      (eventsource = 'sso.amazonaws.com' AND eventname IN (
        'CreatePermissionSet', 'UpdatePermissionSet', 'DeletePermissionSet',
        'PutInlinePolicyToPermissionSet', 'DeleteInlinePolicyFromPermissionSet',
        'AttachManagedPolicyToPermissionSet', 'DetachManagedPolicyFromPermissionSet',
        'AttachCustomerManagedPolicyReferenceToPermissionSet',
        'DetachCustomerManagedPolicyReferenceFromPermissionSet',
        'PutPermissionsBoundaryToPermissionSet',
        'DeletePermissionsBoundaryFromPermissionSet', 'CreateAccountAssignment',
        'DeleteAccountAssignment', 'ProvisionPermissionSet', 'CreateInstance',
        'DeleteInstance', 'CreateTrustedTokenIssuer', 'UpdateTrustedTokenIssuer',
        'DeleteTrustedTokenIssuer', 'CreateApplicationAssignment',
        'DeleteApplicationAssignment', 'PutApplicationAssignmentConfiguration',
        'AssociateDirectory', 'DisassociateDirectory'
      ))
      OR (eventsource = 'identitystore.amazonaws.com' AND eventname IN (
        'CreateUser', 'UpdateUser', 'DeleteUser', 'CreateGroup', 'UpdateGroup', 'DeleteGroup',
        'CreateGroupMembership', 'DeleteGroupMembership'
      ))
      OR (eventsource = 'sso-directory.amazonaws.com' AND eventname IN (
        'EnableExternalIdPConfigurationForDirectory',
        'DisableExternalIdPConfigurationForDirectory',
        'CreateExternalIdPConfigurationForDirectory',
        'UpdateExternalIdPConfigurationForDirectory', 'CreateUser', 'DeleteUser', 'UpdateUser',
        'EnableUser', 'UpdatePassword', 'CreateGroup', 'DeleteGroup', 'AddMemberToGroup',
        'RemoveMemberFromGroup', 'CreateBearerToken'
      ))
    )
    AND @called
)
SELECT
  @call, target, assignee, to_account, omitted, @outcome
FROM events
ORDER BY event_time, event_id
