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
    eventid,
    eventtime,
    recipientaccountid AS account_id,
    awsregion AS aws_region,
    coalesce(useridentity.arn, useridentity.invokedby, useridentity.type) AS principal,
    eventsource AS event_source,
    eventname AS event_name,
    coalesce(errorcode, errormessage) AS error_code
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
  eventtime AS event_time, account_id, aws_region, principal, event_source, event_name,
  CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time
