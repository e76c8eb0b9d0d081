-- name: people
-- title: What people did
-- answers: Calls and refusals by the person behind single sign-on, over all accounts and permission sets.
-- hours: 24
-- param: person text '' Session name or user id; empty for all
-- mitre: T1078
-- cis: -
-- severity: info
-- hit: A person worked in that account.
WITH events AS (
  SELECT DISTINCT
    eventid AS event_id,
    eventtime AS event_time,
    @account AS account_id,
    useridentity.onbehalfof.userid AS user_id,
    coalesce(
      nullif(split_part(useridentity.principalid, ':', 2), ''), useridentity.onbehalfof.userid
    ) AS person,
    useridentity.sessioncontext.sessionissuer.username AS role_name,
    lower(readonly) AS read_only,
    @error AS error_code
  FROM organization_trail
  WHERE :bounds
    AND (
      useridentity.onbehalfof.userid IS NOT NULL
      OR (
        useridentity.type = 'AssumedRole'
        AND starts_with(useridentity.sessioncontext.sessionissuer.username, 'AWSReservedSSO_')
      )
    )
)
SELECT
  person, account_id, role_name,
  max(user_id) AS user_id,
  count(*) AS calls,
  count_if(read_only = 'false') AS writes,
  count_if(error_code IS NOT NULL) AS attempts,
  min(event_time) AS first_time,
  max(event_time) AS last_time @evidence
FROM events
WHERE :person = '' OR person = :person OR user_id = :person
GROUP BY person, account_id, role_name
ORDER BY calls DESC, person
