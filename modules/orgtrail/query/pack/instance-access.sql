-- name: instance-access
-- title: Ways into running instances
-- answers: Commands sent and sessions opened by Systems Manager, keys pushed by Instance Connect or to the serial console, commands in containers, and Windows passwords fetched.
-- hours: 24
-- mitre: T1651, T1021.007
-- cis: -
-- severity: medium
-- hit: Someone was, or tried to get, inside a machine; what they did there CloudTrail does not see.
WITH events AS (
  SELECT DISTINCT
    @event,
    coalesce(
      nullif(array_join(@list(instanceIds), ','), ''), @param(instanceId), @param(target),
      @param(task), json_format(json_extract(requestparameters, '$.targets')), @else_on
    ) AS target,
    coalesce(@param(documentName), @param(instanceOSUser), @param(command)) AS means
  FROM organization_trail
  WHERE :bounds
    AND (
      (eventsource = 'ssm.amazonaws.com' AND eventname IN (
        'SendCommand', 'StartSession', 'ResumeSession', 'StartAutomationExecution',
        'CreateAssociation', 'UpdateAssociation'
      ))
      OR (eventsource = 'ec2-instance-connect.amazonaws.com' AND eventname IN (
        'SendSSHPublicKey', 'SendSerialConsoleSSHPublicKey', 'OpenTunnel'
      ))
      OR (eventsource = 'ec2.amazonaws.com' AND eventname IN (
        'GetPasswordData', 'EnableSerialConsoleAccess', 'CreateInstanceConnectEndpoint'
      ))
      OR (eventsource = 'ecs.amazonaws.com' AND eventname IN ('ExecuteCommand'))
    )
    AND @called
)
SELECT
  @call, target, means, @outcome
FROM events
ORDER BY event_time, event_id
