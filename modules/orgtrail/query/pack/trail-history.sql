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
    @event,
    coalesce(
      @param(name),
      @param(trailName),
      @else_on
    ) AS target
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'cloudtrail.amazonaws.com' AND eventname IN (
      'CreateTrail', 'StartLogging', 'StopLogging', 'DeleteTrail', 'UpdateTrail',
      'PutEventSelectors', 'PutInsightSelectors', 'PutEventConfiguration'
    )
    AND @called
)
SELECT
  @call, target, @outcome
FROM events
ORDER BY event_time, event_id
