-- name: first-time-roles
-- title: Roles assumed for the first time
-- answers: Pairs of caller and role that were never seen before in the period.
-- hours: 744
-- param: recent_hours integer 24 Hours before the end in which a pair counts as new
-- mitre: T1078
-- cis: -
-- severity: low
-- hit: A principal took a role that it had not taken before.
WITH events AS (
  SELECT DISTINCT
    coalesce(sharedeventid, eventid) AS shared_id,
    eventtime,
    coalesce(useridentity.sessioncontext.sessionissuer.arn, useridentity.arn) AS caller,
    json_extract_scalar(requestparameters, '$.roleArn') AS role_arn
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'sts.amazonaws.com'
    AND eventname = 'AssumeRole'
    AND errorcode IS NULL
    AND coalesce(useridentity.type, '') <> 'AWSService'
)
SELECT caller, role_arn, min(eventtime) AS first_time, count(*) AS times
FROM events
WHERE caller IS NOT NULL
GROUP BY caller, role_arn
HAVING date_diff(
  'second', from_iso8601_timestamp(min(eventtime)), from_iso8601_timestamp(:until)
) <= :recent_hours * 3600
ORDER BY first_time
