-- name: privilege-changes
-- title: Changes of privileges
-- answers: Policies and trust of users, groups and roles: attached, written, widened; administrator rights are flagged.
-- hours: 24
-- mitre: T1098.003, T1548
-- cis: 4.4
-- severity: medium
-- hit: Someone may do more, or less, than before.
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
      json_extract_scalar(requestparameters, '$.roleName'),
      json_extract_scalar(requestparameters, '$.userName'),
      json_extract_scalar(requestparameters, '$.groupName'),
      json_extract_scalar(requestparameters, '$.policyArn'),
      json_extract_scalar(requestparameters, '$.policyName')
    ) AS target,
    coalesce(
      json_extract_scalar(requestparameters, '$.policyArn'),
      json_extract_scalar(requestparameters, '$.policyName')
    ) AS policy,
    regexp_like(
      CAST(requestparameters AS varchar),
      'AdministratorAccess|IAMFullAccess|\\"Action\\":\s*(\[\s*)?\\"\*\\"'
    ) AS administrator,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'iam.amazonaws.com' AND eventname IN (
      'AttachUserPolicy', 'AttachGroupPolicy', 'AttachRolePolicy', 'DetachUserPolicy',
      'DetachGroupPolicy', 'DetachRolePolicy', 'PutUserPolicy', 'PutGroupPolicy',
      'PutRolePolicy', 'DeleteUserPolicy', 'DeleteGroupPolicy', 'DeleteRolePolicy',
      'CreatePolicy', 'DeletePolicy', 'CreatePolicyVersion', 'DeletePolicyVersion',
      'SetDefaultPolicyVersion', 'UpdateAssumeRolePolicy', 'PutUserPermissionsBoundary',
      'PutRolePermissionsBoundary', 'DeleteUserPermissionsBoundary',
      'DeleteRolePermissionsBoundary', 'AddUserToGroup', 'CreateRole'
    )
    AND coalesce(useridentity.type, '') <> 'AWSService'
)
SELECT
  eventtime AS event_time, account_id, aws_region, principal, source_ip, event_source, event_name,
  target, policy, administrator, CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time
