-- name: denied-calls
-- title: Refused calls by principal
-- answers: Who was refused what, how often, and over how many actions and services.
-- hours: 24
-- param: least integer 1 Fewest refusals to tell of
-- mitre: T1526, T1580
-- cis: 4.1
-- severity: medium
-- hit: Many actions refused to one principal look like someone trying what it may do.
WITH events AS (
  SELECT DISTINCT
    eventid,
    eventtime,
    recipientaccountid AS account_id,
    coalesce(useridentity.arn, useridentity.invokedby, useridentity.type) AS principal,
    sourceipaddress AS source_ip,
    eventsource || ':' || eventname AS action,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND coalesce(useridentity.type, '') <> 'AWSService'
    AND (
      errorcode IN ('AccessDenied', 'AccessDeniedException', 'UnauthorizedAccess')
      OR regexp_like(errorcode, 'UnauthorizedOperation$|UnauthorizedAccess|NotAuthorized')
    )
)
SELECT
  account_id, principal,
  count(*) AS refusals,
  count(DISTINCT action) AS actions,
  count(DISTINCT source_ip) AS addresses,
  min(action) AS example,
  min(eventtime) AS first_time,
  max(eventtime) AS last_time
FROM events
GROUP BY account_id, principal
HAVING count(*) >= :least
ORDER BY refusals DESC, principal
