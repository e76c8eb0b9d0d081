-- name: new-credentials
-- title: New keys and passwords
-- answers: Access keys and passwords that were made or changed; where the maker is not the owner is flagged.
-- hours: 24
-- mitre: T1098.001
-- cis: 4.4
-- severity: medium
-- hit: A new lasting way in; made for another user it is how attackers stay.
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
    json_extract_scalar(requestparameters, '$.userName') AS target,
    CASE
      WHEN json_extract_scalar(requestparameters, '$.userName') IS NULL THEN 'own'
      WHEN json_extract_scalar(requestparameters, '$.userName') = useridentity.username THEN 'own'
      ELSE 'other'
    END AS owner,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'iam.amazonaws.com' AND eventname IN (
      'CreateAccessKey', 'UpdateAccessKey', 'CreateLoginProfile', 'UpdateLoginProfile',
      'CreateServiceSpecificCredential', 'ResetServiceSpecificCredential',
      'UploadSSHPublicKey', 'UploadSigningCertificate', 'CreateUser'
    )
    AND coalesce(useridentity.type, '') <> 'AWSService'
)
SELECT
  eventtime AS event_time, account_id, aws_region, principal, source_ip, event_source, event_name,
  target, owner, CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time
