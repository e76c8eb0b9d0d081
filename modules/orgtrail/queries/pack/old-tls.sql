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
    eventid,
    eventtime,
    recipientaccountid AS account_id,
    coalesce(useridentity.arn, useridentity.invokedby, useridentity.type) AS principal,
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
  min(eventtime) AS first_time,
  max(eventtime) AS last_time
FROM events
GROUP BY
  kind, account_id, principal, source_ip, user_agent, event_source, tls_version, vpc_endpoint
ORDER BY calls DESC, principal
