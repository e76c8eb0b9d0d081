-- name: kms-grants
-- title: Key policies and grants
-- answers: Changes to policies of keys, and grants to principals of other accounts.
-- hours: 24
-- mitre: T1098
-- cis: -
-- severity: medium
-- hit: Someone else may use the key now.
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
    json_extract_scalar(requestparameters, '$.keyId') AS target,
    json_extract_scalar(requestparameters, '$.granteePrincipal') AS grantee,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'kms.amazonaws.com' AND eventname IN (
      'PutKeyPolicy', 'CreateGrant'
    )
    AND coalesce(useridentity.type, '') <> 'AWSService'
    AND useridentity.invokedby IS NULL
    AND (
      eventname = 'PutKeyPolicy'
      OR (
        strpos(json_extract_scalar(requestparameters, '$.granteePrincipal'), ':' || recipientaccountid || ':') = 0
        AND strpos(json_extract_scalar(requestparameters, '$.granteePrincipal'), '.amazonaws.com') = 0
      )
    )
)
SELECT
  eventtime AS event_time, account_id, aws_region, principal, source_ip, event_source, event_name,
  target, grantee, CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time
