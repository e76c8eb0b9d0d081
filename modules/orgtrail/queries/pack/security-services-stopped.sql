-- name: security-services-stopped
-- title: Security services stopped
-- answers: GuardDuty, Config, Security Hub, Macie, flow logs, analyzers and log groups: switched off or weakened.
-- hours: 24
-- mitre: T1562.001
-- cis: 4.9, 4.16
-- severity: high
-- hit: One of the guards was sent away.
WITH events AS (
  SELECT DISTINCT
    eventid,
    eventtime,
    recipientaccountid AS account_id,
    awsregion AS aws_region,
    coalesce(useridentity.arn, useridentity.invokedby, useridentity.type) AS principal,
    sourceipaddress AS source_ip,
    eventsource AS event_source,
    eventname AS event_name,
    coalesce(
      json_extract_scalar(requestparameters, '$.detectorId'),
      json_extract_scalar(requestparameters, '$.configurationRecorderName'),
      json_extract_scalar(requestparameters, '$.deliveryChannelName'),
      json_extract_scalar(requestparameters, '$.configRuleName'),
      json_extract_scalar(requestparameters, '$.analyzerName'),
      json_extract_scalar(requestparameters, '$.logGroupName'),
      json_extract_scalar(requestparameters, '$.name')
    ) AS target,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND (
      (eventsource = 'guardduty.amazonaws.com' AND eventname IN (
        'DeleteDetector', 'UpdateDetector', 'DisassociateFromMasterAccount',
        'DisassociateFromAdministratorAccount', 'DisassociateMembers', 'DeleteMembers',
        'StopMonitoringMembers', 'CreateFilter', 'UpdateFilter', 'CreateIPSet',
        'UpdateIPSet', 'DeletePublishingDestination', 'UpdateOrganizationConfiguration'
      ))
      OR (eventsource = 'config.amazonaws.com' AND eventname IN (
        'StopConfigurationRecorder', 'DeleteConfigurationRecorder',
        'DeleteDeliveryChannel', 'DeleteConfigRule', 'DeleteConfigurationAggregator',
        'DeleteOrganizationConfigRule'
      ))
      OR (eventsource = 'securityhub.amazonaws.com' AND eventname IN (
        'DisableSecurityHub', 'BatchUpdateFindings', 'UpdateFindings', 'DeleteInsight',
        'UpdateInsight', 'BatchDisableStandards', 'DisableImportFindingsForProduct',
        'DisassociateMembers', 'DeleteMembers', 'DisassociateFromAdministratorAccount'
      ))
      OR (eventsource = 'macie2.amazonaws.com' AND eventname IN (
        'DisableMacie', 'UpdateMacieSession', 'ArchiveFindings', 'CreateFindingsFilter',
        'DisableOrganizationAdminAccount'
      ))
      OR (eventsource = 'macie.amazonaws.com' AND eventname IN (
        'UpdateMacieSession'
      ))
      OR (eventsource = 'ec2.amazonaws.com' AND eventname IN (
        'DeleteFlowLogs'
      ))
      OR (eventsource = 'access-analyzer.amazonaws.com' AND eventname IN (
        'DeleteAnalyzer', 'CreateArchiveRule'
      ))
      OR (eventsource = 'logs.amazonaws.com' AND eventname IN (
        'DeleteLogGroup', 'DeleteLogStream', 'DeleteSubscriptionFilter',
        'DeleteMetricFilter', 'PutRetentionPolicy'
      ))
      OR (eventsource = 'monitoring.amazonaws.com' AND eventname IN (
        'DeleteAlarms', 'DisableAlarmActions'
      ))
      OR (eventsource = 'events.amazonaws.com' AND eventname IN (
        'DeleteRule', 'DisableRule', 'RemoveTargets'
      ))
    )
    AND coalesce(useridentity.type, '') <> 'AWSService'
)
SELECT
  eventtime AS event_time, account_id, aws_region, principal, source_ip, event_source, event_name,
  target, CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time
