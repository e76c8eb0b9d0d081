-- name: log-bucket-tampering
-- title: Changes to the log bucket
-- answers: Calls that change who may reach the archive bucket or how long it keeps files.
-- hours: 168
-- param: archive text <archive> The archive bucket; empty for any bucket
-- mitre: T1562.008, T1485
-- cis: 4.8
-- severity: critical
-- hit: The evidence was, or was to be, opened, shortened or deleted.
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
    json_extract_scalar(requestparameters, '$.bucketName') AS target,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 's3.amazonaws.com' AND eventname IN (
      'PutBucketPolicy', 'DeleteBucketPolicy', 'PutBucketAcl', 'PutBucketLifecycle',
      'PutBucketLifecycleConfiguration', 'DeleteBucketLifecycle', 'PutBucketVersioning',
      'PutObjectLockConfiguration', 'PutBucketReplication', 'DeleteBucketReplication',
      'PutBucketPublicAccessBlock', 'DeleteBucketPublicAccessBlock',
      'PutBucketEncryption', 'DeleteBucketEncryption', 'PutBucketNotification',
      'PutBucketOwnershipControls', 'PutBucketLogging', 'DeleteBucket'
    )
    AND coalesce(useridentity.type, '') <> 'AWSService'
    AND (:archive = '' OR json_extract_scalar(requestparameters, '$.bucketName') = :archive)
)
SELECT
  eventtime AS event_time, account_id, aws_region, principal, source_ip, event_source, event_name,
  target, CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time
