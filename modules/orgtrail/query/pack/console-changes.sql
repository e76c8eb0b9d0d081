-- name: console-changes
-- title: Changes made in the console
-- answers: Changes that people made by hand in the console, past infrastructure as code.
-- hours: 24
-- mitre: T1098
-- cis: -
-- severity: low
-- hit: What runs is no longer what the code says.
WITH events AS (
  SELECT DISTINCT
    @event,
    @on_what AS target
  FROM organization_trail
  WHERE :bounds
    AND lower(readonly) = 'false'
    AND lower(
      coalesce(
        sessioncredentialfromconsole,
        useridentity.sessioncontext.attributes.sessioncredentialfromconsole
      )
    ) = 'true'
    AND useridentity.invokedby IS NULL
    AND NOT regexp_like(
      coalesce(useragent, ''), 'Terraform|Pulumi|cloudformation|aws-cdk|APN/1.0 HashiCorp'
    )
    AND eventname <> 'ConsoleLogin'
)
SELECT
  @call, target, @outcome
FROM events
ORDER BY event_time, event_id
