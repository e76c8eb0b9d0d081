"""Kinds of resources that the check does not read, and what each can open or undo."""

from __future__ import annotations

_BUCKET = "whoever it names reads or writes files beside what the bucket's policy says"
_COPIES = "S3 copies files to where other policies decide who reads them"
_PERSON = "somebody gets permissions, and who can act as that is decided elsewhere"
_LAKE = "Lake Formation lets its principals read the table beside IAM"
_ANYTHING = "it makes or changes resources that this stack does not name"
_FUNCTION = "its code acts with its role, and who may change the code can do so too"
_ARCHIVED = "findings that it matches are archived, and nobody is told of them"
_SHARED = "it shares resources with other accounts"
_SIGN_IN = "it gives people or groups permission sets, which are roles in every account"
_LOGS_OUT = "events of the log group go where other policies decide who reads them"

UNREAD: dict[str, str] = {
    "aws_kms_grant": "its grantee uses the key beside what the key's policy says",
    "aws_kms_replica_key": "the key's material is usable in another region, under another policy",
    "aws_kms_replica_external_key":
        "the key's material is usable in another region, under another policy",
    "aws_kms_custom_key_store": "keys depend on a store outside KMS, which can be cut off",
    "aws_kms_ciphertext": "it encrypts with a key and keeps the text in the state",
    "aws_s3_bucket_replication_configuration": _COPIES,
    "aws_s3_bucket_inventory": "S3 writes the list of files to another bucket",
    "aws_s3_bucket_analytics_configuration": "S3 writes statistics of files to another bucket",
    "aws_s3_bucket_acl": _BUCKET,
    "aws_s3_object_copy": _COPIES,
    "aws_s3_bucket_website_configuration": "S3 serves the bucket as a website",
    "aws_s3_bucket_cors_configuration": "pages of other sites can ask for its files",
    "aws_s3_access_point": _BUCKET,
    "aws_s3control_": "it opens, copies or changes files of buckets beside their policies",
    "aws_s3tables_": "it opens tables in buckets beside their policies",
    "aws_datasync_": _COPIES,
    "aws_cloudwatch_log_subscription_filter": _LOGS_OUT,
    "aws_cloudwatch_log_account_policy":
        "it subscribes to or masks every log group of its account, the trail's too",
    "aws_cloudwatch_log_resource_policy": "it lets others write to log groups, false events too",
    "aws_cloudwatch_log_destination": _LOGS_OUT,
    "aws_cloudwatch_log_data_protection_policy": "it masks what readers of the log group see",
    "aws_cloudwatch_log_transformer": "it changes events before anybody reads them",
    "aws_cloudwatch_metric_stream": "metrics go where other policies decide who reads them",
    "aws_cloudtrail_event_data_store": "it keeps a copy of the events, under policies of its own",
    "aws_glue_resource_policy": "whoever it names reads or changes the catalog",
    "aws_glue_data_catalog_encryption_settings": "it decides which key opens the catalog",
    "aws_glue_job": _FUNCTION,
    "aws_glue_crawler": "it changes tables of the catalog by what it finds in buckets",
    "aws_athena_data_catalog": "questions go to a catalog that is not this stack's",
    "aws_lakeformation_": _LAKE,
    "aws_iam_user": _PERSON,
    "aws_iam_access_key": "whoever has the key acts as its user, from anywhere",
    "aws_iam_group": _PERSON,
    "aws_iam_policy_attachment":
        "it attaches a policy to roles and users, and takes it from all others",
    "aws_iam_role_policies_exclusive": "it takes every other policy from its role",
    "aws_iam_role_policy_attachments_exclusive": "it takes every other policy from its role",
    "aws_iam_instance_profile": "programs on machines act with its role",
    "aws_iam_saml_provider": "whom it signs in can act as the roles that trust it",
    "aws_iam_openid_connect_provider": "whom it signs in can act as the roles that trust it",
    "aws_rolesanywhere_": "whoever has a certificate of its authority acts as its roles",
    "aws_ssoadmin_": _SIGN_IN,
    "aws_identitystore_": _SIGN_IN,
    "aws_eks_pod_identity_association": "programs in a cluster act with its role",
    "aws_guardduty_filter": _ARCHIVED,
    "aws_guardduty_ipset": "GuardDuty finds nothing about the addresses that it trusts",
    "aws_guardduty_organization_configuration_exclusion": "GuardDuty leaves accounts out",
    "aws_securityhub_automation_rule": "findings that it matches are changed or suppressed",
    "aws_securityhub_standards_control": "it can turn a control off",
    "aws_accessanalyzer_archive_rule": _ARCHIVED,
    "aws_organizations_resource_policy":
        "accounts that it names change the organization's policies",
    "aws_organizations_account": "it adds, moves or closes an account",
    "aws_ram_": _SHARED,
    "aws_sns_topic_data_protection_policy": "messages are masked or refused by their content",
    "aws_sqs_queue_redrive_policy": "messages that are not taken go to another queue",
    "aws_lambda_function": _FUNCTION,
    "aws_lambda_permission": "whoever it names runs the function, which acts with its role",
    "aws_lambda_layer_version_permission": "accounts that it names read the code of the layer",
    "aws_pipes_pipe": "messages of a queue go where other policies decide who reads them",
    "aws_cloudwatch_event_target": "what it calls acts with its role",
    "aws_cloudwatch_event_permission": "accounts that it names send events here",
    "aws_cloudwatch_event_bus_policy": "accounts that it names send events here",
    "aws_kinesis_firehose_delivery_stream": "what it takes goes where other policies decide",
    "aws_sfn_state_machine": _FUNCTION,
    "aws_instance": "programs on it act with its role",
    "aws_codebuild_resource_policy": "whoever it names sees or starts the project",
    "aws_codebuild_webhook": "whoever can push to its repository starts the project",
    "aws_cloudformation_": _ANYTHING,
    "aws_cloudcontrolapi_": _ANYTHING,
    "awscc_": _ANYTHING,
    "aws_controltower_": "it changes what the organization's policies deny",
}  # fmt: skip
"""By kind, or by the beginning of several kinds if it ends in `_`: what it can open or undo."""
INLINE: dict[str, str] = {
    "acl": _BUCKET,
    "grant": _BUCKET,
    "lifecycle_rule": "it can expire files early",
    "replication_configuration": _COPIES,
    "versioning": "it can turn versions off",
    "website": "S3 serves the bucket as a website",
}
"""By argument of `aws_s3_bucket` that has a resource of its own now: what it can open or undo."""
CONFIGURES_BUCKET = "aws_s3_bucket_"
"""The beginning of the kinds that concern a bucket alone, which their argument `bucket` names."""


def opens(kind: str) -> str:
    """Return what a kind of resource can open or undo; empty for one that is read, or harmless."""
    exact = UNREAD.get(kind)
    if exact is not None:
        return exact
    return next((each for name, each in UNREAD.items() if _begins(kind, name)), "")


def _begins(kind: str, name: str) -> bool:
    families = ("aws_iam_user", "aws_iam_group")
    return (name.endswith("_") and kind.startswith(name)) or (
        name in families and kind.startswith(f"{name}_")
    )
