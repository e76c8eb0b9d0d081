-- name: account-activity
-- title: Every call in an account
-- answers: Every call by user, resource, time and result; choose accounts with --account.
-- hours: 24
-- param: writes_only integer 0 1 leaves out calls that only read
-- mitre: T1078
-- cis: -
-- severity: info
-- hit: One call.
WITH events AS (
  SELECT DISTINCT
    @event,
    useridentity.sessioncontext.sourceidentity AS source_identity,
    @on_what AS resource
  FROM organization_trail
  WHERE :bounds AND (:writes_only = 0 OR lower(readonly) = 'false')
)
SELECT
  event_time, account_id, aws_region, principal, source_identity, source_ip, event_source,
  event_name, resource, @outcome
FROM events
ORDER BY event_time, event_source, event_name, event_id
