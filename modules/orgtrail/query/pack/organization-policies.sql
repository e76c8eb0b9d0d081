-- name: organization-policies
-- title: Changes to organization policies
-- answers: Service control policies and others: made, changed, attached, detached, switched off.
-- hours: 168
-- mitre: T1562, T1484
-- cis: 4.15
-- severity: critical
-- hit: What accounts may do was changed for many at once.
WITH events AS (
  SELECT DISTINCT
    @event,
    coalesce(@param(policyId), @param(name), @param(policyType), @else_on) AS target,
    coalesce(@param(targetId), @param(rootId)) AS applies_to,
    @omitted AS omitted
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'organizations.amazonaws.com' AND eventname IN (
      'CreatePolicy', 'UpdatePolicy', 'DeletePolicy', 'AttachPolicy', 'DetachPolicy',
      'EnablePolicyType', 'DisablePolicyType', 'PutResourcePolicy',
      'DeleteResourcePolicy'
    )
    AND @called
)
SELECT
  @call, target, applies_to, omitted, @outcome
FROM events
ORDER BY event_time, event_id
