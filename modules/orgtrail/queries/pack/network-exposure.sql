-- name: network-exposure
-- title: Changes of the network
-- answers: Security groups, network ACLs, gateways, route tables and VPCs; rules for the whole internet are flagged.
-- hours: 24
-- mitre: T1562.007
-- cis: 4.10, 4.11, 4.12, 4.13, 4.14
-- severity: medium
-- hit: What can be reached from where was changed.
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
      json_extract_scalar(requestparameters, '$.groupId'),
      json_extract_scalar(requestparameters, '$.networkAclId'),
      json_extract_scalar(requestparameters, '$.internetGatewayId'),
      json_extract_scalar(requestparameters, '$.customerGatewayId'),
      json_extract_scalar(requestparameters, '$.routeTableId'),
      json_extract_scalar(requestparameters, '$.vpcId')
    ) AS target,
    regexp_like(CAST(requestparameters AS varchar), '"(0\.0\.0\.0/0|::/0)"') AS internet,
    coalesce(errorcode, errormessage) AS error_code
  FROM organization_trail
  WHERE :bounds
    AND eventsource = 'ec2.amazonaws.com' AND eventname IN (
      'AuthorizeSecurityGroupIngress', 'AuthorizeSecurityGroupEgress',
      'RevokeSecurityGroupIngress', 'RevokeSecurityGroupEgress',
      'ModifySecurityGroupRules', 'CreateSecurityGroup', 'DeleteSecurityGroup',
      'CreateNetworkAcl', 'CreateNetworkAclEntry', 'DeleteNetworkAcl',
      'DeleteNetworkAclEntry', 'ReplaceNetworkAclEntry', 'ReplaceNetworkAclAssociation',
      'CreateCustomerGateway', 'DeleteCustomerGateway', 'AttachInternetGateway',
      'CreateInternetGateway', 'DeleteInternetGateway', 'DetachInternetGateway',
      'CreateRoute', 'CreateRouteTable', 'ReplaceRoute', 'ReplaceRouteTableAssociation',
      'DeleteRouteTable', 'DeleteRoute', 'DisassociateRouteTable', 'CreateVpc',
      'DeleteVpc', 'ModifyVpcAttribute', 'AcceptVpcPeeringConnection',
      'CreateVpcPeeringConnection', 'DeleteVpcPeeringConnection',
      'RejectVpcPeeringConnection', 'AttachClassicLinkVpc', 'DetachClassicLinkVpc',
      'DisableVpcClassicLink', 'EnableVpcClassicLink'
    )
    AND coalesce(useridentity.type, '') <> 'AWSService'
)
SELECT
  eventtime AS event_time, account_id, aws_region, principal, source_ip, event_source, event_name,
  target, internet, CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome, error_code
FROM events
ORDER BY event_time
