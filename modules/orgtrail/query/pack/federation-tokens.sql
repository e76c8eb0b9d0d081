-- name: federation-tokens
-- title: Federated sessions made from keys
-- answers: Sessions that a user's key opened with GetFederationToken, which live on after the key is deleted, and ways into the console made from keys.
-- hours: 24
-- mitre: T1550.001, T1078.004
-- cis: -
-- severity: medium
-- hit: A session of up to 36 hours that deleting the key does not end; few programs need it.
WITH events AS (
  SELECT DISTINCT
    @event,
    coalesce(
      @param(name),
      json_extract_scalar(responseelements, '$.federatedUser.arn'),
      @else_on
    ) AS session_name,
    json_extract_scalar(responseelements, '$.credentials.accessKeyId') AS issued_key
  FROM organization_trail
  WHERE :bounds
    AND (
      (eventsource = 'sts.amazonaws.com' AND eventname = 'GetFederationToken')
      OR (
        eventsource = 'signin.amazonaws.com'
        AND (
          (eventname = 'ConsoleLogin' AND useridentity.type = 'FederatedUser')
          -- Identity Center asks for one at each login of its own.
          OR (eventname = 'GetSigninToken' AND NOT starts_with(coalesce(useragent, ''), 'Jersey'))
        )
      )
    )
    AND @called
)
SELECT
  @call, session_name, issued_key, @outcome
FROM events
ORDER BY event_time, event_id
