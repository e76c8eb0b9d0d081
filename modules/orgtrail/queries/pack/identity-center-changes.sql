-- name: identity-center-changes
-- title: Changes in Identity Center
-- answers: Permission sets, assignments and identity providers of IAM Identity Center.
-- hours: 24
-- mitre: T1098, T1484.002
-- cis: 4.4
-- severity: high
-- hit: Who may enter which account was changed.
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
      json_extract_scalar(requestparameters, '$.permissionSetArn'),
      json_extract_scalar(requestparameters, '$.name'),
      json_extract_scalar(requestparameters, '$.directoryId')
    ) AS target,
    json_extract_scalar(requestparameters, '$.principalId') AS assignee,
    json_extract_scalar(requestparameters, '$.targetId') AS to_account,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND (
      (eventsource = 'sso.amazonaws.com' AND eventname IN (
        'CreatePermissionSet', 'UpdatePermissionSet', 'DeletePermissionSet',
        'PutInlinePolicyToPermissionSet', 'DeleteInlinePolicyFromPermissionSet',
        'AttachManagedPolicyToPermissionSet', 'DetachManagedPolicyFromPermissionSet',
        'AttachCustomerManagedPolicyReferenceToPermissionSet',
        'PutPermissionsBoundaryToPermissionSet',
        'DeletePermissionsBoundaryFromPermissionSet', 'CreateAccountAssignment',
        'DeleteAccountAssignment', 'ProvisionPermissionSet', 'CreateInstance',
        'DeleteInstance', 'CreateTrustedTokenIssuer', 'UpdateTrustedTokenIssuer',
        'DeleteTrustedTokenIssuer'
      ))
      OR (eventsource = 'sso-directory.amazonaws.com' AND eventname IN (
        'EnableExternalIdPConfigurationForDirectory',
        'DisableExternalIdPConfigurationForDirectory',
        'CreateExternalIdPConfigurationForDirectory',
        'UpdateExternalIdPConfigurationForDirectory', 'CreateUser', 'AddMemberToGroup'
      ))
    )
    AND coalesce(useridentity.type, '') <> 'AWSService'
)
SELECT
  eventtime AS event_time, account_id, aws_region, principal, source_ip, event_source, event_name,
  target, assignee, to_account, CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time
