"""The only module that imports CDKTF and the AWS provider: moving to `cdktn` is this one file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

from orgtrail.constructs.fastpath import lazily

with lazily():
    from cdktf import (
        App,
        CloudBackend,
        LocalBackend,
        NamedCloudWorkspace,
        Postcondition,
        S3Backend,
        S3BackendAssumeRoleConfig,
        TerraformDataSource,
        TerraformElement,
        TerraformOutput,
        TerraformResource,
        TerraformResourceLifecycle,
        TerraformStack,
        TerraformVariable,
        Testing,
        Token,
    )
    from cdktf_cdktf_provider_aws.athena_named_query import AthenaNamedQuery
    from cdktf_cdktf_provider_aws.athena_prepared_statement import AthenaPreparedStatement
    from cdktf_cdktf_provider_aws.athena_workgroup import (
        AthenaWorkgroup,
        AthenaWorkgroupConfiguration,
        AthenaWorkgroupConfigurationEngineVersion,
        AthenaWorkgroupConfigurationResultConfiguration as WorkgroupResults,
        AthenaWorkgroupConfigurationResultConfigurationEncryptionConfiguration as ResultEncryption,
    )
    from cdktf_cdktf_provider_aws.cloudtrail import (
        Cloudtrail,
        CloudtrailAdvancedEventSelector,
        CloudtrailAdvancedEventSelectorFieldSelector as CloudtrailFieldSelector,
        CloudtrailEventSelector,
        CloudtrailEventSelectorDataResource as CloudtrailDataResource,
        CloudtrailInsightSelector,
    )
    from cdktf_cdktf_provider_aws.cloudwatch_log_group import (
        CloudwatchLogGroup,
    )
    from cdktf_cdktf_provider_aws.data_aws_organizations_organization import (
        DataAwsOrganizationsOrganization,
    )
    from cdktf_cdktf_provider_aws.data_aws_regions import DataAwsRegions
    from cdktf_cdktf_provider_aws.glue_catalog_database import (
        GlueCatalogDatabase,
    )
    from cdktf_cdktf_provider_aws.glue_catalog_table import (
        GlueCatalogTable,
        GlueCatalogTableOpenTableFormatInput as OpenTableFormat,
        GlueCatalogTableOpenTableFormatInputIcebergInput as IcebergInput,
        GlueCatalogTableStorageDescriptor,
        GlueCatalogTableStorageDescriptorSerDeInfo as GlueCatalogTableSerDe,
    )
    from cdktf_cdktf_provider_aws.iam_role import IamRole
    from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
    from cdktf_cdktf_provider_aws.kms_alias import KmsAlias
    from cdktf_cdktf_provider_aws.kms_key import KmsKey
    from cdktf_cdktf_provider_aws.organizations_policy import (
        OrganizationsPolicy,
    )
    from cdktf_cdktf_provider_aws.organizations_policy_attachment import (
        OrganizationsPolicyAttachment,
    )
    from cdktf_cdktf_provider_aws.provider import (
        AwsProvider,
        AwsProviderAssumeRole,
        AwsProviderDefaultTags,
    )
    from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
    from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
        S3BucketLifecycleConfiguration,
        S3BucketLifecycleConfigurationRule as LifecycleRule,
        S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload as AbortUpload,
        S3BucketLifecycleConfigurationRuleExpiration as Expiration,
        S3BucketLifecycleConfigurationRuleFilter as LifecycleFilter,
        S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration as NoncurrentExpiration,
        S3BucketLifecycleConfigurationRuleTransition as Transition,
    )
    from cdktf_cdktf_provider_aws.s3_bucket_logging import S3BucketLoggingA as S3BucketLogging
    from cdktf_cdktf_provider_aws.s3_bucket_object_lock_configuration import (
        S3BucketObjectLockConfigurationA as S3BucketObjectLockConfiguration,
        S3BucketObjectLockConfigurationRuleA as ObjectLockRule,
        S3BucketObjectLockConfigurationRuleDefaultRetentionA as ObjectLockRetention,
    )
    from cdktf_cdktf_provider_aws.s3_bucket_ownership_controls import (
        S3BucketOwnershipControls,
        S3BucketOwnershipControlsRule,
    )
    from cdktf_cdktf_provider_aws.s3_bucket_policy import S3BucketPolicy
    from cdktf_cdktf_provider_aws.s3_bucket_public_access_block import (
        S3BucketPublicAccessBlock,
    )
    from cdktf_cdktf_provider_aws.s3_bucket_server_side_encryption_configuration import (
        S3BucketServerSideEncryptionConfigurationA as S3BucketEncryption,
        S3BucketServerSideEncryptionConfigurationRuleA as EncryptionRule,
        S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA as ByDefault,
    )
    from cdktf_cdktf_provider_aws.s3_bucket_versioning import (
        S3BucketVersioningA as S3BucketVersioning,
        S3BucketVersioningVersioningConfiguration as VersioningConfiguration,
    )
    from cdktf_cdktf_provider_aws.scheduler_schedule import (
        SchedulerSchedule,
        SchedulerScheduleFlexibleTimeWindow as FlexibleTime,
        SchedulerScheduleTarget as SchedulerTarget,
    )
    from constructs import Construct
    from jsii.errors import JSIIError

if TYPE_CHECKING:
    # Loaded by __getattr__ when an environment first asks for one of them.
    from cdktf_cdktf_provider_aws.accessanalyzer_analyzer import AccessanalyzerAnalyzer
    from cdktf_cdktf_provider_aws.chatbot_slack_channel_configuration import (
        ChatbotSlackChannelConfiguration,
    )
    from cdktf_cdktf_provider_aws.chatbot_teams_channel_configuration import (
        ChatbotTeamsChannelConfiguration,
    )
    from cdktf_cdktf_provider_aws.cloudtrail_organization_delegated_admin_account import (
        CloudtrailOrganizationDelegatedAdminAccount,
    )
    from cdktf_cdktf_provider_aws.cloudwatch_log_metric_filter import CloudwatchLogMetricFilter
    from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm
    from cdktf_cdktf_provider_aws.codebuild_project import CodebuildProject
    from cdktf_cdktf_provider_aws.guardduty_detector import GuarddutyDetector
    from cdktf_cdktf_provider_aws.guardduty_detector_feature import GuarddutyDetectorFeature
    from cdktf_cdktf_provider_aws.guardduty_organization_admin_account import (
        GuarddutyOrganizationAdminAccount,
    )
    from cdktf_cdktf_provider_aws.guardduty_organization_configuration import (
        GuarddutyOrganizationConfiguration,
    )
    from cdktf_cdktf_provider_aws.guardduty_organization_configuration_feature import (
        GuarddutyOrganizationConfigurationFeature,
    )
    from cdktf_cdktf_provider_aws.guardduty_publishing_destination import (
        GuarddutyPublishingDestination,
    )
    from cdktf_cdktf_provider_aws.organizations_delegated_administrator import (
        OrganizationsDelegatedAdministrator,
    )
    from cdktf_cdktf_provider_aws.s3_bucket_notification import S3BucketNotification
    from cdktf_cdktf_provider_aws.securityhub_account import SecurityhubAccount
    from cdktf_cdktf_provider_aws.securityhub_configuration_policy import (
        SecurityhubConfigurationPolicy,
    )
    from cdktf_cdktf_provider_aws.securityhub_configuration_policy_association import (
        SecurityhubConfigurationPolicyAssociation,
    )
    from cdktf_cdktf_provider_aws.securityhub_finding_aggregator import (
        SecurityhubFindingAggregator,
    )
    from cdktf_cdktf_provider_aws.securityhub_organization_admin_account import (
        SecurityhubOrganizationAdminAccount,
    )
    from cdktf_cdktf_provider_aws.securityhub_organization_configuration import (
        SecurityhubOrganizationConfiguration,
    )
    from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
    from cdktf_cdktf_provider_aws.sns_topic_policy import SnsTopicPolicy
    from cdktf_cdktf_provider_aws.sns_topic_subscription import SnsTopicSubscription
    from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue
    from cdktf_cdktf_provider_aws.sqs_queue_policy import SqsQueuePolicy

FAILURES = (JSIIError, RuntimeError)
"""What jsii raises where Node reports an error."""

_PROVIDER = "cdktf_cdktf_provider_aws"


def __getattr__(name: str) -> Any:
    """Load a resource's class when it is first named: each costs some milliseconds."""
    try:
        found = getattr(import_module(f"{_PROVIDER}.{_snake(name)}"), name)
    except ModuleNotFoundError as error:
        raise AttributeError(f"there is no {name}") from error
    globals()[name] = found
    return found


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _terraform_name(name: str) -> str:
    """Return what Terraform calls a class of the bindings: `aws_sns_topic`, `data.aws_regions`."""
    snake = _snake(name)
    if snake.startswith("data_"):
        return f"data.{snake.removeprefix('data_')}"
    return f"aws_{snake.removesuffix('_a')}"


