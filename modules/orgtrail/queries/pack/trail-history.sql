-- name: trail-history
-- title: When the trail was made and who tried to disable it
-- answers: The life of the trails: made, started, changed, stopped, deleted, by whom, done or only tried.
-- hours: 8784
-- mitre: T1562.008
-- cis: 4.5
-- severity: info
-- hit: One step in the life of a trail.
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
      json_extract_scalar(requestparameters, '$.trailName')
    ) AS target,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'cloudtrail.amazonaws.com' AND eventname IN (
      'CreateTrail', 'StartLogging', 'StopLogging', 'DeleteTrail', 'UpdateTrail',
      'PutEventSelectors'
    )
    AND coalesce(useridentity.type, '') <> 'AWSService'
)
SELECT
  eventtime AS event_time, account_id, aws_region, principal, source_ip, event_source, event_name,
  target, CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time
