-- name: privilege-changes
-- title: Changes of privileges
-- answers: IAM policies attached, detached, written or versioned, trust, boundaries and groups; what gives administrator rights, and whom a role trusts beside its own account, is told.
-- hours: 24
-- mitre: T1098.003, T1548
-- cis: 4.4
-- severity: medium
-- hit: Someone may do more, or less, than before; `omitted` means that the record is too large to show what, which can be used to hide it.
WITH events AS (
  SELECT DISTINCT
    @event,
    coalesce(
      @param(roleName), @param(userName), @param(groupName), @param(policyArn),
      @param(policyName), @else_on
    ) AS target,
    coalesce(@param(policyArn), @param(permissionsBoundary), @param(policyName)) AS policy,
    @param(policyArn) AS arn,
    @text(policyDocument) AS document,
    CASE
      WHEN eventname = 'UpdateAssumeRolePolicy' THEN @text(policyDocument)
      ELSE @text(assumeRolePolicyDocument)
    END AS trust,
    @omitted AS omitted
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'iam.amazonaws.com' AND eventname IN (
      'AttachUserPolicy', 'AttachGroupPolicy', 'AttachRolePolicy', 'DetachUserPolicy',
      'DetachGroupPolicy', 'DetachRolePolicy', 'PutUserPolicy', 'PutGroupPolicy',
      'PutRolePolicy', 'DeleteUserPolicy', 'DeleteGroupPolicy', 'DeleteRolePolicy',
      'CreatePolicy', 'DeletePolicy', 'CreatePolicyVersion', 'DeletePolicyVersion',
      'SetDefaultPolicyVersion', 'UpdateAssumeRolePolicy', 'PutUserPermissionsBoundary',
      'PutRolePermissionsBoundary', 'DeleteUserPermissionsBoundary',
      'DeleteRolePermissionsBoundary', 'AddUserToGroup', 'RemoveUserFromGroup', 'CreateRole',
      'AddRoleToInstanceProfile', 'RemoveRoleFromInstanceProfile'
    )
    AND @called
)
SELECT
  @call, target, policy,
  (
    NOT regexp_like(event_name, '^(Detach|Delete|Remove)')
    AND (
      coalesce(regexp_like(arn, ':policy/(AdministratorAccess|IAMFullAccess)$'), false)
      OR @administers(document)
    )
  ) AS administrator,
  @opened_to(trust) AS trusts,
  omitted, @outcome
FROM events
ORDER BY event_time, event_id
