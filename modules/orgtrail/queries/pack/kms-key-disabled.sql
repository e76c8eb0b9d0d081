-- name: kms-key-disabled
-- title: Keys disabled or deleted
-- answers: Keys of KMS that were disabled, or are to be deleted.
-- hours: 24
-- mitre: T1485, T1490
-- cis: 4.7
-- severity: high
-- hit: What the key encrypts can no longer be read, or soon cannot.
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
      json_extract_scalar(requestparameters, '$.keyId'),
      json_extract_scalar(requestparameters, '$.aliasName')
    ) AS target,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'kms.amazonaws.com' AND eventname IN (
      'DisableKey', 'ScheduleKeyDeletion', 'DeleteImportedKeyMaterial',
      'DisableKeyRotation', 'DeleteAlias', 'UpdateAlias'
    )
    AND coalesce(useridentity.type, '') <> 'AWSService'
)
SELECT
  eventtime AS event_time, account_id, aws_region, principal, source_ip, event_source, event_name,
  target, CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time
