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
    eventid,
    eventtime,
    recipientaccountid AS account_id,
    useridentity.onbehalfof.userid AS user_id,
    split_part(useridentity.principalid, ':', 2) AS person,
    useridentity.sessioncontext.sessionissuer.username AS role_name,
    lower(readonly) AS read_only,
    coalesce(errorcode, errormessage) AS error_code
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
  min(eventtime) AS first_time,
  max(eventtime) AS last_time
FROM events
WHERE :person = '' OR person = :person OR user_id = :person
GROUP BY person, account_id, role_name
ORDER BY calls DESC, person
