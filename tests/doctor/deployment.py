"""A deployment on moto: a synthesized stack laid out with boto3, resource by resource."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from orgtrail.settings.environment import Environment

from tests.conftest import Json
from tests.e2e.cloud import Cloud

_REFERENCE = re.compile(r"\$\{(aws_\w+\.[\w-]+)\.(\w+)\}")
ORDER = (
    "aws_kms_key", "aws_kms_alias", "aws_s3_bucket", "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_ownership_controls", "aws_s3_bucket_versioning", "aws_s3_bucket_policy",
    "aws_s3_bucket_server_side_encryption_configuration", "aws_s3_bucket_lifecycle_configuration",
    "aws_s3_bucket_logging", "aws_s3_bucket_object_lock_configuration",
    "aws_cloudwatch_log_group", "aws_iam_role", "aws_iam_role_policy", "aws_sns_topic",
    "aws_sns_topic_policy", "aws_cloudtrail",
    "aws_organizations_policy", "aws_organizations_policy_attachment", "aws_glue_catalog_database",
    "aws_glue_catalog_table", "aws_athena_workgroup",
    "aws_sqs_queue", "aws_sqs_queue_policy", "aws_sns_topic_subscription",
    "aws_s3_bucket_notification", "aws_cloudwatch_log_metric_filter",
    "aws_cloudwatch_metric_alarm", "aws_guardduty_detector",
    "aws_guardduty_organization_admin_account", "aws_securityhub_account",
    "aws_accessanalyzer_analyzer", "aws_codebuild_project", "aws_scheduler_schedule",
)  # fmt: skip
"""What is laid out, in an order in which each finds what it needs."""
REGIONS = ("us-east-1", "us-west-2")


@dataclass
class Deployment:
    """A stack on the AWS API of this machine.

    Args:
        cloud: the API.
        env: the settings.
        stack: the synthesized JSON.

    """

    cloud: Cloud
    env: Environment
    stack: Json
    made: dict[str, Json] = field(default_factory=dict)
    uses: int = 0
    """How often somebody took a client, with which things can be changed."""
    _clients: dict[tuple[str, str, str], Any] = field(default_factory=dict)

    def client(self, account: str, service: str, region: str = "us-east-1") -> Any:
        """Return a client that acts in an account of the environment, by its name."""
        self.uses += 1
        key = (account, service, region)
        if key not in self._clients:
            owner = self.env.accounts[account].id
            self._clients[key] = self.cloud.client(owner, service, region)
        return self._clients[key]

    def lay_out(self) -> None:
        """Make everything that ORDER names."""
        for kind in ORDER:
            for name in self.stack["resource"].get(kind, {}):
                self.apply(f"{kind}.{name}")

    def lay_out_kind(self, kind: str, prefix: str) -> None:
        """Make what has a kind, and a name that begins so."""
        for name in self.stack["resource"][kind]:
            if name.startswith(prefix):
                self.apply(f"{kind}.{name}")

    def again(self, *addresses: str) -> None:
        """Make what is gone."""
        for each in addresses:
            self.made.pop(each, None)
            self.apply(each)

    def apply(self, address: str) -> None:
        """Make a resource as the stack says, or set it again."""
        kind, _, name = address.partition(".")
        given = self.stack["resource"][kind][name]
        account, region = self._place(given["provider"])
        for key, value in given.get("for_each", {"": ""}).items():
            values = self._resolved(given, key, value)

            def client(service: str, account: str = account, region: str = region) -> Any:
                return self.client(account, service, region)

            instance = f"{address}[{key}]" if key else address
            self.made[instance] = _MAKERS[kind](client, values, self.made.get(instance)) or {}

    def _place(self, provider: str) -> tuple[str, str]:
        alias = provider.partition(".")[2]
        (found,) = (p for p in self.stack["provider"]["aws"] if p["alias"] == alias)
        (owner,) = found["allowed_account_ids"]
        return next(n for n, a in self.env.accounts.items() if a.id == owner), found["region"]

    def _resolved(self, value: Any, key: str, each: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._resolved(part, key, each) for name, part in value.items()}
        if isinstance(value, list):
            return [self._resolved(part, key, each) for part in value]
        if not isinstance(value, str):
            return value
        value = value.replace("${each.key}", key)
        if value == "${each.value}":
            return self._resolved(each, key, "")
        if found := re.fullmatch(r"\$\{each\.value\.(\w+)\}", value):
            return self._resolved(each[found[1]], key, "")
        value = re.sub(r"\$\{each\.value\.(\w+)\}", lambda m: str(each[m[1]]), value)
        value = _REFERENCE.sub(lambda m: self.made[m[1]][m[2]], value)
        if value.startswith("${join") and "organization" in value:
            return ",".join(self.env.account_ids)
        if value.startswith("${join"):
            return ",".join(REGIONS)
        return value.replace("$${", "${")


Client = Callable[[str], Any]


def _one(given: Json, name: str) -> Json:
    found = given.get(name) or {}
    return dict(found[0] if isinstance(found, list) else found)


def _key(client: Client, given: Json, before: Json | None) -> Json:
    kms = client("kms")
    made = before or kms.create_key(Policy=given["policy"])["KeyMetadata"]
    about = kms.describe_key(KeyId=made["KeyId"])["KeyMetadata"] if before else made
    if about["KeyState"] == "PendingDeletion":
        kms.cancel_key_deletion(KeyId=made["KeyId"])
    kms.enable_key(KeyId=made["KeyId"])
    kms.put_key_policy(KeyId=made["KeyId"], PolicyName="default", Policy=given["policy"])
    kms.enable_key_rotation(
        KeyId=made["KeyId"], RotationPeriodInDays=given["rotation_period_in_days"]
    )
    return {**made, "arn": made.get("Arn"), "key_id": made["KeyId"]}


def _alias(client: Client, given: Json, before: Json | None) -> None:
    call = client("kms").update_alias if before is not None else client("kms").create_alias
    call(AliasName=given["name"], TargetKeyId=given["target_key_id"])


def _bucket(client: Client, given: Json, _: Json | None) -> None:
    client("s3").create_bucket(
        Bucket=given["bucket"], ObjectLockEnabledForBucket=bool(given.get("object_lock_enabled"))
    )


def _closed(client: Client, given: Json, _: Json | None) -> None:
    names = {
        "BlockPublicAcls": "block_public_acls", "BlockPublicPolicy": "block_public_policy",
        "IgnorePublicAcls": "ignore_public_acls",
        "RestrictPublicBuckets": "restrict_public_buckets",
    }  # fmt: skip
    client("s3").put_public_access_block(
        Bucket=given["bucket"],
        PublicAccessBlockConfiguration={name: given[of] for name, of in names.items()},
    )


def _owned(client: Client, given: Json, _: Json | None) -> None:
    rule = {"ObjectOwnership": _one(given, "rule")["object_ownership"]}
    client("s3").put_bucket_ownership_controls(
        Bucket=given["bucket"], OwnershipControls={"Rules": [rule]}
    )


def _versioned(client: Client, given: Json, _: Json | None) -> None:
    client("s3").put_bucket_versioning(
        Bucket=given["bucket"],
        VersioningConfiguration={"Status": _one(given, "versioning_configuration")["status"]},
    )


def _bucket_policy(client: Client, given: Json, _: Json | None) -> None:
    client("s3").put_bucket_policy(Bucket=given["bucket"], Policy=given["policy"])


def _encrypted(client: Client, given: Json, _: Json | None) -> None:
    rule = _one(_one(given, "rule"), "apply_server_side_encryption_by_default")
    by_default = {"SSEAlgorithm": rule["sse_algorithm"]}
    if "kms_master_key_id" in rule:
        by_default["KMSMasterKeyID"] = rule["kms_master_key_id"]
    client("s3").put_bucket_encryption(
        Bucket=given["bucket"],
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": by_default}]
        },
    )


def _lifecycle(client: Client, given: Json, _: Json | None) -> None:
    rule = _one(given, "rule")
    made: Json = {
        "ID": rule["id"],
        "Status": rule["status"],
        "Filter": {"Prefix": ""},
        "NoncurrentVersionExpiration": {
            "NoncurrentDays": _one(rule, "noncurrent_version_expiration")["noncurrent_days"]
        },
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }
    if expiration := _one(rule, "expiration"):
        made["Expiration"] = {"Days": expiration["days"]}
    if moves := rule.get("transition"):
        made["Transitions"] = [
            {"Days": each["days"], "StorageClass": each["storage_class"]} for each in moves
        ]
    client("s3").put_bucket_lifecycle_configuration(
        Bucket=given["bucket"], LifecycleConfiguration={"Rules": [made]}
    )


def _logged(client: Client, given: Json, _: Json | None) -> None:
    enabled = {"TargetBucket": given["target_bucket"], "TargetPrefix": given["target_prefix"]}
    client("s3").put_bucket_logging(
        Bucket=given["bucket"], BucketLoggingStatus={"LoggingEnabled": enabled}
    )


def _locked(client: Client, given: Json, _: Json | None) -> None:
    kept = _one(_one(given, "rule"), "default_retention")
    client("s3").put_object_lock_configuration(
        Bucket=given["bucket"],
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": kept["mode"], "Days": kept["days"]}},
        },
    )


def _notified(client: Client, given: Json, _: Json | None) -> None:
    topics = []
    for each in given["topic"]:
        ends = {name: each.get(f"filter_{name}") for name in ("prefix", "suffix")}
        rules = [{"Name": name, "Value": value} for name, value in ends.items() if value]
        topic = {"TopicArn": each["topic_arn"], "Events": each["events"]}
        topics.append(topic | ({"Filter": {"Key": {"FilterRules": rules}}} if rules else {}))
    client("s3").put_bucket_notification_configuration(
        Bucket=given["bucket"],
        NotificationConfiguration={"TopicConfigurations": topics},
        SkipDestinationValidation=True,
    )


def _log_group(client: Client, given: Json, before: Json | None) -> None:
    if before is None:
        client("logs").create_log_group(logGroupName=given["name"])
    client("logs").put_retention_policy(
        logGroupName=given["name"], retentionInDays=given["retention_in_days"]
    )


def _role(client: Client, given: Json, before: Json | None) -> None:
    if before is None:
        client("iam").create_role(
            RoleName=given["name"],
            AssumeRolePolicyDocument=given["assume_role_policy"],
            PermissionsBoundary=given["permissions_boundary"],
        )
        return
    client("iam").update_assume_role_policy(
        RoleName=given["name"], PolicyDocument=given["assume_role_policy"]
    )
    client("iam").put_role_permissions_boundary(
        RoleName=given["name"], PermissionsBoundary=given["permissions_boundary"]
    )


def _role_policy(client: Client, given: Json, _: Json | None) -> None:
    client("iam").put_role_policy(
        RoleName=given["role"], PolicyName=given["name"], PolicyDocument=given["policy"]
    )


def _trail(client: Client, given: Json, before: Json | None) -> None:
    cloudtrail = client("cloudtrail")
    settings = {
        "Name": given["name"],
        "S3BucketName": given["s3_bucket_name"],
        "IncludeGlobalServiceEvents": given["include_global_service_events"],
        "IsMultiRegionTrail": given["is_multi_region_trail"],
        "EnableLogFileValidation": given["enable_log_file_validation"],
        "CloudWatchLogsLogGroupArn": given["cloud_watch_logs_group_arn"],
        "CloudWatchLogsRoleArn": given["cloud_watch_logs_role_arn"],
        "KmsKeyId": given["kms_key_id"],
        "IsOrganizationTrail": given["is_organization_trail"],
    }
    if topic := given.get("sns_topic_name"):
        settings["SnsTopicName"] = topic
    (cloudtrail.create_trail if before is None else cloudtrail.update_trail)(**settings)
    cloudtrail.start_logging(Name=given["name"])
    if selectors := given.get("advanced_event_selector"):
        cloudtrail.put_event_selectors(
            TrailName=given["name"], AdvancedEventSelectors=[*map(_selector, selectors)]
        )
    # Moto adds what it is given to what it has.
    if before is None and (insights := given.get("insight_selector")):
        cloudtrail.put_insight_selectors(
            TrailName=given["name"],
            InsightSelectors=[{"InsightType": each["insight_type"]} for each in insights],
        )


def _selector(given: Json) -> Json:
    """Write a selector as the API does: `not_equals` is `NotEquals`."""
    fields = [
        {"".join(part.capitalize() for part in name.split("_")): value
         for name, value in each.items()}
        for each in given["field_selector"]
    ]  # fmt: skip
    return {"FieldSelectors": fields} | ({"Name": given["name"]} if "name" in given else {})


def _policy(client: Client, given: Json, before: Json | None) -> Json:
    if before:
        client("organizations").update_policy(PolicyId=before["id"], Content=given["content"])
        return before
    made = client("organizations").create_policy(
        Content=given["content"], Description="", Name=given["name"], Type=given["type"]
    )
    return {"id": made["Policy"]["PolicySummary"]["Id"]}


def _attached(client: Client, given: Json, _: Json | None) -> None:
    client("organizations").attach_policy(PolicyId=given["policy_id"], TargetId=given["target_id"])


def _database(client: Client, given: Json, _: Json | None) -> None:
    client("glue").create_database(DatabaseInput={"Name": given["name"]})


def _table(client: Client, given: Json, before: Json | None) -> None:
    glue = client("glue")
    call = glue.create_table if before is None else glue.update_table
    columns = _one(given, "storage_descriptor").get("columns", ())
    call(
        DatabaseName=given["database_name"],
        TableInput={
            "Name": given["name"],
            "TableType": given["table_type"],
            "Parameters": given.get("parameters", {}),
            "PartitionKeys": [
                {"Name": each["name"], "Type": each["type"]}
                for each in given.get("partition_keys", ())
            ],
            "StorageDescriptor": {
                "Location": _one(given, "storage_descriptor")["location"],
                "Columns": [{"Name": each["name"], "Type": each["type"]} for each in columns],
            },
        },
    )


def _workgroup(client: Client, given: Json, before: Json | None) -> None:
    has = given["configuration"]
    results = has["result_configuration"]
    if before is not None:
        client("athena").delete_work_group(WorkGroup=given["name"], RecursiveDeleteOption=True)
    client("athena").create_work_group(
        Name=given["name"],
        Configuration={
            "EnforceWorkGroupConfiguration": has["enforce_workgroup_configuration"],
            "BytesScannedCutoffPerQuery": has["bytes_scanned_cutoff_per_query"],
            "ResultConfiguration": {
                "OutputLocation": results["output_location"],
                "EncryptionConfiguration": {
                    "EncryptionOption": results["encryption_configuration"]["encryption_option"],
                    "KmsKey": results["encryption_configuration"]["kms_key_arn"],
                },
            },
        },
    )


def _topic(client: Client, given: Json, _: Json | None) -> Json:
    made = client("sns").create_topic(Name=given["name"])["TopicArn"]
    client("sns").set_topic_attributes(
        TopicArn=made, AttributeName="KmsMasterKeyId", AttributeValue=given["kms_master_key_id"]
    )
    return {"arn": made}


def _topic_policy(client: Client, given: Json, _: Json | None) -> None:
    client("sns").set_topic_attributes(
        TopicArn=given["arn"], AttributeName="Policy", AttributeValue=given["policy"]
    )


def _subscription(client: Client, given: Json, _: Json | None) -> None:
    client("sns").subscribe(
        TopicArn=given["topic_arn"], Protocol=given["protocol"], Endpoint=given["endpoint"],
        Attributes={"RawMessageDelivery": "true"} if given["protocol"] == "sqs" else {},
    )  # fmt: skip


def _queue(client: Client, given: Json, before: Json | None) -> Json:
    wanted = {"KmsMasterKeyId": given["kms_master_key_id"]}
    if "redrive_policy" in given:
        wanted["RedrivePolicy"] = given["redrive_policy"]
    if before is None:
        before = {"url": client("sqs").create_queue(QueueName=given["name"])["QueueUrl"]}
    client("sqs").set_queue_attributes(QueueUrl=before["url"], Attributes=wanted)
    return before


def _queue_policy(client: Client, given: Json, _: Json | None) -> None:
    client("sqs").set_queue_attributes(
        QueueUrl=given["queue_url"], Attributes={"Policy": given["policy"]}
    )


def _filter(client: Client, given: Json, _: Json | None) -> None:
    found = _one(given, "metric_transformation")
    client("logs").put_metric_filter(
        logGroupName=given["log_group_name"],
        filterName=given["name"],
        filterPattern=given["pattern"],
        metricTransformations=[
            {
                "metricName": found["name"],
                "metricNamespace": found["namespace"],
                "metricValue": found["value"],
            }
        ],
    )


def _alarm(client: Client, given: Json, _: Json | None) -> None:
    client("cloudwatch").put_metric_alarm(
        AlarmName=given["alarm_name"],
        ComparisonOperator=given["comparison_operator"],
        EvaluationPeriods=given["evaluation_periods"],
        Threshold=float(given["threshold"]),
        MetricName=given.get("metric_name", "any"),
        Namespace=given.get("namespace", "any"),
        Period=300,
        Statistic="Sum",
        AlarmActions=given["alarm_actions"],
        ActionsEnabled=True,
    )


def _detector(client: Client, given: Json, before: Json | None) -> Json:
    if before:
        client("guardduty").update_detector(DetectorId=before["id"], Enable=given["enable"])
        return before
    return {"id": client("guardduty").create_detector(Enable=given["enable"])["DetectorId"]}


def _detector_admin(client: Client, given: Json, _: Json | None) -> None:
    client("guardduty").enable_organization_admin_account(AdminAccountId=given["admin_account_id"])


def _hub(client: Client, _: Json, _before: Json | None) -> None:
    client("securityhub").enable_security_hub()


def _analyzer(client: Client, given: Json, _: Json | None) -> None:
    client("accessanalyzer").create_analyzer(
        analyzerName=given["analyzer_name"], type=given["type"]
    )


def _project(client: Client, given: Json, _: Json | None) -> None:
    client("codebuild").create_project(
        name=given["name"],
        source={"type": "S3", "location": "bucket/path"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": given["environment"]["type"], "image": given["environment"]["image"],
            "computeType": given["environment"]["compute_type"],
        },
        serviceRole=given["service_role"],
    )  # fmt: skip
    client("codebuild").start_build(projectName=given["name"])


def _schedule(client: Client, given: Json, before: Json | None) -> None:
    scheduler = client("scheduler")
    settings = {
        "Name": given["name"],
        "ScheduleExpression": given["schedule_expression"],
        "FlexibleTimeWindow": {"Mode": given["flexible_time_window"]["mode"]},
        "Target": {"Arn": given["target"]["arn"], "RoleArn": given["target"]["role_arn"]},
        "State": "ENABLED",
    }
    (scheduler.create_schedule if before is None else scheduler.update_schedule)(**settings)


_MAKERS: dict[str, Callable[[Client, Json, Json | None], Json | None]] = {
    "aws_kms_key": _key, "aws_kms_alias": _alias, "aws_s3_bucket": _bucket,
    "aws_s3_bucket_public_access_block": _closed, "aws_s3_bucket_ownership_controls": _owned,
    "aws_s3_bucket_versioning": _versioned, "aws_s3_bucket_policy": _bucket_policy,
    "aws_s3_bucket_server_side_encryption_configuration": _encrypted,
    "aws_s3_bucket_lifecycle_configuration": _lifecycle, "aws_s3_bucket_logging": _logged,
    "aws_s3_bucket_object_lock_configuration": _locked, "aws_cloudwatch_log_group": _log_group,
    "aws_iam_role": _role, "aws_iam_role_policy": _role_policy, "aws_cloudtrail": _trail,
    "aws_organizations_policy": _policy, "aws_organizations_policy_attachment": _attached,
    "aws_glue_catalog_database": _database, "aws_glue_catalog_table": _table,
    "aws_athena_workgroup": _workgroup, "aws_sns_topic": _topic,
    "aws_sns_topic_policy": _topic_policy, "aws_sqs_queue": _queue,
    "aws_sqs_queue_policy": _queue_policy, "aws_sns_topic_subscription": _subscription,
    "aws_s3_bucket_notification": _notified, "aws_cloudwatch_log_metric_filter": _filter,
    "aws_cloudwatch_metric_alarm": _alarm, "aws_guardduty_detector": _detector,
    "aws_guardduty_organization_admin_account": _detector_admin,
    "aws_securityhub_account": _hub, "aws_accessanalyzer_analyzer": _analyzer,
    "aws_codebuild_project": _project,
    "aws_scheduler_schedule": _schedule,
}  # fmt: skip
