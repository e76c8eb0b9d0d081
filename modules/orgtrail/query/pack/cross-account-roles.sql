-- name: cross-account-roles
-- title: Roles used across accounts
-- answers: Which accounts assumed roles in which others, and whether they are of the organization.
-- hours: 24
-- param: accounts text <accounts> Accounts of the organization, with commas
-- mitre: T1199
-- cis: -
-- severity: medium
-- hit: A principal of one account entered another; from outside the organization it needs a contract.
WITH events AS (
  SELECT DISTINCT
    eventid AS event_id,
    eventtime AS event_time,
    useridentity.accountid AS caller_account,
    @account AS account_id,
    @who AS principal,
    coalesce(@param(roleArn), @else_on) AS role_arn,
    @error AS error_code
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'sts.amazonaws.com'
    AND eventname IN ('AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity')
    AND @called
    AND useridentity.accountid IS NOT NULL
    AND useridentity.accountid <> @account
)
SELECT
  caller_account, account_id, principal, role_arn,
  CASE
    WHEN :accounts = '' THEN 'unknown'
    WHEN contains(split(:accounts, ','), caller_account) THEN 'inside'
    ELSE 'outside'
  END AS organization,
  count_if(error_code IS NULL) AS successes,
  count_if(error_code IS NOT NULL) AS attempts,
  min(event_time) AS first_time,
  max(event_time) AS last_time @evidence
FROM events
GROUP BY caller_account, account_id, principal, role_arn
ORDER BY organization DESC, successes DESC, principal
