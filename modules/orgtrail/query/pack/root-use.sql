-- name: root-use
-- title: Use of root
-- answers: Everything that a root user did by itself.
-- hours: 24
-- mitre: T1078.004
-- cis: 4.3
-- severity: high
-- hit: Root was used; it should be for emergencies alone.
WITH events AS (
  SELECT DISTINCT
    @event,
    @on_what AS target
  FROM organization_trail
  WHERE :bounds
    AND useridentity.type = 'Root'
    AND useridentity.invokedby IS NULL
    AND coalesce(eventtype, '') <> 'AwsServiceEvent'
)
SELECT
  event_time, account_id, aws_region, source_ip, event_source, event_name, target, @outcome
FROM events
ORDER BY event_time, event_id
