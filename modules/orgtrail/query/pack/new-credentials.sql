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
    @event,
    coalesce(@param(userName), @refused_on) AS target,
    useridentity.username AS own_name,
    @unsaid AS unsaid
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'iam.amazonaws.com' AND eventname IN (
      'CreateAccessKey', 'UpdateAccessKey', 'CreateLoginProfile', 'UpdateLoginProfile',
      'ChangePassword', 'CreateServiceSpecificCredential', 'ResetServiceSpecificCredential',
      'UpdateServiceSpecificCredential', 'UploadSSHPublicKey', 'UpdateSSHPublicKey',
      'UploadSigningCertificate', 'UpdateSigningCertificate', 'CreateUser', 'EnableMFADevice',
      'CreateVirtualMFADevice'
    )
    AND @called
)
SELECT
  @call, target,
  CASE
    WHEN event_name = 'ChangePassword' OR target = own_name THEN 'own'
    WHEN target IS NOT NULL THEN 'other'
    WHEN unsaid THEN 'unknown'
    ELSE 'own'
  END AS owner,
  @outcome
FROM events
ORDER BY event_time, event_id
