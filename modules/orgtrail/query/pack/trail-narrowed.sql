-- name: trail-narrowed
-- title: Trails narrowed
-- answers: Changes that let a trail record less: fewer regions, no validation, another bucket or key, no management events, services left out, five-minute summaries in place of events.
-- hours: 168
-- mitre: T1562.008
-- cis: 4.5
-- severity: critical
-- hit: The trail was, or was to be, made blind to something.
WITH events AS (
  SELECT DISTINCT
    @event,
    coalesce(@param(name), @param(trailName), @else_on) AS trail,
    lower(coalesce(@param(isMultiRegionTrail), @param(multiRegionEnabled))) AS multi_region,
    lower(@param(includeGlobalServiceEvents)) AS global_events,
    lower(@param(enableLogFileValidation)) AS validation,
    lower(coalesce(@param(isOrganizationTrail), @param(organizationEnabled))) AS organization,
    @param(cloudWatchLogsLogGroupArn) AS log_group,
    @param(s3BucketName) AS bucket,
    @param(kmsKeyId) AS kms_key,
    CASE
      WHEN regexp_like(@request, '"includeManagementEvents":\s*"?false')
        AND NOT regexp_like(@request, '"includeManagementEvents":\s*"?true') THEN 'false'
      WHEN json_extract(requestparameters, '$.advancedEventSelectors') IS NOT NULL
        AND NOT regexp_like(@request, '"equals":\s*\[[^\]]*"Management"') THEN 'false'
      WHEN json_extract(requestparameters, '$.eventSelectors') IS NOT NULL
        OR json_extract(requestparameters, '$.advancedEventSelectors') IS NOT NULL THEN 'true'
    END AS management_events,
    coalesce(
      regexp_extract(@request, '"readWriteType":\s*"(ReadOnly|WriteOnly)"', 1),
      CASE WHEN regexp_like(@request, '"field":\s*"readOnly"') THEN 'readOnly' END,
      @param(eventSelectors[0].readWriteType)
    ) AS read_write,
    coalesce(
      regexp_extract(@request, '"excludeManagementEventSources":\s*\[\s*("[^\]]+)', 1),
      nullif(array_join(
        regexp_extract_all(
          @request, '"not(?:Equals|StartsWith|EndsWith)":\s*\[\s*("[^\]]+)', 1
        ), ','
      ), '')
    ) AS left_out,
    nullif(json_format(json_extract(requestparameters, '$.aggregationConfigurations')), '[]')
      AS aggregation,
    @unsaid AS unsaid
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'cloudtrail.amazonaws.com'
    AND eventname IN (
      'UpdateTrail', 'PutEventSelectors', 'PutEventConfiguration', 'UpdateEventDataStore'
    )
)
SELECT
  event_time, account_id, principal, source_ip, event_name, trail, multi_region,
  global_events, validation, organization, log_group, bucket, kms_key, management_events, read_write,
  left_out, aggregation, @outcome
FROM events
WHERE multi_region = 'false'
  OR global_events = 'false'
  OR validation = 'false'
  OR organization = 'false'
  OR log_group = ''
  OR bucket IS NOT NULL
  OR kms_key IS NOT NULL
  OR management_events = 'false'
  OR (read_write IS NOT NULL AND read_write <> 'All')
  OR left_out IS NOT NULL
  OR aggregation IS NOT NULL
  OR unsaid
ORDER BY event_time, event_id
