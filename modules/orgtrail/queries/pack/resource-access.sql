-- name: resource-access
-- title: Who accessed a resource
-- answers: Who touched a resource, by what calls, when first and last, with how many refusals.
-- hours: 168
-- param: resource text required ARN of the resource, or name of a bucket, table, key, secret or function
-- mitre: T1530
-- cis: -
-- severity: info
-- hit: Someone used the resource; compare with who should.
WITH events AS (
  SELECT DISTINCT
    eventid,
    eventtime,
    recipientaccountid AS account_id,
    coalesce(useridentity.arn, useridentity.invokedby, useridentity.type) AS principal,
    eventsource AS event_source,
    eventname AS event_name,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND (
      contains(transform(resources, r -> r.arn), :resource)
      OR json_extract_scalar(requestparameters, '$.bucketName') = :resource
      OR json_extract_scalar(requestparameters, '$.tableName') = :resource
      OR json_extract_scalar(requestparameters, '$.keyId') = :resource
      OR json_extract_scalar(requestparameters, '$.secretId') = :resource
      OR json_extract_scalar(requestparameters, '$.functionName') = :resource
      OR json_extract_scalar(requestparameters, '$.roleArn') = :resource
    )
)
SELECT
  account_id, principal, event_source, event_name,
  count(*) AS calls,
  count_if(error_code IS NULL) AS successes,
  count_if(error_code IS NOT NULL) AS attempts,
  min(eventtime) AS first_time,
  max(eventtime) AS last_time
FROM events
GROUP BY account_id, principal, event_source, event_name
ORDER BY calls DESC, principal, event_name
