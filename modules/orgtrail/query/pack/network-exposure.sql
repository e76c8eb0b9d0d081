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
    @event,
    coalesce(
      @param(groupId),
      @param(ModifySecurityGroupRulesRequest.GroupId),
      @param(networkAclId),
      @param(internetGatewayId),
      @param(customerGatewayId),
      @param(routeTableId),
      @param(vpcId),
      @else_on
    ) AS target,
    coalesce(
      regexp_like(@request, '"(0\.0\.0\.0/[01]|128\.0\.0\.0/1|::/0)"')
        AND coalesce(@param(ruleAction), '') <> 'deny',
      false
    ) AS internet
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
      'DisableVpcClassicLink', 'EnableVpcClassicLink', 'ModifyVpcBlockPublicAccessOptions'
    )
    AND @called
)
SELECT
  @call, target, internet, @outcome
FROM events
ORDER BY event_time, event_id
