-- name: kms-grants
-- title: Key policies and grants
-- answers: Key policies that were put, and grants to other accounts; whom a policy lets in beside its own account is told.
-- hours: 24
-- mitre: T1098
-- cis: -
-- severity: medium
-- hit: Someone else may use the key now.
WITH events AS (
  SELECT DISTINCT
    @event,
    coalesce(@param(keyId), @else_on) AS target,
    @param(granteePrincipal) AS grantee,
    @text(policy) AS document,
    @omitted AS omitted
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'kms.amazonaws.com' AND eventname IN (
      'PutKeyPolicy', 'CreateGrant'
    )
    AND @called
    AND (eventname = 'PutKeyPolicy' OR useridentity.invokedby IS NULL)
)
SELECT
  @call, target, grantee, @opened_to(document) AS opened_to, omitted, @outcome
FROM events
WHERE event_name = 'PutKeyPolicy'
  OR NOT coalesce(
    strpos(grantee, ':' || account_id || ':') > 0
      OR regexp_like(grantee, '^[a-z0-9.-]+[.]amazonaws[.]com([.]cn)?$'), false
  )
ORDER BY event_time, event_id
