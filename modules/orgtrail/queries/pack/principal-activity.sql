-- name: principal-activity
-- title: Everything a principal did
-- answers: The timeline of one principal: ARN, access key, or role session.
-- hours: 168
-- param: principal text required ARN, access key id, user name, role ARN, source identity or session name
-- mitre: T1078
-- cis: -
-- severity: info
-- hit: One call of that principal.
WITH events AS (
  SELECT DISTINCT
    eventid,
    eventtime,
    recipientaccountid AS account_id,
    awsregion AS aws_region,
    coalesce(useridentity.arn, useridentity.invokedby, useridentity.type) AS principal,
    useridentity.accesskeyid AS access_key,
    sourceipaddress AS source_ip,
    eventsource AS event_source,
    eventname AS event_name,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND :principal <> ''
    AND (
      useridentity.arn = :principal
      OR useridentity.accesskeyid = :principal
      OR useridentity.username = :principal
      OR useridentity.sessioncontext.sessionissuer.arn = :principal
      OR useridentity.sessioncontext.sourceidentity = :principal
      OR split_part(useridentity.principalid, ':', 2) = :principal
    )
)
SELECT
  eventtime AS event_time, account_id, aws_region, principal, access_key, source_ip, event_source,
  event_name, CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time
