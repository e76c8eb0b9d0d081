-- name: failed-authentication
-- title: Failed authentication
-- answers: Failed console logins, refused role assumptions and calls with bad credentials, over all accounts.
-- hours: 168
-- mitre: T1110, T1078
-- cis: 4.6
-- severity: medium
-- hit: Someone could not prove who they are; many failures from one address are an attack.
WITH events AS (
  SELECT DISTINCT
    eventid AS event_id,
    eventtime AS event_time,
    @account AS account_id,
    @who AS principal,
    sourceipaddress AS source_ip,
    eventname AS event_name,
    CASE WHEN eventname = 'ConsoleLogin' THEN 'console' ELSE 'api' END AS way,
    coalesce(@error, 'Failure') AS reason
  FROM organization_trail
  WHERE :bounds
    AND (
      (
        eventname IN ('ConsoleLogin', 'CheckMfa', 'CredentialVerification', 'UserAuthentication')
        AND (
          @error IS NOT NULL
          OR json_extract_scalar(responseelements, '$.ConsoleLogin') = 'Failure'
          OR json_extract_scalar(responseelements, '$.CheckMfa') = 'Failure'
          OR json_extract_scalar(serviceeventdetails, '$.CredentialVerification') = 'Failure'
          OR json_extract_scalar(serviceeventdetails, '$.UserAuthentication') = 'Failure'
        )
      )
      OR (
        eventsource = 'sts.amazonaws.com'
        AND errorcode IS NOT NULL
        AND NOT regexp_like(errorcode, 'Throttl|RequestLimitExceeded|ServiceUnavailable')
        AND eventname IN (
          'AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'GetFederationToken',
          'GetSessionToken', 'AssumeRoot'
        )
      )
      OR errorcode IN (
        'InvalidClientTokenId', 'SignatureDoesNotMatch', 'UnrecognizedClientException',
        'ExpiredToken', 'ExpiredTokenException', 'AuthFailure', 'Client.AuthFailure',
        'InvalidSignatureException', 'InvalidAccessKeyId', 'MissingAuthenticationToken',
        'MissingAuthenticationTokenException', 'IncompleteSignatureException', 'RequestExpired'
      )
    )
)
SELECT
  account_id, way, event_name, principal, source_ip, reason,
  count(*) AS failures,
  min(event_time) AS first_time,
  max(event_time) AS last_time @evidence
FROM events
GROUP BY account_id, way, event_name, principal, source_ip, reason
ORDER BY failures DESC, first_time
