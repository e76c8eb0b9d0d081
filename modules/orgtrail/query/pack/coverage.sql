-- name: coverage
-- title: Events by account and day
-- answers: For each account and day: events, data events among them, regions, and hours that have any.
-- hours: 168
-- mitre: -
-- cis: -
-- severity: info
-- hit: A day that is absent, or has few hours, is a silence that needs a reason.
SELECT
  account,
  substr(eventtime, 1, 10) AS event_day,
  count(DISTINCT eventid) AS events,
  count(DISTINCT CASE WHEN eventcategory = 'Data' THEN eventid END) AS data_events,
  count(DISTINCT region) AS regions,
  count(DISTINCT substr(eventtime, 12, 2)) AS hours_with_events
FROM organization_trail
WHERE :bounds
GROUP BY account, substr(eventtime, 1, 10)
ORDER BY account, event_day
