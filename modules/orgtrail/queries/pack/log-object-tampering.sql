-- name: log-object-tampering
-- title: Log files deleted or overwritten
-- answers: Deletions, writes and changes of retention under AWSLogs by anyone but CloudTrail (data events).
-- hours: 168
-- param: archive text <archive> The archive bucket; empty for any bucket
-- mitre: T1070
-- cis: -
-- severity: critical
-- hit: A log file was, or was to be, changed by someone other than CloudTrail.
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
    json_extract_scalar(requestparameters, '$.key') AS target,
    json_extract_scalar(requestparameters, '$.bucketName') AS bucket,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 's3.amazonaws.com' AND eventname IN (
      'DeleteObject', 'DeleteObjects', 'PutObject', 'CopyObject', 'RestoreObject',
      'PutObjectRetention', 'PutObjectLegalHold', 'PutObjectAcl', 'DeleteObjectTagging',
      'PutObjectTagging'
    )
    AND (:archive = '' OR json_extract_scalar(requestparameters, '$.bucketName') = :archive)
    AND (eventname = 'DeleteObjects' OR strpos(json_extract_scalar(requestparameters, '$.key'), 'AWSLogs/') > 0)
    AND coalesce(useridentity.invokedby, '') <> 'cloudtrail.amazonaws.com'
    AND sourceipaddress <> 'cloudtrail.amazonaws.com'
)
SELECT
  eventtime AS event_time, account_id, aws_region, principal, source_ip, event_source, event_name,
  target, bucket, CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time
