-- name: log-readers
-- title: Who read the audit logs
-- answers: Who read log files, how many and how many bytes, with refusals (data events); copies out of the archive count.
-- hours: 168
-- param: archive text <archive> The archive bucket; empty for any bucket
-- mitre: T1530
-- cis: -
-- severity: medium
-- hit: The principal read the evidence; auditors and the SIEM are expected.
WITH events AS (
  SELECT DISTINCT
    eventid AS event_id,
    eventtime AS event_time,
    @who AS principal,
    sourceipaddress AS source_ip,
    CASE
      WHEN eventname IN ('CopyObject', 'UploadPartCopy')
        THEN regexp_extract(
          replace(replace(@text(x-amz-copy-source), '%2F', '/'), '%2f', '/'), '^\W*([^/"]+)', 1
        )
      ELSE @bucket
    END AS bucket,
    CASE
      WHEN eventname IN ('CopyObject', 'UploadPartCopy')
        THEN replace(replace(@text(x-amz-copy-source), '%2F', '/'), '%2f', '/')
      ELSE @param(key)
    END AS key,
    @unsaid AS unsaid,
    CAST(json_extract_scalar(additionaleventdata, '$.bytesTransferredOut') AS double) AS bytes,
    @error AS error_code
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 's3.amazonaws.com'
    AND eventname IN ('GetObject', 'CopyObject', 'UploadPartCopy', 'SelectObjectContent')
    AND @called
)
SELECT
  principal, source_ip, bucket,
  count_if(error_code IS NULL) AS files_read,
  count_if(error_code IS NOT NULL) AS attempts,
  sum(bytes) AS bytes_out,
  min(event_time) AS first_time,
  max(event_time) AS last_time @evidence
FROM events
WHERE (:archive = '' OR bucket = :archive OR (bucket IS NULL AND unsaid))
  AND (strpos(key, 'AWSLogs/') > 0 OR unsaid)
GROUP BY principal, source_ip, bucket
ORDER BY files_read DESC, principal
