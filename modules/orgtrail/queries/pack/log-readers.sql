-- name: log-readers
-- title: Who read the audit logs
-- answers: Who fetched log files from the archive, how many and how many bytes (data events).
-- hours: 168
-- param: archive text <archive> The archive bucket; empty for any bucket
-- mitre: T1530
-- cis: -
-- severity: medium
-- hit: The principal read the evidence; auditors and the SIEM are expected.
WITH events AS (
  SELECT DISTINCT
    eventid,
    eventtime,
    coalesce(useridentity.arn, useridentity.invokedby, useridentity.type) AS principal,
    sourceipaddress AS source_ip,
    json_extract_scalar(requestparameters, '$.bucketName') AS bucket,
    CAST(json_extract_scalar(additionaleventdata, '$.bytesTransferredOut') AS double) AS bytes,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 's3.amazonaws.com'
    AND eventname = 'GetObject'
    AND coalesce(useridentity.type, '') <> 'AWSService'
    AND (:archive = '' OR json_extract_scalar(requestparameters, '$.bucketName') = :archive)
    AND strpos(json_extract_scalar(requestparameters, '$.key'), 'AWSLogs/') > 0
)
SELECT
  principal, source_ip, bucket,
  count_if(error_code IS NULL) AS files_read,
  count_if(error_code IS NOT NULL) AS attempts,
  sum(bytes) AS bytes_out,
  min(eventtime) AS first_time,
  max(eventtime) AS last_time
FROM events
GROUP BY principal, source_ip, bucket
ORDER BY files_read DESC, principal
