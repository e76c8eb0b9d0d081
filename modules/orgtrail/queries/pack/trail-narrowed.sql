-- name: trail-narrowed
-- title: Trails made to see less
-- answers: Changes that let a trail record less: fewer regions, no validation, another bucket or key, no management events.
-- hours: 168
-- mitre: T1562.008
-- cis: 4.5
-- severity: critical
-- hit: The trail was, or was to be, made blind to something.
WITH events AS (
  SELECT DISTINCT
    eventid,
    eventtime,
    recipientaccountid AS account_id,
    coalesce(useridentity.arn, useridentity.invokedby, useridentity.type) AS principal,
    sourceipaddress AS source_ip,
    eventname AS event_name,
    coalesce(
      json_extract_scalar(requestparameters, '$.name'),
      json_extract_scalar(requestparameters, '$.trailName')
    ) AS trail,
    json_extract_scalar(requestparameters, '$.isMultiRegionTrail') AS multi_region,
    json_extract_scalar(requestparameters, '$.includeGlobalServiceEvents') AS global_events,
    json_extract_scalar(requestparameters, '$.enableLogFileValidation') AS validation,
    json_extract_scalar(requestparameters, '$.isOrganizationTrail') AS organization,
    json_extract_scalar(requestparameters, '$.s3BucketName') AS bucket,
    json_extract_scalar(requestparameters, '$.kmsKeyId') AS kms_key,
    json_extract_scalar(
      requestparameters, '$.eventSelectors[0].includeManagementEvents'
    ) AS management_events,
    json_extract_scalar(requestparameters, '$.eventSelectors[0].readWriteType') AS read_write,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'cloudtrail.amazonaws.com'
    AND eventname IN ('UpdateTrail', 'PutEventSelectors')
)
SELECT
  eventtime AS event_time, account_id, principal, source_ip, event_name, trail, multi_region,
  global_events, validation, organization, bucket, kms_key, management_events, read_write,
  CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
WHERE multi_region = 'false'
  OR global_events = 'false'
  OR validation = 'false'
  OR organization = 'false'
  OR bucket IS NOT NULL
  OR kms_key IS NOT NULL
  OR management_events = 'false'
  OR (read_write IS NOT NULL AND read_write <> 'All')
ORDER BY event_time