P = ParamSpec("P")
R = TypeVar("R", bound=TerraformElement)


Dependable = TerraformResource | TerraformDataSource
Dependables = Sequence[Dependable]


class Part(Construct):
    """A construct whose resources all belong to one account.

    Its resources carry its provider, so none can fall to a default account. Below a scope that
    has a `home` (our own stack), they are made in that scope and called by their path, such as
    `aws_s3_bucket_policy.archive_policy`; elsewhere CDKTF's own unique ids keep two trails in
    one stack apart.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        provider: AwsProvider | None = None,
        region: str | None = None,
    ) -> None:
        """Place the part; `provider` may be left out where only other parts are inside.

        Where a region is given, its resources say it themselves, in place of their provider's: so
        Terraform can still remove them once no other resource is in that region. Resources of
        global services take none.
        https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/enhanced-region-support
        """
        super().__init__(scope, id)
        self.provider = provider
        self.where = {"region": region} if region else {}
        self.home: Construct | None = getattr(scope, "home", None)
        self.path = (*getattr(scope, "path", ()), *_named(id))

    def add(
        self,
        kind: Callable[Concatenate[Construct, str, P], R],
        name: str,
        /,
        *args: P.args,
        **settings: P.kwargs,
    ) -> R:
        """Make a resource of this part, in its account. `Default` takes the part's own name."""
        scope, id = (self, name) if self.home is None else (self.home, self.named(name))
        placed = {"provider": self.provider, **self.where}
        made: Any = cast(Any, kind)(scope, id, *args, **placed, **settings)
        if self.home is not None:
            made.address = f"{_terraform_name(cast(Any, kind).__name__)}.{id}"
        return cast(R, made)

    def named(self, name: str) -> str:
        """Return the name that a resource of this part has by its path."""
        return "_".join((*self.path, *_named(name)))


