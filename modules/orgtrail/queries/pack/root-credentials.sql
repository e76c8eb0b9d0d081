-- name: root-credentials
-- title: Credentials of root changed
-- answers: Changes to the password, mail address, keys and second factor of root.
-- hours: 24
-- mitre: T1098
-- cis: 4.3
-- severity: critical
-- hit: The way into a root user was changed.
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
      json_extract_scalar(requestparameters, '$.serialNumber'),
      json_extract_scalar(requestparameters, '$.virtualMFADeviceName'),
      json_extract_scalar(requestparameters, '$.userName')
    ) AS target,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND (
      (eventsource = 'iam.amazonaws.com' AND eventname IN (
        'CreateAccessKey', 'EnableMFADevice', 'DeactivateMFADevice',
        'CreateVirtualMFADevice', 'DeleteVirtualMFADevice', 'UploadSigningCertificate'
      ))
      OR (eventsource = 'signin.amazonaws.com' AND eventname IN (
        'PasswordUpdated', 'PasswordRecoveryRequested', 'PasswordRecoveryCompleted',
        'EmailUpdated'
      ))
    )
    AND coalesce(useridentity.type, '') <> 'AWSService'
    AND useridentity.type = 'Root'
    AND (eventname <> 'CreateAccessKey' OR json_extract_scalar(requestparameters, '$.userName') IS NULL)
)
SELECT
  eventtime AS event_time, account_id, aws_region, principal, source_ip, event_source, event_name,
  target, CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time
