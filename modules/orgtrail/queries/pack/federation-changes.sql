-- name: federation-changes
-- title: Changes of federation
-- answers: Identity providers and trust anchors by which others come in.
-- hours: 24
-- mitre: T1484.002
-- cis: 4.4
-- severity: high
-- hit: Someone else vouches for identities now.
WITH events AS (
  SELECT DISTINCT
    eventid,
    eventtime,
    recipientaccountid AS account_id,
    awsregion AS aws_region,
    coalesce(useridentity.arn, useridentity.invokedby, useridentity.type) AS principal,
    sourceipaddress AS source_ip,
    eventsource AS event_source,
    eventname AS event_name,
    coalesce(
      json_extract_scalar(requestparameters, '$.name'),
      json_extract_scalar(requestparameters, '$.sAMLProviderArn'),
      json_extract_scalar(requestparameters, '$.openIDConnectProviderArn'),
      json_extract_scalar(requestparameters, '$.url'),
      json_extract_scalar(requestparameters, '$.trustAnchorId'),
      json_extract_scalar(requestparameters, '$.profileId')
    ) AS target,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND (
      (eventsource = 'iam.amazonaws.com' AND eventname IN (
        'CreateSAMLProvider', 'UpdateSAMLProvider', 'DeleteSAMLProvider',
        'CreateOpenIDConnectProvider', 'DeleteOpenIDConnectProvider',
        'AddClientIDToOpenIDConnectProvider', 'RemoveClientIDFromOpenIDConnectProvider',
        'UpdateOpenIDConnectProviderThumbprint'
      ))
      OR (eventsource = 'rolesanywhere.amazonaws.com' AND eventname IN (
        'CreateTrustAnchor', 'UpdateTrustAnchor', 'DeleteTrustAnchor', 'EnableTrustAnchor',
        'DisableTrustAnchor', 'CreateProfile', 'UpdateProfile'
      ))
    )
    AND coalesce(useridentity.type, '') <> 'AWSService'
)
SELECT
  eventtime AS event_time, account_id, aws_region, principal, source_ip, event_source, event_name,
  target, CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time