def _named(id: str) -> tuple[str, ...]:
    return () if id == "Default" else (id,)


def protected(flag: bool) -> TerraformResourceLifecycle | None:
    """Return the lifecycle that refuses to destroy a resource, if `flag` asks for it."""
    return TerraformResourceLifecycle(prevent_destroy=True) if flag else None


def checked(*conditions: tuple[str, str]) -> TerraformResourceLifecycle:
    """Return the lifecycle that stops a plan where a condition on `self` does not hold."""
    return TerraformResourceLifecycle(
        postcondition=[
            Postcondition(condition=f"${{{condition}}}", error_message=message)
            for condition, message in conditions
        ]
    )


def imported(resource: TerraformResource, id: str, *, when: bool) -> None:
    """Have the first plan import what exists already under this id, where `when` says so."""
    if when:
        resource.import_from(id)


def warn(part: Part, name: str, condition: str, message: str) -> None:
    """Have every plan warn where a condition does not hold (a Terraform `check` block)."""
    TerraformStack.of(part).add_override(
        f"check.{part.named(name)}",
        {"assert": [{"condition": f"${{{condition}}}", "error_message": message}]},
    )


def for_each(resource: TerraformResource, entries: Mapping[str, Any], **attributes: Any) -> None:
    """Make a resource once for each entry; attributes that are no text may name `each.value`."""
    resource.add_override("for_each", dict(entries))
    for name, value in attributes.items():
        resource.add_override(name, value)


def null() -> Any:
    """Return a value that is written as null, where None would be left out."""
    return Token.null_value()


def literal(text: str) -> str:
    """Write text that holds `${` so that Terraform leaves it as it is."""
    return text.replace("${", "$${").replace("%{", "%%{")


def reference(block: Dependable) -> str:
    """Return what an expression calls a resource or data source: `data.aws_regions.x`.

    Where its address is plain, that costs no question to Node.
    """
    if address := getattr(block, "address", None):
        return str(address)
    prefix = "data." if isinstance(block, TerraformDataSource) else ""
    return f"{prefix}{block.terraform_resource_type}.{block.friendly_unique_id}"


def attribute(block: Dependable, name: str) -> str:
    """Return the expression of what AWS makes up, such as a key's id."""
    return f"${{{reference(block)}.{name}}}"
