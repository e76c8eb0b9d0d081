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
    eventid,
    eventtime,
    recipientaccountid AS account_id,
    awsregion AS aws_region,
    sourceipaddress AS source_ip,
    eventsource AS event_source,
    eventname AS event_name,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND useridentity.type = 'Root'
    AND useridentity.invokedby IS NULL
    AND coalesce(eventtype, '') <> 'AwsServiceEvent'
)
SELECT
  eventtime AS event_time, account_id, aws_region, source_ip, event_source, event_name,
  CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time
