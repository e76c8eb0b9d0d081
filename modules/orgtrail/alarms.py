"""The catalogue of alarms, each with its pattern, controls and response.

The patterns of CloudWatch.1 to .14 are exactly those of the Security Hub guide: its check fails
any other text, even with only a term or field added. `cis` is the wording of newer CIS benchmarks
if it differs. A pattern may have placeholders for values of an environment, such as `<archive>`.
https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html
"""

from __future__ import annotations

from dataclasses import dataclass

PATTERN_LIMIT = 1024
"""Most characters of a metric filter's pattern (API PutMetricFilter)."""

SILENCE = "delivery-silence"
"""The alarm that rings if no event arrives; it has no pattern."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm: its name is its key in the environment file and in CloudWatch."""

    name: str
    title: str
    controls: tuple[str, ...]
    pattern: str
    response: str
    cis: str = ""
    """The pattern of CIS v3 and v5, if it differs from Security Hub's."""
    threshold: int = 1
    """Events in one period that make it ring."""


def _either(*events: str) -> str:
    return " || ".join(f"($.eventName={event})" for event in events)


def _any(*events: str) -> str:
    return f"{{{_either(*events)}}}"


def _of(service: str, *events: str) -> str:
    return f"{{($.eventSource={service}.amazonaws.com) && ({_either(*events)})}}"


_SECURITY_GROUPS = (
    "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress",
    "RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress", "CreateSecurityGroup",
    "DeleteSecurityGroup",
)  # fmt: skip

