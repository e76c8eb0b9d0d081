-- name: snapshot-sharing
-- title: Snapshots and images shared
-- answers: Disks, images and databases given to other accounts or to everyone, exports, and the blocks on public sharing switched off.
-- hours: 24
-- mitre: T1537
-- cis: -
-- severity: high
-- hit: Data left the account by way of a copy.
WITH events AS (
  SELECT DISTINCT
    @event,
    coalesce(
      @param(snapshotId), @param(imageId), @param(dBSnapshotIdentifier),
      @param(dBClusterSnapshotIdentifier), @param(sourceArn), @param(exportTaskIdentifier),
      @param(snapshotIdentifier), @param(instanceId), @else_on
    ) AS target,
    concat_ws(
      ' ',
      json_format(json_extract(requestparameters, '$.createVolumePermission.add')),
      json_format(json_extract(requestparameters, '$.launchPermission.add')),
      json_format(json_extract(requestparameters, '$.valuesToAdd')),
      CASE WHEN @param(operationType) = 'add' THEN @request END,
      '"' || @param(accountWithRestoreAccess) || '"'
    ) AS added,
    @unsaid AS unsaid
  FROM organization_trail
  WHERE :bounds
    AND (
      (eventsource = 'ec2.amazonaws.com' AND eventname IN (
        'ModifySnapshotAttribute', 'ModifyImageAttribute', 'CreateStoreImageTask',
        'ExportImage', 'CreateInstanceExportTask', 'DisableSnapshotBlockPublicAccess',
        'DisableImageBlockPublicAccess'
      ))
      OR (eventsource = 'rds.amazonaws.com' AND eventname IN (
        'ModifyDBSnapshotAttribute', 'ModifyDBClusterSnapshotAttribute', 'StartExportTask'
      ))
      OR (eventsource = 'redshift.amazonaws.com' AND eventname = 'AuthorizeSnapshotAccess')
    )
    AND @called
)
SELECT
  @call, target,
  CASE
    WHEN regexp_like(added, '"all"') OR strpos(event_name, 'BlockPublicAccess') > 0
      THEN 'everyone'
    ELSE coalesce(
      nullif(array_join(array_sort(array_distinct(
        regexp_extract_all(added, '"([0-9]{12})"', 1)
      )), ','), ''),
      regexp_extract(added, '"(arn:aws[a-z-]*:organizations:[^"]+)"', 1)
    )
  END AS shared_with,
  @outcome
FROM events
WHERE event_name NOT IN (
    'ModifySnapshotAttribute', 'ModifyImageAttribute', 'ModifyDBSnapshotAttribute',
    'ModifyDBClusterSnapshotAttribute'
  )
  OR regexp_like(added, '"(all|[0-9]{12})"|"arn:aws[a-z-]*:organizations:')
  OR unsaid
ORDER BY event_time, event_id
