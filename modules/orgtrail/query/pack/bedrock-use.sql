-- name: bedrock-use
-- title: Foundation models used or opened
-- answers: Models of Bedrock that were invoked, access to models that was asked for, and the log of invocations changed or switched off, by principal and model.
-- hours: 24
-- mitre: T1496.004, T1562.008
-- cis: -
-- severity: medium
-- hit: Someone is using models at your expense, or preparing to; where nobody works with Bedrock it is theft.
WITH events AS (
  SELECT DISTINCT
    eventid AS event_id,
    eventtime AS event_time,
    @account AS account_id,
    awsregion AS aws_region,
    @who AS principal,
    sourceipaddress AS source_ip,
    eventname AS event_name,
    coalesce(@param(modelId), @on_what) AS model,
    @error AS error_code
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'bedrock.amazonaws.com'
    AND eventname IN (
      'InvokeModel', 'InvokeModelWithResponseStream', 'InvokeModelWithBidirectionalStream',
      'Converse', 'ConverseStream', 'StartAsyncInvoke', 'CreateModelInvocationJob',
      'PutUseCaseForModelAccess',      'CreateFoundationModelAgreement', 'PutModelInvocationLoggingConfiguration',
      'DeleteModelInvocationLoggingConfiguration'
    )
    AND @called
)
SELECT
  account_id, aws_region, principal, source_ip, event_name, model,
  count_if(error_code IS NULL) AS successes,
  count_if(error_code IS NOT NULL) AS attempts,
  min(event_time) AS first_time,
  max(event_time) AS last_time @evidence
FROM events
GROUP BY account_id, aws_region, principal, source_ip, event_name, model
ORDER BY first_time, principal
