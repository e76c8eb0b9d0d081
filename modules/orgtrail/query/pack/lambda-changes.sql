-- name: lambda-changes
-- title: Code, layers and permissions of functions
-- answers: Lambda functions that were made or whose code, layers, role or permissions were changed, URLs that were opened, and layers that were published or shared.
-- hours: 24
-- mitre: T1648, T1525
-- cis: -
-- severity: medium
-- hit: Other code runs with the function's role, or someone else may call it; `everyone` is open to the world.
WITH events AS (
  SELECT DISTINCT
    @event,
    coalesce(@param(functionName), @param(layerName), @else_on) AS target,
    json_format(json_extract(requestparameters, '$.layers')) AS layers,
    CASE
      WHEN @param(principal) = '*'
        AND coalesce(@param(principalOrgID), @param(sourceArn), @param(sourceAccount)) IS NOT NULL
        THEN 'conditional'
      WHEN @param(principal) = '*' OR @param(authType) = 'NONE'
        OR @param(functionUrlAuthType) = 'NONE' THEN 'everyone'
      ELSE @param(principal)
    END AS opened_to,
    @omitted AS omitted
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'lambda.amazonaws.com'
    AND (
      eventname IN (
        'CreateFunction20150331', 'CreateFunction20141111', 'UpdateFunctionCode20150331v2',
        'UpdateFunctionCode20150331', 'UpdateFunctionCode20141111', 'PublishLayerVersion20181031',
        'PublishLayerVersion', 'AddLayerVersionPermission20181031', 'AddLayerVersionPermission',
        'AddPermission20150331v2', 'AddPermission20150331', 'CreateFunctionUrlConfig',
        'UpdateFunctionUrlConfig', 'CreateEventSourceMapping20150331', 'UpdateAlias20150331'
      )
      OR (
        eventname IN (
          'UpdateFunctionConfiguration20150331v2', 'UpdateFunctionConfiguration20150331',
          'UpdateFunctionConfiguration20141111'
        )
        AND (
          json_extract(requestparameters, '$.layers') IS NOT NULL
          OR @param(role) IS NOT NULL
          OR @param(handler) IS NOT NULL
          OR json_extract(requestparameters, '$.environment') IS NOT NULL
          OR @unsaid
        )
      )
    )
    AND @called
)
SELECT
  @call, target, layers, opened_to, omitted, @outcome
FROM events
ORDER BY event_time, event_id
