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
    eventid,
    eventtime,
    recipientaccountid AS account_id,
    awsregion AS aws_region,
    coalesce(useridentity.arn, useridentity.invokedby, useridentity.type) AS principal,
    sourceipaddress AS source_ip,
    eventsource AS event_source,
    eventname AS event_name,
    coalesce(
      json_extract_scalar(requestparameters, '$.userName'),
      json_extract_scalar(requestparameters, '$.serialNumber'),
      json_extract_scalar(requestparameters, '$.userId')
    ) AS target,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND (
      (eventsource = 'iam.amazonaws.com' AND eventname IN (
        'DeactivateMFADevice', 'DeleteVirtualMFADevice'
      ))
      OR (eventsource = 'sso-directory.amazonaws.com' AND eventname IN (
        'DeleteMfaDeviceForUser', 'DisassociateMfaDevice'
      ))
    )
    AND coalesce(useridentity.type, '') <> 'AWSService'
)
SELECT
  eventtime AS event_time, account_id, aws_region, principal, source_ip, event_source, event_name,
  target, CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time
