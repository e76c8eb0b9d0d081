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
    eventid AS event_id,
    eventtime AS event_time,
    @account AS account_id,
    @who AS principal,
    sourceipaddress AS source_ip,
    eventsource || ':' || eventname AS action
  FROM organization_trail
  WHERE :bounds
    AND @called
    -- Each service has a code of its own for it; the words are mostly IAM's.
    AND (
      regexp_like(
        errorcode,
        'AccessDenied|Unauthorized|NotAuthorized|Forbidden|AuthorizationError|InsufficientPrivileges|AllAccessDisabled|PermissionDenied'
      )
      OR strpos(errormessage, 'not authorized to perform') > 0
    )
)
SELECT
  account_id, principal,
  count(*) AS refusals,
  count(DISTINCT action) AS actions,
  count(DISTINCT source_ip) AS addresses,
  min(action) AS example,
  min(event_time) AS first_time,
  max(event_time) AS last_time @evidence
FROM events
GROUP BY account_id, principal
HAVING count(*) >= :least
ORDER BY refusals DESC, principal
