-- name: trail-tampering
-- title: Attempts to stop or change a trail
-- answers: Every call that stops, deletes or changes a trail or event data store, done or only tried.
-- hours: 168
-- mitre: T1562.008
-- cis: 4.5
-- severity: critical
-- hit: Someone tried to blind the audit; a success needs an answer at once.
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
    coalesce(
      json_extract_scalar(requestparameters, '$.name'),
      json_extract_scalar(requestparameters, '$.trailName'),
      json_extract_scalar(requestparameters, '$.eventDataStore'),
      json_extract_scalar(requestparameters, '$.resourceId')
    ) AS target,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'cloudtrail.amazonaws.com' AND eventname IN (
      'StopLogging', 'DeleteTrail', 'UpdateTrail', 'PutEventSelectors',
      'PutInsightSelectors', 'RemoveTags', 'DeleteEventDataStore',
      'StopEventDataStoreIngestion', 'UpdateEventDataStore',
      'DeregisterOrganizationDelegatedAdmin'
    )
    AND coalesce(useridentity.type, '') <> 'AWSService'
)
SELECT
  eventtime AS event_time, account_id, aws_region, principal, source_ip, event_source, event_name,
  target, CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time
