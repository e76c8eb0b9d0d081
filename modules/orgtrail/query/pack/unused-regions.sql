-- name: unused-regions
-- title: Work in regions not in use
-- answers: Changes in regions that the organization does not use, and regions that were switched on or off.
-- hours: 24
-- param: allowed text <regions> Regions in use, with commas
-- mitre: T1535
-- cis: -
-- severity: medium
-- hit: Something was made where nobody looks.
WITH events AS (
  SELECT DISTINCT
    @event,
    @on_what AS target
  FROM organization_trail
  WHERE :bounds
    AND @called
    AND useridentity.invokedby IS NULL
    AND (
      eventname IN ('EnableRegion', 'DisableRegion')
      OR (
        lower(readonly) = 'false'
        AND :allowed <> ''
        AND NOT contains(split(:allowed, ','), awsregion)
        -- Services without regions record their calls in one of their own choice.
        AND NOT (
          awsregion IN ('us-east-1', 'us-west-2', 'us-gov-west-1', 'cn-north-1', 'cn-northwest-1')
          AND eventsource IN (
            'iam.amazonaws.com', 'organizations.amazonaws.com', 'cloudfront.amazonaws.com',
            'route53.amazonaws.com', 'globalaccelerator.amazonaws.com', 'account.amazonaws.com',
            'support.amazonaws.com', 'signin.amazonaws.com', 'shield.amazonaws.com'
          )
        )
      )
    )
)
SELECT
  @call, target, @outcome
FROM events
ORDER BY event_time, event_id
