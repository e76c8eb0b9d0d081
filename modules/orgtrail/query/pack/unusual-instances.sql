-- name: unusual-instances
-- title: Unusual instance types and regions
-- answers: Instances asked for of families with accelerators or very large, as cryptominers use them, and instances in regions not in use.
-- hours: 24
-- param: families text 'p,g,gr,trn,inf,dl,f,vt,u,hpc,mac' Families of types that are unusual, with commas
-- param: size integer 16 Smallest multiplier of xlarge that counts as very large
-- param: allowed text <regions> Regions in use, with commas; empty for any
-- mitre: T1496, T1535
-- cis: -
-- severity: high
-- hit: Someone is running compute at your expense; an attempt that a limit stopped counts as well.
WITH events AS (
  SELECT DISTINCT
    @event,
    coalesce(
      regexp_extract_all(
        -- A launch template's type stands in the answer alone.
        @request || coalesce(CAST(responseelements AS varchar), ''),
        '(?i)"instanceTypes?":\s*(?:\[\s*|\{\s*"value":\s*)?"(?:ml[.])?([a-z0-9-]+[.][a-z0-9-]+)"', 1
      ),
      CAST(ARRAY[] AS array(varchar))
    ) AS types,
    coalesce(@param(maxCount), @param(instancesSet.items[0].maxCount)) AS instances,
    @unsaid AS unsaid
  FROM organization_trail
  WHERE :bounds
    AND (
      (eventsource = 'ec2.amazonaws.com' AND eventname IN (
        'RunInstances', 'RequestSpotInstances', 'RequestSpotFleet', 'CreateFleet',
        'ModifyInstanceAttribute', 'CreateLaunchTemplate', 'CreateLaunchTemplateVersion'
      ))
      OR (eventsource = 'sagemaker.amazonaws.com' AND eventname IN (
        'CreateNotebookInstance', 'CreateTrainingJob', 'CreateProcessingJob',
        'CreateEndpointConfig'
      ))
      OR (eventsource = 'autoscaling.amazonaws.com' AND eventname = 'CreateLaunchConfiguration')
      OR (eventsource = 'batch.amazonaws.com' AND eventname = 'CreateComputeEnvironment')
      OR (eventsource = 'eks.amazonaws.com' AND eventname = 'CreateNodegroup')
      OR (eventsource = 'elasticmapreduce.amazonaws.com' AND eventname = 'RunJobFlow')
    )
)
SELECT
  @call,
  array_join(array_sort(array_distinct(types)), ',') AS types,
  instances,
  CASE WHEN :allowed <> '' THEN NOT contains(split(:allowed, ','), aws_region) END
    AS region_not_in_use,
  @outcome
FROM events
WHERE cardinality(filter(
    types,
    one -> regexp_like(one, '^(' || replace(:families, ',', '|') || ')[0-9-]')
      OR strpos(one, '.metal') > 0
      OR coalesce(
        TRY_CAST(regexp_extract(one, '[.]([0-9]+)xlarge', 1) AS integer) >= :size, false
      )
  )) > 0
  OR (cardinality(types) > 0 AND :allowed <> '' AND NOT contains(split(:allowed, ','), aws_region))
  OR (unsaid AND event_name <> 'ModifyInstanceAttribute')
ORDER BY event_time, event_id
