-- name: log-object-tampering
-- title: Log files deleted or overwritten
-- answers: Log files that were written, deleted, copied over, locked or unlocked by anyone but the services that deliver them (data events).
-- hours: 168
-- param: archive text <archive> The archive bucket; empty for any bucket
-- mitre: T1070
-- cis: -
-- severity: critical
-- hit: A log file was, or was to be, changed by someone other than CloudTrail.
WITH events AS (
  SELECT DISTINCT
    @event,
    coalesce(@param(key), @else_on) AS target,
    @bucket AS bucket
  FROM organization_trail
  WHERE :bounds
    AND eventsource IN ('s3.amazonaws.com', 's3express.amazonaws.com') AND eventname IN (
      'DeleteObject', 'DeleteObjects', 'PutObject', 'CopyObject', 'CompleteMultipartUpload',
      'RestoreObject', 'RenameObject', 'PutObjectRetention', 'PutObjectLegalHold',
      'PutObjectAcl', 'DeleteObjectTagging', 'PutObjectTagging'
    )
    AND (:archive = '' OR @bucket = :archive OR (@bucket IS NULL AND @unsaid))
    AND (
      strpos(@param(key), 'AWSLogs/') > 0
      OR (eventname = 'DeleteObjects' AND @param(key) IS NULL)
      OR @unsaid
    )
    -- Services deliver their logs as themselves.
    AND NOT (
      eventname IN ('PutObject', 'CompleteMultipartUpload')
      AND regexp_like(
        coalesce(useridentity.invokedby, '') || ' ' || coalesce(sourceipaddress, ''),
        '(^| )(cloudtrail|config|delivery[.]logs|logdelivery[.]elasticloadbalancing|elasticloadbalancing|route53resolver|network-firewall|vpc-flow-logs)[.]amazonaws[.]com'
      )
    )
)
SELECT
  @call, target, bucket, @outcome
FROM events
ORDER BY event_time, event_id
