-- name: instance-credentials
-- title: Credentials of instances used from outside
-- answers: Sessions of instances' roles whose key called from two networks, one of which is not the instance's.
-- hours: 24
-- param: endpoints integer 1 0 counts a private address beside a public one as two networks; an instance with an endpoint and a gateway has both
-- mitre: T1552.005, T1078.004
-- cis: -
-- severity: critical
-- hit: The credentials of an instance left it: they were read from its metadata and are used elsewhere.
WITH events AS (
  SELECT DISTINCT
    eventid AS event_id,
    eventtime AS event_time,
    @account AS account_id,
    @who AS principal,
    useridentity.accesskeyid AS access_key,
    sourceipaddress AS source_ip,
    -- An instance shows a private address to an endpoint and else a public one, or one of IPv6.
    CASE WHEN strpos(sourceipaddress, ':') > 0 THEN 'v6' WHEN regexp_like(
      sourceipaddress,
      '^(10|127|169[.]254|192[.]168|172[.](1[6-9]|2[0-9]|3[01])|100[.](6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7]))[.]'
    ) THEN 'private' ELSE 'public' END AS kind,
    coalesce(
      regexp_extract(sourceipaddress, '^([0-9]+[.][0-9]+[.][0-9]+)[.][0-9]+$', 1),
      regexp_extract(sourceipaddress, '^([0-9a-f]+:[0-9a-f]+:[0-9a-f]*):', 1)
    ) AS network,
    useragent AS user_agent,
    eventsource || ':' || eventname AS action
  FROM organization_trail
  WHERE :bounds
    AND useridentity.type = 'AssumedRole'
    AND useridentity.invokedby IS NULL
    AND (
      regexp_like(useridentity.arn, '/i-[0-9a-f]{8,17}$')
      OR useridentity.sessioncontext.ec2roledelivery IS NOT NULL
    )
)
SELECT
  account_id, principal, access_key,
  count(DISTINCT network) AS networks,
  array_join(array_sort(array_agg(DISTINCT source_ip)), ',') AS addresses,
  count(*) AS calls,
  count(DISTINCT user_agent) AS programs,
  min(action) AS example,
  min(event_time) AS first_time,
  max(event_time) AS last_time @evidence
FROM events
WHERE network IS NOT NULL
GROUP BY account_id, principal, access_key
HAVING min(CASE WHEN kind = 'private' THEN network END)
    <> max(CASE WHEN kind = 'private' THEN network END)
  OR min(CASE WHEN kind = 'public' THEN network END)
    <> max(CASE WHEN kind = 'public' THEN network END)
  OR min(CASE WHEN kind = 'v6' THEN network END) <> max(CASE WHEN kind = 'v6' THEN network END)
  OR (:endpoints = 0 AND min(network) <> max(network))
ORDER BY first_time, principal
