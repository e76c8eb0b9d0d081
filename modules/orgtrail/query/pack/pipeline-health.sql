-- name: pipeline-health
-- title: Health of the delivery
-- answers: For each account and region: last delivery, hours of silence, duplicates and late events; and accounts that are absent.
-- hours: 24
-- param: accounts text <accounts> Accounts that should deliver, with commas
-- param: silent_hours integer 12 Hours without an event after which a region is silent
-- param: late_minutes integer 60 Minutes after which an event is late
-- mitre: -
-- cis: -
-- severity: info
-- hit: `absent` and `silent` need an answer: nothing is recorded there, or it does not arrive.
WITH delivered AS (
  SELECT
    account,
    region,
    eventid,
    eventtime,
    regexp_extract("$path", '_([0-9]{8}T[0-9]{4}Z)_', 1) AS file_time
  FROM organization_trail
  WHERE :bounds
),
measured AS (
  SELECT
    account,
    region,
    eventid,
    eventtime,
    date_diff(
      'minute',
      TRY(from_iso8601_timestamp(eventtime)),
      date_parse(file_time, '%Y%m%dT%H%iZ')
    ) AS lag_minutes
  FROM delivered
),
health AS (
  SELECT
    account,
    region,
    count(DISTINCT eventid) AS events,
    count(eventid) - count(DISTINCT eventid) AS duplicates,
    count_if(lag_minutes > :late_minutes) AS late_events,
    min(eventtime) AS first_event,
    max(eventtime) AS last_event,
    date_diff(
      'hour', TRY(from_iso8601_timestamp(max(eventtime))), from_iso8601_timestamp(:until)
    ) AS hours_silent
  FROM measured
  GROUP BY account, region
),
expected AS (
  SELECT account
  FROM UNNEST(split(:accounts, ',')) AS listed (account)
  WHERE account <> ''
)
SELECT
  coalesce(h.account, e.account) AS account,
  h.region,
  CASE
    WHEN h.account IS NULL THEN 'absent'
    WHEN h.hours_silent > :silent_hours THEN 'silent'
    WHEN :accounts <> '' AND e.account IS NULL THEN 'unexpected'
    ELSE 'delivering'
  END AS status,
  coalesce(h.events, 0) AS events,
  coalesce(h.duplicates, 0) AS duplicates,
  coalesce(h.late_events, 0) AS late_events,
  h.first_event,
  h.last_event,
  h.hours_silent
FROM health h
FULL OUTER JOIN expected e ON e.account = h.account
ORDER BY status, account, region
