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
    @event,
    coalesce(
      @param(name),
      @param(sAMLProviderArn),
      @param(openIDConnectProviderArn),
      @param(url),
      @param(trustAnchorId),
      @param(profileId),
      @else_on
    ) AS target
  FROM organization_trail
  WHERE :bounds
    AND (
      (eventsource = 'iam.amazonaws.com' AND eventname IN (
        'CreateSAMLProvider', 'UpdateSAMLProvider', 'DeleteSAMLProvider',
        'CreateOpenIDConnectProvider', 'DeleteOpenIDConnectProvider',
        'AddClientIDToOpenIDConnectProvider', 'RemoveClientIDFromOpenIDConnectProvider',
        'UpdateOpenIDConnectProviderThumbprint', 'EnableOutboundWebIdentityFederation'
      ))
      OR (eventsource = 'rolesanywhere.amazonaws.com' AND eventname IN (
        'CreateTrustAnchor', 'UpdateTrustAnchor', 'DeleteTrustAnchor', 'EnableTrustAnchor',
        'DisableTrustAnchor', 'CreateProfile', 'UpdateProfile',
        'EnableProfile', 'ImportCrl', 'DeleteCrl', 'DisableCrl'
      ))
    )
    AND @called
)
SELECT
  @call, target, @outcome
FROM events
ORDER BY event_time, event_id
