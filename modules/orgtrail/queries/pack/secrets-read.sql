-- name: secrets-read
-- title: Secrets and parameters read
-- answers: Who read secrets and decrypted parameters: how many distinct ones, and when.
-- hours: 24
-- param: least integer 1 Fewest distinct secrets to tell of
-- mitre: T1555.006
-- cis: -
-- severity: medium
-- hit: Many secrets read by one principal in a short time is theft.
WITH events AS (
  SELECT DISTINCT
    eventid,
    eventtime,
    recipientaccountid AS account_id,
    coalesce(useridentity.arn, useridentity.invokedby, useridentity.type) AS principal,
    sourceipaddress AS source_ip,
    eventname AS event_name,
    coalesce(
      json_extract_scalar(requestparameters, '$.secretId'),
      json_extract_scalar(requestparameters, '$.name'),
      json_extract_scalar(requestparameters, '$.path'),
      CAST(json_extract(requestparameters, '$.secretIdList') AS varchar),
      CAST(json_extract(requestparameters, '$.names') AS varchar)
    ) AS secret,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND coalesce(useridentity.type, '') <> 'AWSService'
    AND (
      (
        eventsource = 'secretsmanager.amazonaws.com'
        AND eventname IN ('GetSecretValue', 'BatchGetSecretValue')
      )
      OR (
        eventsource = 'ssm.amazonaws.com'
        AND eventname IN (
          'GetParameter', 'GetParameters', 'GetParametersByPath', 'GetParameterHistory'
        )
        AND json_extract_scalar(requestparameters, '$.withDecryption') = 'true'
      )
    )
)
SELECT
  account_id, principal, source_ip,
  count(DISTINCT secret) AS secrets,
  count_if(error_code IS NULL) AS successes,
  count_if(error_code IS NOT NULL) AS attempts,
  min(secret) AS example,
  min(eventtime) AS first_time,
  max(eventtime) AS last_time
FROM events
GROUP BY account_id, principal, source_ip
HAVING count(DISTINCT secret) >= :least
ORDER BY secrets DESC, principal
