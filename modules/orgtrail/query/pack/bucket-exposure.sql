-- name: bucket-exposure
-- title: Buckets opened or closed
-- answers: Changes to policies, ACLs and public access blocks of buckets and accounts; grants to all or to other accounts are flagged.
-- hours: 24
-- mitre: T1530, T1537
-- cis: 4.8
-- severity: medium
-- hit: Who may reach a bucket was changed; `everyone` is open to the world, an account id to that account, `conditional` to whoever meets the policy's conditions.
WITH events AS (
  SELECT DISTINCT
    @event,
    @bucket AS target,
    coalesce(
      @text(bucketPolicy), @text(policy), @text(Policy), @text(PutAccessPointPolicyRequest.Policy),
      @text(PutMultiRegionAccessPointPolicyRequest.Details.Policy)
    ) AS document,
    @request AS request,
    coalesce(@param(AccessControlPolicy.Owner.ID), '') AS owner,
    @omitted AS omitted
  FROM organization_trail
  WHERE :bounds
    AND eventsource IN ('s3.amazonaws.com', 's3express.amazonaws.com')
    AND (
      eventname IN (
        'PutBucketPolicy', 'DeleteBucketPolicy', 'PutBucketAcl', 'PutObjectAcl',
        'PutBucketCors', 'DeleteBucketCors', 'PutBucketPublicAccessBlock',
        'DeleteBucketPublicAccessBlock', 'PutAccountPublicAccessBlock',
        'DeleteAccountPublicAccessBlock', 'PutAccessPointPolicy', 'DeleteAccessPointPolicy',
        'PutBucketOwnershipControls', 'PutMultiRegionAccessPointPolicy', 'PutBucketWebsite',
        'PutAccessPointPolicyForObjectLambda'
      )
      OR (
        eventname IN ('CreateBucket', 'PutObject', 'CopyObject', 'CreateMultipartUpload')
        AND regexp_like(@request, '"x-amz-(acl":\s*(\[\s*)?"(public|authenticated)-read|grant-)')
      )
    )
    AND @called
)
SELECT
  @call, target,
  CASE
    WHEN regexp_like(
      request, 'global/(AllUsers|AuthenticatedUsers)|"x-amz-acl":\s*(\[\s*)?"(public|authenticated)-read'
    ) THEN 'everyone'
    WHEN event_name IN ('DeleteBucketPublicAccessBlock', 'DeleteAccountPublicAccessBlock')
      THEN 'unblocked'
    -- The call replaces all four; what it leaves out is off.
    WHEN event_name IN ('PutBucketPublicAccessBlock', 'PutAccountPublicAccessBlock')
      AND cardinality(array_distinct(regexp_extract_all(
        request,
        '"(BlockPublicAcls|BlockPublicPolicy|IgnorePublicAcls|RestrictPublicBuckets)":\s*"?true', 1
      ))) < 4 THEN 'unblocked'
    WHEN strpos(request, '"x-amz-grant-') > 0
      OR cardinality(filter(
        regexp_extract_all(request, '"ID":\s*"([^"]+)"', 1), one -> one <> owner
      )) > 0 THEN 'canonical user'
    ELSE @opened_to(document)
  END AS opened_to,
  omitted, @outcome
FROM events
ORDER BY event_time, event_id
