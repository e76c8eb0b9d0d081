-- name: security-services-stopped
-- title: Security services stopped
-- answers: GuardDuty, Config, Security Hub, Macie, Inspector, Detective, Security Lake, flow logs, resolver query logs, firewalls' logs, analyzers, alarms and log groups: switched off or weakened.
-- hours: 24
-- mitre: T1562.001
-- cis: 4.9, 4.16
-- severity: high
-- hit: A security service was disabled or weakened.
WITH events AS (
  SELECT DISTINCT
    @event,
    coalesce(
      @param(detectorId),
      @param(configurationRecorderName),
      @param(deliveryChannelName),
      @param(configRuleName),
      @param(analyzerName),
      @param(logGroupName),
      @param(resolverQueryLogConfigId),
      @param(resourceArn),
      @param(name),
      @else_on
    ) AS target
  FROM organization_trail
  WHERE :bounds
    AND (
      (eventsource = 'guardduty.amazonaws.com' AND eventname IN (
        'DeleteDetector', 'UpdateDetector', 'DisassociateFromMasterAccount',
        'DisassociateFromAdministratorAccount', 'DisassociateMembers', 'DeleteMembers',
        'StopMonitoringMembers', 'CreateFilter', 'UpdateFilter', 'CreateIPSet',
        'UpdateIPSet', 'CreateThreatIntelSet', 'DeleteThreatIntelSet',
        'DeletePublishingDestination', 'UpdateOrganizationConfiguration', 'ArchiveFindings',
        'UpdateMemberDetectors', 'DeleteMalwareProtectionPlan'
      ))
      OR (eventsource = 'config.amazonaws.com' AND eventname IN (
        'StopConfigurationRecorder', 'DeleteConfigurationRecorder',
        'DeleteDeliveryChannel', 'DeleteConfigRule', 'DeleteConfigurationAggregator',
        'DeleteOrganizationConfigRule', 'PutConfigurationRecorder', 'DeleteRetentionConfiguration',
        'DeleteConformancePack', 'DeleteOrganizationConformancePack'
      ))
      OR (eventsource = 'securityhub.amazonaws.com' AND eventname IN (
        'DisableSecurityHub', 'BatchUpdateFindings', 'UpdateFindings', 'DeleteInsight',
        'UpdateInsight', 'BatchDisableStandards', 'DisableImportFindingsForProduct',
        'DisassociateMembers', 'DeleteMembers', 'DisassociateFromAdministratorAccount',
        'UpdateStandardsControl', 'UpdateSecurityControl', 'CreateAutomationRule',
        'DisableSecurityHubV2'
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
        'DeleteMetricFilter', 'PutRetentionPolicy', 'DeleteDestination'
      ))
      OR (eventsource = 'monitoring.amazonaws.com' AND eventname IN (
        'DeleteAlarms', 'DisableAlarmActions', 'PutMetricAlarm'
      ))
      OR (eventsource = 'events.amazonaws.com' AND eventname IN (
        'DeleteRule', 'DisableRule', 'RemoveTargets', 'PutRule'
      ))
      OR (eventsource = 'route53.amazonaws.com' AND eventname IN (
        'DeleteQueryLoggingConfig'
      ))
      OR (eventsource = 'route53resolver.amazonaws.com' AND eventname IN (
        'DeleteResolverQueryLogConfig', 'DisassociateResolverQueryLogConfig',
        'DisassociateFirewallRuleGroup', 'UpdateFirewallConfig'
      ))
      OR (eventsource = 'inspector2.amazonaws.com' AND eventname IN (
        'Disable', 'DisassociateMember', 'CreateFilter'
      ))
      OR (eventsource = 'detective.amazonaws.com' AND eventname IN (
        'DeleteGraph', 'DeleteMembers', 'DisassociateMembership'
      ))
      OR (eventsource = 'wafv2.amazonaws.com' AND eventname IN (
        'DeleteLoggingConfiguration', 'DeleteWebACL', 'DisassociateWebACL'
      ))
      OR (eventsource = 'network-firewall.amazonaws.com' AND eventname IN (
        'UpdateLoggingConfiguration', 'DeleteFirewall'
      ))
      OR (eventsource = 'securitylake.amazonaws.com' AND eventname IN (
        'DeleteDataLake', 'DeleteAwsLogSource', 'DeleteCustomLogSource'
      ))
      OR (eventsource = 'bedrock.amazonaws.com' AND eventname IN (
        'DeleteModelInvocationLoggingConfiguration', 'DeleteGuardrail'
      ))
    )
    AND @called
    AND NOT (eventname = 'UpdateDetector' AND lower(@param(enable)) = 'true')
    AND NOT (
      eventname = 'PutRetentionPolicy'
      AND coalesce(TRY_CAST(@param(retentionInDays) AS integer) >= 365, false)
    )
    AND (eventname <> 'PutRule' OR @param(state) = 'DISABLED' OR @unsaid)
    AND (eventname <> 'PutMetricAlarm' OR lower(@param(actionsEnabled)) = 'false' OR @unsaid)
)
SELECT
  @call, target, @outcome
FROM events
ORDER BY event_time, event_id
