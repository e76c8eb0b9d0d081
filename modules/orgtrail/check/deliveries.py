"""The deliveries of services: each asks with its true request, as its documentation says.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-required-policy-for-cloudwatch-logs.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_exportfindings.html
"""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.check.asking import Asker
from orgtrail.check.delivery import Delivery, Sender, key_at, service
from orgtrail.check.model import Flow, FlowKind, IamRole, Model, Receiver, SnsTopic
from orgtrail.iam.request import Caller, Kind
from orgtrail.naming import CLOUDTRAIL
from orgtrail.regions import is_opt_in

_ENCRYPT = ("kms:Decrypt", "kms:GenerateDataKey")
_NAMES = {
    FlowKind.ACCESS_LOG: ("archive.access_log_bucket", "S3", "logging.s3.amazonaws.com"),
    FlowKind.NOTIFICATION: ("siem", "S3", "s3.amazonaws.com"),
    FlowKind.SUBSCRIPTION: ("siem", "SNS", "sns.amazonaws.com"),
    FlowKind.ALARM: ("alarms", "CloudWatch", "cloudwatch.amazonaws.com"),
    FlowKind.NOTICES: ("trail.sns_topic", "CloudTrail", CLOUDTRAIL),
    FlowKind.FINDINGS: ("guardduty.export", "GuardDuty", "guardduty.amazonaws.com"),
    FlowKind.LOG_STREAMS: ("delivery", "CloudTrail", CLOUDTRAIL),
    FlowKind.SCHEDULE: ("catalog.compaction", "EventBridge Scheduler", "scheduler.amazonaws.com"),
    FlowKind.BUILD: ("verification", "CodeBuild", "codebuild.amazonaws.com"),
    FlowKind.CHAT: ("alarms.subscribers", "the chat service", "chatbot.amazonaws.com"),
}
"""By kind: the section of an environment file, who sends, and its service principal."""


def service_deliveries(asker: Asker) -> Iterator[Delivery]:
    """Yield what the services have to be allowed for each flow of a model."""
    model = asker.model
    yield from _key_of_trail(model)
    for flow in model.flows:
        sender = _sender(model, flow)
        if flow.role:
            if asker.role(flow.role):
                yield from sender.asks(flow.role, "sts:AssumeRole")
        else:
            yield from _to_target(model, flow, sender)
    for flow in model.flows:
        if flow.kind is FlowKind.LOG_STREAMS and (role := asker.role(flow.role)):
            yield from _log_streams(model, flow, role)


def services_of(model: Model) -> dict[FlowKind, str]:
    """Return the service principal of each kind of flow that the model has."""
    return {each.kind: _NAMES[each.kind][2] for each in model.flows}


def _sender(model: Model, flow: Flow) -> Sender:
    setting, who, principal = _NAMES[flow.kind]
    if flow.kind is FlowKind.FINDINGS and is_opt_in(flow.region):
        principal = principal.replace("guardduty.", f"guardduty.{flow.region}.")
    if flow.kind is FlowKind.SCHEDULE and flow.target.startswith("codebuild:"):
        setting = "verification"
    caller, context = service(model, principal, flow.source, flow.account)
    if flow.kind is FlowKind.CHAT:
        context = {}  # the service is not documented to send a source
    return Sender(model, flow.address, setting, who, _lost(flow), caller, context=context)


_LOST = {
    FlowKind.ACCESS_LOG: "the access log of bucket {source} does not arrive in bucket {target}",
    FlowKind.NOTIFICATION: "notices of new files in bucket {source} do not arrive at {target}",
    FlowKind.SUBSCRIPTION: "messages of topic {source} do not arrive in queue {target}",
    FlowKind.ALARM: "alarms do not arrive at topic {target}",
    FlowKind.NOTICES: "notices of new log files do not arrive at topic {target}",
    FlowKind.FINDINGS: "findings of {region} do not arrive in bucket {target}",
    FlowKind.LOG_STREAMS: "events do not arrive in CloudWatch Logs, and no alarm rings",
    FlowKind.SCHEDULE: "the schedule does not start {call}",
    FlowKind.BUILD: "the build does not run, and nothing is verified",
    FlowKind.CHAT: "alarms do not arrive in the chat channel",
}


def _lost(flow: Flow) -> str:
    """Return what does not arrive without a flow."""
    source, target = (each.rpartition(":")[2] for each in (flow.source, flow.target))
    return _LOST[flow.kind].format(
        source=source, target=target, region=flow.region, call=flow.target
    )


def _to_target(model: Model, flow: Flow, sender: Sender) -> Iterator[Delivery]:
    receiver = _receiver(model, flow.target)
    match flow.kind:
        case FlowKind.ACCESS_LOG:
            if any(flow.target.endswith(f":::{each.name}") for each in model.buckets):
                name = f"{flow.detail}2026-01-31-00-00-00-0123456789ABCDEF"
                yield from sender.asks(f"{flow.target}/{name}", "s3:PutObject")
        case FlowKind.FINDINGS:
            if any(flow.target.endswith(f":::{each.name}") for each in model.buckets):
                yield from sender.asks(flow.target, "s3:GetBucketLocation")
                name = f"AWSLogs/{flow.account}/GuardDuty/{flow.region}/2026/01/31/0a1b.jsonl.gz"
                encrypted = {"s3:x-amz-server-side-encryption": "aws:kms"}
                yield from sender.asks(f"{flow.target}/{name}", "s3:PutObject", context=encrypted)
            yield from sender.uses_key(flow.detail, "kms:GenerateDataKey")
        case _ if receiver and (receiver.policy or not _is_left_to_account(flow, receiver)):
            is_topic = isinstance(receiver, SnsTopic)
            yield from sender.asks(flow.target, "sns:Publish" if is_topic else "sqs:SendMessage")
            yield from sender.uses_key(receiver.key, *_ENCRYPT)


def _is_left_to_account(flow: Flow, receiver: Receiver) -> bool:
    """Return whether the policy that AWS gives a topic lets a flow in: alarms of its own account.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    return flow.kind is FlowKind.ALARM and flow.account == receiver.account


def _receiver(model: Model, arn: str) -> Receiver | None:
    return next((each for each in model.receivers if each.arn == arn), None)


def _key_of_trail(model: Model) -> Iterator[Delivery]:
    """Yield what a bucket key asks for beyond what the rule `key-refuses-trail` asks."""
    trail, key = model.trail, model.key
    if not trail or not key or not key_at(model, key.address):
        return
    caller, context = service(model, CLOUDTRAIL, trail.arn, trail.account)
    lost = "log files cannot be encrypted with the bucket's key"
    sender = Sender(model, trail.address, "key", "CloudTrail", lost, caller, context=context)
    arn = {"kms:EncryptionContext:aws:cloudtrail:arn": trail.arn}
    yield from sender.uses_key(key.address, *_ENCRYPT, context=arn)


def _log_streams(model: Model, flow: Flow, role: IamRole) -> Iterator[Delivery]:
    account = flow.account
    region = flow.region
    caller = Caller(Kind.ROLE, role.arn, role.account, model.organization)
    sender = Sender(model, flow.address, "delivery", "CloudTrail's role", _lost(flow), caller,
                    role.policies)  # fmt: skip
    streams = [f"{account}_CloudTrail_{region}"]
    if model.trail and model.trail.is_of_organization and model.organization:
        streams.append(f"{model.organization}_{account}_CloudTrail_{region}")
    for stream in streams:
        resource = f"{flow.target}:log-stream:{stream}"
        yield from sender.asks(resource, "logs:CreateLogStream", "logs:PutLogEvents")
