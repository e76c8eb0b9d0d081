-- name: address-activity
-- title: Everything that came from an address
-- answers: The timeline of an address or a network over all accounts, whoever called; or of a program, by a part of its name.
-- hours: 168
-- param: address text required An IP address, the start of one as in 192.0.2., or a part of a user agent
-- mitre: T1078
-- cis: -
-- severity: info
-- hit: One call from there.
WITH events AS (
  SELECT DISTINCT
    @event,
    useridentity.accesskeyid AS access_key,
    useragent AS user_agent,
    @on_what AS resource
  FROM organization_trail
  WHERE :bounds
    AND (
      sourceipaddress = :address
      -- Half a number is no network.
      OR (regexp_like(:address, '[.:]$') AND starts_with(sourceipaddress, :address))
      OR (NOT regexp_like(:address, '^[0-9a-fA-F.:]+$') AND strpos(useragent, :address) > 0)
    )
)
SELECT
  event_time, account_id, aws_region, principal, access_key, source_ip, user_agent, event_source,
  event_name, resource, @outcome
FROM events
ORDER BY event_time, event_id
