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
    eventid,
    eventtime,
    recipientaccountid AS account_id,
    awsregion AS aws_region,
    coalesce(useridentity.arn, useridentity.invokedby, useridentity.type) AS principal,
    sourceipaddress AS source_ip,
    eventsource AS event_source,
    eventname AS event_name,
    coalesce(
      json_extract_scalar(requestparameters, '$.policyId'),
      json_extract_scalar(requestparameters, '$.name'),
      json_extract_scalar(requestparameters, '$.policyType')
    ) AS target,
    coalesce(
      json_extract_scalar(requestparameters, '$.targetId'),
      json_extract_scalar(requestparameters, '$.rootId')
    ) AS applies_to,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'organizations.amazonaws.com' AND eventname IN (
      'CreatePolicy', 'UpdatePolicy', 'DeletePolicy', 'AttachPolicy', 'DetachPolicy',
      'EnablePolicyType', 'DisablePolicyType', 'PutResourcePolicy',
      'DeleteResourcePolicy'
    )
    AND coalesce(useridentity.type, '') <> 'AWSService'
)
SELECT
  eventtime AS event_time, account_id, aws_region, principal, source_ip, event_source, event_name,
  target, applies_to, CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time
