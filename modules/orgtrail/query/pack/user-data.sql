-- name: user-data
-- title: User data of instances read or changed
-- answers: Start scripts of instances that were read, where passwords are often found, or changed, which runs a stranger's code as root at the next start.
-- hours: 24
-- mitre: T1552.005, T1059.009
-- cis: -
-- severity: medium
-- hit: Secrets in a start script may be known, or the machine runs other code from its next start.
WITH events AS (
  SELECT DISTINCT
    @event,
    coalesce(@param(instanceId), @param(launchTemplateId), @else_on) AS target,
    CASE WHEN eventname = 'DescribeInstanceAttribute' THEN 'read' ELSE 'changed' END AS how
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'ec2.amazonaws.com'
    AND eventname IN ('ModifyInstanceAttribute', 'DescribeInstanceAttribute')
    AND (
      @param(attribute) = 'userData'
      OR json_extract(requestparameters, '$.userData') IS NOT NULL
      OR @unsaid
    )
    AND @called
)
SELECT
  @call, target, how, @outcome
FROM events
ORDER BY event_time, event_id