# fmt: off
ALARMS = (
    Alarm(
        "unauthorized-calls",
        "Calls that were refused",
        ("CIS 4.1", "CloudWatch.2"),
        '{($.errorCode="*UnauthorizedOperation") || ($.errorCode="AccessDenied*")}',
        "Look for one principal that tries many actions: somebody explores stolen credentials. "
        "One action of one role, again and again, is a missing permission.",
        cis='{(($.errorCode="*UnauthorizedOperation") || ($.errorCode="AccessDenied*")) && '
        '($.sourceIPAddress!="delivery.logs.amazonaws.com") && ($.eventName!="HeadBucket")}',
        threshold=5,
    ),
    Alarm(
        "console-login-without-mfa",
        "A console sign-in without MFA",
        ("CIS 4.2", "CloudWatch.3"),
        '{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") && '
        '($.userIdentity.type = "IAMUser") && ($.responseElements.ConsoleLogin = "Success") }',
        "Ask the user. Give the account an MFA device or delete its password, and end its "
        "sessions if the sign-in was not theirs.",
        cis='{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") }',
    ),
    Alarm(
        "root-user",
        "Use of a root user",
        ("CIS 4.3", "CloudWatch.1"),
        '{$.userIdentity.type="Root" && $.userIdentity.invokedBy NOT EXISTS && '
        '$.eventType !="AwsServiceEvent"}',
        "Nobody works as root. If no change was announced, treat the account as taken: reset "
        "the root password and MFA, and read everything that root did.",
    ),
    Alarm(
        "iam-policy-changes",
        "A change of an IAM policy",
        ("CIS 4.4", "CloudWatch.4"),
        _of(
            "iam", "DeleteGroupPolicy", "DeleteRolePolicy", "DeleteUserPolicy", "PutGroupPolicy",
            "PutRolePolicy", "PutUserPolicy", "CreatePolicy", "DeletePolicy", "CreatePolicyVersion",
            "DeletePolicyVersion", "AttachRolePolicy", "DetachRolePolicy", "AttachUserPolicy",
            "DetachUserPolicy", "AttachGroupPolicy", "DetachGroupPolicy",
        ),
        "Compare with what was deployed. A policy changed by hand, or an attached "
        "AdministratorAccess, is how intruders stay.",
    ),
    Alarm(
        "trail-changes",
        "A change of any trail",
        ("CIS 4.5", "CloudWatch.5"),
        _any("CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging"),
        "Check that the organization trail still records (aws cloudtrail get-trail-status). A "
        "new trail in a member account is a second copy that costs.",
    ),
    Alarm(
        "console-login-failures",
        "Console sign-ins that failed",
        ("CIS 4.6", "CloudWatch.6"),
        '{($.eventName=ConsoleLogin) && ($.errorMessage="Failed authentication")}',
        "A few are typing mistakes. Many, or many users from one address, are guesses: block "
        "the address and look for a success after them.",
        threshold=3,
    ),
    Alarm(
        "key-deletion",
        "A KMS key disabled or to be deleted",
        ("CIS 4.7", "CloudWatch.7"),
        _of("kms", "DisableKey", "ScheduleKeyDeletion"),
        "Cancel the deletion (aws kms cancel-key-deletion) or enable the key, then ask. What "
        "it encrypts is unreadable without it.",
    ),
    Alarm(
        "bucket-policy-changes",
        "A change of a bucket's policy",
        ("CIS 4.8", "CloudWatch.8"),
        _of(
            "s3", "PutBucketAcl", "PutBucketPolicy", "PutBucketCors", "PutBucketLifecycle",
            "PutBucketReplication", "DeleteBucketPolicy", "DeleteBucketCors",
            "DeleteBucketLifecycle", "DeleteBucketReplication",
        ),
        "Read the new policy: who outside the organization may read or write now? A new "
        "replication is a way out for data.",
    ),
    Alarm(
        "config-changes",
        "A change of AWS Config",
        ("CIS 4.9", "CloudWatch.9"),
        _of(
            "config", "StopConfigurationRecorder", "DeleteDeliveryChannel", "PutDeliveryChannel",
            "PutConfigurationRecorder",
        ),
        "Start the recorder again, then find out who gains from what it does not record.",
    ),
    Alarm(
        "security-group-changes",
        "A change of a security group",
        ("CIS 4.10", "CloudWatch.10"),
        _any(*_SECURITY_GROUPS),
        "Look for 0.0.0.0/0 and for ports of administration. Changes outside a deployment are "
        "to be explained.",
        cis=_any(*_SECURITY_GROUPS, "ModifySecurityGroupRules"),
    ),
    Alarm(
        "network-acl-changes",
        "A change of a network ACL",
        ("CIS 4.11", "CloudWatch.11"),
        _any(
            "CreateNetworkAcl", "CreateNetworkAclEntry", "DeleteNetworkAcl",
            "DeleteNetworkAclEntry", "ReplaceNetworkAclEntry", "ReplaceNetworkAclAssociation",
        ),
        "Rare outside deployments: compare with the network's code.",
    ),
    Alarm(
        "gateway-changes",
        "A change of a network gateway",
        ("CIS 4.12", "CloudWatch.12"),
        _any(
            "CreateCustomerGateway", "DeleteCustomerGateway", "AttachInternetGateway",
            "CreateInternetGateway", "DeleteInternetGateway", "DetachInternetGateway",
        ),
        "A new internet gateway opens a network that was closed: which subnets route to it?",
    ),
    Alarm(
        "route-table-changes",
        "A change of a route table",
        ("CIS 4.13", "CloudWatch.13"),
        _of(
            "ec2", "CreateRoute", "CreateRouteTable", "ReplaceRoute",
            "ReplaceRouteTableAssociation", "DeleteRouteTable", "DeleteRoute",
            "DisassociateRouteTable",
        ),
        "Look for routes to unknown peers or gateways: traffic can be led past inspection.",
    ),
    Alarm(
        "vpc-changes",
        "A change of a VPC",
        ("CIS 4.14", "CloudWatch.14"),
        _any(
            "CreateVpc", "DeleteVpc", "ModifyVpcAttribute", "AcceptVpcPeeringConnection",
            "CreateVpcPeeringConnection", "DeleteVpcPeeringConnection",
            "RejectVpcPeeringConnection", "AttachClassicLinkVpc", "DetachClassicLinkVpc",
            "DisableVpcClassicLink", "EnableVpcClassicLink",
        ),
        "A peering with an unknown account is a way in and out: reject or delete it.",
    ),
    Alarm(
        "organization-changes",
        "A change of the organization",
        ("CIS 4.15",),
        _of(
            "organizations", "AcceptHandshake", "AttachPolicy", "CreateAccount",
            "CreateOrganizationalUnit", "CreatePolicy", "DeclineHandshake", "DeleteOrganization",
            "DeleteOrganizationalUnit", "DeletePolicy", "DetachPolicy", "DisablePolicyType",
            "EnablePolicyType", "InviteAccountToOrganization", "LeaveOrganization", "MoveAccount",
            "RemoveAccountFromOrganization", "UpdatePolicy", "UpdateOrganizationalUnit",
        ),
        "Check that the service control policy is attached where it was. An account that "
        "moved or left is no longer bound by it.",
    ),
    Alarm(
        "trail-tampering",
        "The organization trail stopped, deleted, narrowed or no longer trusted",
        ("NIST AU-9", "MITRE T1562.008"),
        '{(($.eventSource="cloudtrail.amazonaws.com") && (($.eventName="StopLogging") || '
        '($.eventName="DeleteTrail") || ($.eventName="UpdateTrail") || '
        '($.eventName="PutEventSelectors") || ($.eventName="PutInsightSelectors")) && '
        '(($.requestParameters.name="<trail>") || ($.requestParameters.name="<trail-arn>") || '
        '($.requestParameters.trailName="<trail>") || '
        '($.requestParameters.trailName="<trail-arn>"))) || '
        '(($.eventName="DisableAWSServiceAccess") && '
        '($.requestParameters.servicePrincipal="cloudtrail.amazonaws.com"))}',
        "Start it again at once (aws cloudtrail start-logging, or deploy this stack), then "
        "lock out who did it. Only the management account can: no SCP binds it.",
    ),
    Alarm(
        "archive-bucket-changes",
        "A change of a bucket of the archive",
        ("NIST AU-9", "MITRE T1485"),
        '{($.eventSource="s3.amazonaws.com") && (($.eventName="PutBucket*") || '
        '($.eventName="DeleteBucket*") || ($.eventName="PutObjectLock*")) && '
        '(($.requestParameters.bucketName="<archive>") || '
        '($.requestParameters.bucketName="<access-logs>") || '
        '($.requestParameters.bucketName="<results>"))}',
        "Outside a deployment nobody changes policy, lifecycle, versioning, lock or encryption "
        "of the archive. Deploy this stack again, then verify the log files.",
    ),
    Alarm(
        "archive-key-changes",
        "A change of a key of the logging account",
        ("NIST AU-9", "MITRE T1485"),
        '{($.eventSource="kms.amazonaws.com") && ($.recipientAccountId="<logging>") && '
        '(($.eventName="PutKeyPolicy") || ($.eventName="DisableKey*") || '
        '($.eventName="ScheduleKeyDeletion") || ($.eventName="CreateGrant") || '
        '($.eventName="UpdateAlias") || ($.eventName="DeleteAlias"))}',
        "Without the key no log can be written or read. Cancel a deletion, deploy this stack "
        "again, revoke an unknown grant (aws kms revoke-grant).",
    ),
    Alarm(
        "alarm-tampering",
        "These alarms deleted, muted or cut off",
        ("NIST AU-9", "MITRE T1562.008"),
        '{($.recipientAccountId="<management>") && ((($.eventSource="monitoring.amazonaws.com") && '
        '(($.eventName="DeleteAlarms") || ($.eventName="DisableAlarmActions") || '
        '($.eventName="SetAlarmState"))) || (($.eventSource="logs.amazonaws.com") && '
        '($.requestParameters.logGroupName="<log-group>") && (($.eventName="Delete*") || '
        '($.eventName="PutRetentionPolicy"))) || (($.eventSource="sns.amazonaws.com") && '
        '(($.eventName="DeleteTopic") || ($.eventName="Unsubscribe") || '
        '($.eventName="SetTopicAttributes"))))}',
        "Deploy this stack again, then read what happened while it was quiet.",
    ),
    Alarm(
        SILENCE,
        "No event at all has come",
        ("NIST AU-5", "CloudTrail.5"),
        "",
        "Ask for the trail's status: is it logging, and what do LatestDeliveryError and "
        "LatestCloudWatchLogsDeliveryError say? An organization is never silent for long.",
    ),
)
# fmt: on

BY_NAME = {alarm.name: alarm for alarm in ALARMS}


def pattern(alarm: Alarm, wording: str, names: dict[str, str]) -> str:
    """Return an alarm's pattern in a wording (`security-hub` or `cis`), with names filled in."""
    text = alarm.cis if wording == "cis" and alarm.cis else alarm.pattern
    for name, value in names.items():
        text = text.replace(f"<{name}>", value)
    return text
