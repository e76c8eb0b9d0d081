-- name: secrets-read
-- title: Secrets and parameters read
-- answers: Who read secrets and decrypted parameters, alone or in batches: how many distinct ones, and when; refusals always.
-- hours: 24
-- param: least integer 1 Fewest distinct secrets to tell of, where none was refused
-- mitre: T1555.006
-- cis: -
-- severity: medium
-- hit: Many secrets read by one principal in a short time is theft.
WITH events AS (
  SELECT DISTINCT
    eventid AS event_id,
    eventtime AS event_time,
    @account AS account_id,
    @who AS principal,
    sourceipaddress AS source_ip,
    -- One secret that is asked for by its name and by its ARN is one.
    array_distinct(transform(
      filter(
        ARRAY[
          @param(secretId), @param(name), @param(path),
          json_format(json_extract(requestparameters, '$.filters')), @refused_on
        ]
          || @list(secretIdList)
          || @list(names),
        one -> one IS NOT NULL
      ),
      one -> coalesce(
        regexp_extract(one, ':secret:(.+)-[a-zA-Z0-9]{6}$', 1),
        regexp_extract(one, ':ssm:[^:]*:[0-9]*:parameter/?([^/]+)$', 1),
        regexp_extract(one, ':ssm:[^:]*:[0-9]*:parameter(/.+)$', 1),
        one
      )
    )) AS secrets,
    @error AS error_code
  FROM organization_trail
  WHERE :bounds
    AND @called
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
        AND (lower(@param(withDecryption)) = 'true' OR @unsaid)
      )
    )
),
named AS (
  SELECT
    event_id, event_time, account_id, principal, source_ip, error_code,
    CASE WHEN cardinality(secrets) = 0 THEN ARRAY['not said'] ELSE secrets END AS secrets
  FROM events
)
SELECT
  account_id, principal, source_ip,
  cardinality(array_distinct(flatten(array_agg(secrets)))) AS secrets,
  count_if(error_code IS NULL) AS successes,
  count_if(error_code IS NOT NULL) AS attempts,
  array_min(flatten(array_agg(secrets))) AS example,
  min(event_time) AS first_time,
  max(event_time) AS last_time @evidence
FROM named
GROUP BY account_id, principal, source_ip
HAVING cardinality(array_distinct(flatten(array_agg(secrets)))) >= :least
  OR count_if(error_code IS NOT NULL) > 0
ORDER BY secrets DESC, principal
