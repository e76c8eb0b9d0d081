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
    @event,
    coalesce(
      @param(name),
      @param(trailName),
      @param(eventDataStore),
      @param(resourceId),
      @else_on
    ) AS target
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'cloudtrail.amazonaws.com' AND eventname IN (
      'StopLogging', 'DeleteTrail', 'UpdateTrail', 'PutEventSelectors',
      'PutInsightSelectors', 'RemoveTags', 'DeleteEventDataStore',
      'StopEventDataStoreIngestion', 'UpdateEventDataStore', 'PutEventConfiguration',
      'DeregisterOrganizationDelegatedAdmin', 'PutResourcePolicy', 'DeleteResourcePolicy',
      'UpdateChannel', 'DeleteChannel', 'DisableFederation'
    )
    AND @called
)
SELECT
  @call, target, @outcome
FROM events
ORDER BY event_time, event_id
