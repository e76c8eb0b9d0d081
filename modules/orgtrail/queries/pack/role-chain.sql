-- name: role-chain
-- title: Chains of assumed roles
-- answers: Who went from role to role: each chain from its first caller, with the source identity.
-- hours: 24
-- param: principal text '' Part of the first caller's ARN, or a source identity; empty for all
-- param: depth integer 2 Fewest roles in a chain
-- mitre: T1550.001, T1548
-- cis: -
-- severity: medium
-- hit: One person went through several roles; the path says which.
WITH RECURSIVE
delivered AS (
  SELECT DISTINCT
    eventid,
    eventtime,
    coalesce(useridentity.arn, useridentity.invokedby, useridentity.type) AS principal,
    useridentity.accesskeyid AS caller_key,
    json_extract_scalar(requestparameters, '$.roleArn') AS role_arn,
    coalesce(
      useridentity.sessioncontext.sourceidentity,
      json_extract_scalar(requestparameters, '$.sourceIdentity')
    ) AS source_identity,
    json_extract_scalar(responseelements, '$.credentials.accessKeyId') AS issued_key
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'sts.amazonaws.com'
    AND eventname IN ('AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity')
    AND errorcode IS NULL
),
-- A call between accounts is told in both of them.
assumed AS (
  SELECT
    issued_key,
    min(eventtime) AS assumed_at,
    max(principal) AS principal,
    max(caller_key) AS caller_key,
    max(role_arn) AS role_arn,
    max(source_identity) AS source_identity
  FROM delivered
  WHERE issued_key IS NOT NULL
  GROUP BY issued_key
),
chain (depth, origin, source_identity, path, started, ended, issued_key) AS (
  SELECT
    1,
    a.principal,
    a.source_identity,
    CAST(a.role_arn AS varchar),
    a.assumed_at,
    a.assumed_at,
    a.issued_key
  FROM assumed a
  LEFT JOIN assumed earlier ON earlier.issued_key = a.caller_key
  WHERE earlier.issued_key IS NULL
    AND (
      :principal = '' OR strpos(a.principal, :principal) > 0 OR a.source_identity = :principal
    )
  UNION ALL
  SELECT
    c.depth + 1,
    c.origin,
    coalesce(c.source_identity, a.source_identity),
    CAST(c.path || ' > ' || a.role_arn AS varchar),
    c.started,
    a.assumed_at,
    a.issued_key
  FROM chain c
  JOIN assumed a ON a.caller_key = c.issued_key
  WHERE c.depth < 9
)
SELECT depth, origin, source_identity, path, started, ended, issued_key AS last_key
FROM chain
WHERE depth >= :depth
ORDER BY started, depth
