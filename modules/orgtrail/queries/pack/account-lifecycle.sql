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
    eventid,
    eventtime,
    recipientaccountid AS account_id,
    awsregion AS aws_region,
    coalesce(useridentity.arn, useridentity.invokedby, useridentity.type) AS principal,
    sourceipaddress AS source_ip,
    eventsource AS event_source,
    eventname AS event_name,
    coalesce(
      json_extract_scalar(requestparameters, '$.accountId'),
      json_extract_scalar(requestparameters, '$.accountName'),
      json_extract_scalar(requestparameters, '$.target.id'),
      json_extract_scalar(requestparameters, '$.handshakeId'),
      json_extract_scalar(requestparameters, '$.organizationalUnitId'),
      json_extract_scalar(requestparameters, '$.name')
    ) AS target,
    coalesce(errorcode, errormessage) AS error_code
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
    AND coalesce(useridentity.type, '') <> 'AWSService'
)
SELECT
  eventtime AS event_time, account_id, aws_region, principal, source_ip, event_source, event_name,
  target, CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time
