-- name: bucket-exposure
-- title: Buckets opened or closed
-- answers: Changes to policies, ACLs and public access blocks of buckets and accounts; grants to all or to other accounts are flagged.
-- hours: 24
-- mitre: T1530, T1537
-- cis: 4.8
-- severity: medium
-- hit: Who may reach a bucket was changed; `everyone` is open to the world.
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
    CASE
      WHEN regexp_like(
        CAST(requestparameters AS varchar),
        '"Principal":\s*("\*"|\{"AWS":\s*(\["\*"\]|"\*"))|global/AllUsers|AuthenticatedUsers'
      ) THEN 'everyone'
      WHEN eventname IN (
        'DeleteBucketPublicAccessBlock', 'DeleteAccountPublicAccessBlock'
      ) THEN 'unblocked'
      WHEN regexp_like(
        CAST(requestparameters AS varchar),
        '"(BlockPublicAcls|BlockPublicPolicy|IgnorePublicAcls|RestrictPublicBuckets)":\s*false'
      ) THEN 'unblocked'
      ELSE ''
    END AS opened_to,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 's3.amazonaws.com' AND eventname IN (
      'PutBucketPolicy', 'DeleteBucketPolicy', 'PutBucketAcl', 'PutObjectAcl',
      'PutBucketCors', 'DeleteBucketCors', 'PutBucketPublicAccessBlock',
      'DeleteBucketPublicAccessBlock', 'PutAccountPublicAccessBlock',
      'DeleteAccountPublicAccessBlock', 'PutAccessPointPolicy'
    )
    AND coalesce(useridentity.type, '') <> 'AWSService'
)
SELECT
  eventtime AS event_time, account_id, aws_region, principal, source_ip, event_source, event_name,
  target, opened_to, CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time
