-- name: role-chain
-- title: Chains of assumed roles
-- answers: Roles taken one after the other, each with the session of the one before: where it began and where it led, up to six roles back.
-- hours: 24
-- param: principal text '' Part of the first caller's ARN, or a source identity; empty for all
-- param: depth integer 2 Fewest roles in a chain
-- mitre: T1550.001, T1548
-- cis: -
-- severity: medium
-- hit: One person went through several roles; the path says which.
WITH delivered AS (
  SELECT DISTINCT
    eventid AS event_id,
    eventtime AS event_time,
    @who AS principal,
    useridentity.accesskeyid AS caller_key,
    coalesce(@param(roleArn), @param(targetPrincipal), eventname) AS role_arn,
    coalesce(
      useridentity.sessioncontext.sourceidentity, @param(sourceIdentity)
    ) AS source_identity,
    json_extract_scalar(responseelements, '$.credentials.accessKeyId') AS issued_key
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'sts.amazonaws.com'
    AND eventname IN (
      'AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'AssumeRoot',
      'GetFederationToken'
    )
    AND errorcode IS NULL
),
-- A call between accounts is told in both of them.
assumed AS (
  SELECT
    issued_key,
    min(event_time) AS assumed_at,
    min(event_id) AS event_id,
    max(principal) AS principal,
    max(caller_key) AS caller_key,
    max(role_arn) AS role_arn,
    max(source_identity) AS source_identity
  FROM delivered
  WHERE issued_key IS NOT NULL
  GROUP BY issued_key
),
-- Athena limits a recursion by its stages; joins to a stated depth it runs.
chains AS (
  SELECT
    1 + count_back.n AS depth,
    origin, source_identity, path, started, ended, last_key, event_id
  FROM (
    SELECT
      (CASE WHEN r2.issued_key IS NULL THEN 0 ELSE 1 END)
        + (CASE WHEN r3.issued_key IS NULL THEN 0 ELSE 1 END)
        + (CASE WHEN r4.issued_key IS NULL THEN 0 ELSE 1 END)
        + (CASE WHEN r5.issued_key IS NULL THEN 0 ELSE 1 END)
        + (CASE WHEN r6.issued_key IS NULL THEN 0 ELSE 1 END) AS n,
      coalesce(
        r6.principal, r5.principal, r4.principal, r3.principal, r2.principal, r1.principal
      ) AS origin,
      coalesce(
        r6.source_identity, r5.source_identity, r4.source_identity, r3.source_identity,
        r2.source_identity, r1.source_identity
      ) AS source_identity,
      concat_ws(
        ' > ',
        r6.role_arn, r5.role_arn, r4.role_arn, r3.role_arn, r2.role_arn, r1.role_arn
      ) AS path,
      coalesce(
        r6.assumed_at, r5.assumed_at, r4.assumed_at, r3.assumed_at, r2.assumed_at, r1.assumed_at
      ) AS started,
      r1.assumed_at AS ended,
      r1.issued_key AS last_key,
      r1.event_id AS event_id
    FROM assumed r1
    LEFT JOIN assumed r2 ON r2.issued_key = r1.caller_key
    LEFT JOIN assumed r3 ON r3.issued_key = r2.caller_key
    LEFT JOIN assumed r4 ON r4.issued_key = r3.caller_key
    LEFT JOIN assumed r5 ON r5.issued_key = r4.caller_key
    LEFT JOIN assumed r6 ON r6.issued_key = r5.caller_key
  ) AS count_back
)
SELECT depth, origin, source_identity, path, started, ended, last_key, event_id
FROM chains
WHERE depth >= :depth
  AND (:principal = '' OR strpos(origin, :principal) > 0 OR source_identity = :principal)
ORDER BY started, depth, event_id
