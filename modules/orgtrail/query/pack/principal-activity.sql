-- name: principal-activity
-- title: Everything a person or role did
-- answers: The timeline of one person, role or key over all accounts and sessions, through the roles that it took (three, one after the other), with the first and last time of each region, address and program.
-- hours: 168
-- param: principal text required ARN, access key id, user name, role ARN, source identity, session name, Identity Center user id, or subject of a federated user
-- mitre: T1078
-- cis: -
-- severity: info
-- hit: One call of that principal; `followed` where a session made it that the principal opened.
WITH asked AS (SELECT :principal AS wanted),
assumed AS (
  SELECT DISTINCT
    json_extract_scalar(responseelements, '$.credentials.accessKeyId') AS issued_key,
    useridentity.accesskeyid AS caller_key,
    @called_by(wanted) AS theirs
  FROM organization_trail
  CROSS JOIN asked
  WHERE :bounds
    AND eventsource = 'sts.amazonaws.com'
    AND eventname IN (
      'AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'AssumeRoot',
      'GetFederationToken', 'GetSessionToken'
    )
    AND errorcode IS NULL
),
-- A call between accounts is told in both of them, and one of the two may know less.
sessions AS (
  SELECT issued_key, max(caller_key) AS caller_key, bool_or(coalesce(theirs, false)) AS theirs
  FROM assumed
  WHERE issued_key IS NOT NULL
  GROUP BY issued_key
),
opened AS (
  SELECT s.issued_key
  FROM sessions s
  LEFT JOIN sessions p1 ON p1.issued_key = s.caller_key
  LEFT JOIN sessions p2 ON p2.issued_key = p1.caller_key
  WHERE s.theirs OR p1.theirs OR p2.theirs
),
events AS (
  SELECT DISTINCT
    @event,
    useridentity.accesskeyid AS access_key,
    useragent AS user_agent,
    @on_what AS resource,
    coalesce(@called_by(wanted), false) AS theirs
  FROM organization_trail
  CROSS JOIN asked
  WHERE :bounds AND wanted <> ''
),
followed AS (
  SELECT e.*, o.issued_key
  FROM events e
  LEFT JOIN opened o ON o.issued_key = e.access_key
  WHERE e.theirs OR o.issued_key IS NOT NULL
)
SELECT
  event_time, account_id, aws_region, principal, access_key, source_ip, user_agent, event_source,
  event_name, resource,
  CASE WHEN theirs THEN 'own' ELSE 'followed' END AS via,
  min(event_time) OVER (PARTITION BY aws_region, source_ip, user_agent) AS first_time,
  max(event_time) OVER (PARTITION BY aws_region, source_ip, user_agent) AS last_time,
  @outcome
FROM followed
ORDER BY event_time, event_id
