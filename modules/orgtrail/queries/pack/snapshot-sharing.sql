-- name: snapshot-sharing
-- title: Snapshots and images shared
-- answers: Disks, images and databases given to other accounts or to everyone, and exports.
-- hours: 24
-- mitre: T1537
-- cis: -
-- severity: high
-- hit: Data left the account by way of a copy.
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
      json_extract_scalar(requestparameters, '$.snapshotId'),
      json_extract_scalar(requestparameters, '$.imageId'),
      json_extract_scalar(requestparameters, '$.dBSnapshotIdentifier'),
      json_extract_scalar(requestparameters, '$.dBClusterSnapshotIdentifier'),
      json_extract_scalar(requestparameters, '$.sourceArn'),
      json_extract_scalar(requestparameters, '$.exportTaskIdentifier'),
      json_extract_scalar(requestparameters, '$.instanceId')
    ) AS target,
    CASE
      WHEN regexp_like(CAST(requestparameters AS varchar), '"group":\s*"all"|"all"') THEN 'everyone'
      ELSE regexp_extract(
        CAST(requestparameters AS varchar),
        '"(?:add|valuesToAdd)":.*?"([0-9]{12})"', 1
      )
    END AS shared_with,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND (
      (eventsource = 'ec2.amazonaws.com' AND eventname IN (
        'ModifySnapshotAttribute', 'ModifyImageAttribute', 'CreateStoreImageTask',
        'ExportImage', 'CreateInstanceExportTask'
      ))
      OR (eventsource = 'rds.amazonaws.com' AND eventname IN (
        'ModifyDBSnapshotAttribute', 'ModifyDBClusterSnapshotAttribute', 'StartExportTask'
      ))
    )
    AND coalesce(useridentity.type, '') <> 'AWSService'
    AND (
      eventname IN (
        'CreateStoreImageTask', 'ExportImage', 'CreateInstanceExportTask', 'StartExportTask'
      )
      OR regexp_like(
        CAST(requestparameters AS varchar),
        '("(launch|createVolume)Permission":\s*\{"add"|"valuesToAdd").*("all"|"[0-9]{12}")'
      )
    )
)
SELECT
  eventtime AS event_time, account_id, aws_region, principal, source_ip, event_source, event_name,
  target, shared_with, CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time
