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
    @event,
    @bucket AS target,
    @omitted AS omitted
  FROM organization_trail
  WHERE :bounds
    AND eventsource IN ('s3.amazonaws.com', 's3express.amazonaws.com') AND eventname IN (
      'PutBucketPolicy', 'DeleteBucketPolicy', 'PutBucketAcl', 'PutBucketLifecycle',
      'PutBucketLifecycleConfiguration', 'DeleteBucketLifecycle', 'PutBucketVersioning',
      'PutObjectLockConfiguration', 'PutBucketObjectLockConfiguration', 'PutBucketReplication',
      'DeleteBucketReplication', 'PutBucketPublicAccessBlock', 'DeleteBucketPublicAccessBlock',
      'PutBucketEncryption', 'DeleteBucketEncryption', 'PutBucketNotification',
      'PutBucketOwnershipControls', 'DeleteBucketOwnershipControls', 'PutBucketLogging',
      'PutBucketCors', 'PutBucketWebsite', 'PutBucketRequestPayment', 'CreateAccessPoint',
      'DeleteBucket'
    )
    AND @called
    AND (:archive = '' OR @bucket = :archive OR (@bucket IS NULL AND @unsaid))
)
SELECT
  @call, target, omitted, @outcome
FROM events
ORDER BY event_time, event_id
