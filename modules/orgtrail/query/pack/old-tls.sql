-- name: old-tls
-- title: Old TLS and refusals at VPC endpoints
-- answers: Calls over TLS below 1.2, and calls that a VPC endpoint policy refused.
-- hours: 24
-- mitre: T1599
-- cis: -
-- severity: low
-- hit: A program that soon cannot call AWS any more, or one that tried to leave its network.
WITH events AS (
  SELECT DISTINCT
    eventid AS event_id,
    eventtime AS event_time,
    @account AS account_id,
    @who AS principal,
    sourceipaddress AS source_ip,
    useragent AS user_agent,
    eventsource AS event_source,
    CASE
      WHEN tlsdetails.tlsversion IN ('SSLv3', 'TLSv1', 'TLSv1.0', 'TLSv1.1') THEN 'old TLS'
      ELSE 'endpoint refusal'
    END AS kind,
    tlsdetails.tlsversion AS tls_version,
    vpcendpointid AS vpc_endpoint
  FROM organization_trail
  WHERE :bounds
    AND (
      tlsdetails.tlsversion IN ('SSLv3', 'TLSv1', 'TLSv1.0', 'TLSv1.1')
      OR (eventcategory = 'NetworkActivity' AND errorcode = 'VpceAccessDenied')
    )
)
SELECT
  kind, account_id, principal, source_ip, user_agent, event_source, tls_version, vpc_endpoint,
  count(*) AS calls,
  min(event_time) AS first_time,
  max(event_time) AS last_time @evidence
FROM events
GROUP BY
  kind, account_id, principal, source_ip, user_agent, event_source, tls_version, vpc_endpoint
ORDER BY kind, calls DESC
