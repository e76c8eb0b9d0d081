-- name: unused-regions
-- title: Work in regions not in use
-- answers: Changes in regions that the organization does not use, and regions that were switched on or off.
-- hours: 24
-- param: allowed text <regions> Regions in use, with commas
-- mitre: T1535
-- cis: -
-- severity: medium
-- hit: Something was made where nobody looks.
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
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND coalesce(useridentity.type, '') <> 'AWSService'
    AND useridentity.invokedby IS NULL
    AND (
      eventname IN ('EnableRegion', 'DisableRegion')
      OR (
        lower(readonly) = 'false'
        AND :allowed <> ''
        AND NOT contains(split(:allowed, ','), awsregion)
      )
    )
)
SELECT
  eventtime AS event_time, account_id, aws_region, principal, source_ip, event_source, event_name,
  CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time
