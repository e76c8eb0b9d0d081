"""The organization trail and its delivery to CloudWatch Logs, in the management account."""

from __future__ import annotations

from orgtrail import layout
from orgtrail.constructs import bindings as aws
from orgtrail.constructs.role import Role
from orgtrail.policies import boundary, roles
from orgtrail.settings import selectors
from orgtrail.settings import trail as settings
from orgtrail.settings.environment import Environment


class LogDelivery(aws.Part):
    """The log group, and the role that CloudTrail writes to it with.

    Args:
        scope: the construct that it is part of.
        id: its name there.
        environment: the settings.
        provider: the management account; the group must be in the account that owns the trail.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        provider: aws.AwsProvider,
    ) -> None:
        """Make the group and the role, but what is somebody else's."""
        super().__init__(scope, id, provider=provider)
        adopt = environment.adopt
        self.group = [] if adopt.refers("log_group") else [self._group(environment)]
        self.ready = [*self.group]
        if not adopt.refers("delivery_role") and not adopt.refers("trail"):
            self.ready.append(self._role(environment, provider))

    def _group(self, environment: Environment) -> aws.Dependable:
        delivery = environment.delivery
        group = self.add(
            aws.CloudwatchLogGroup,
            "log_group",
            name=delivery.log_group,
            retention_in_days=delivery.retention_days,
            kms_key_id=delivery.kms_key_arn,
            lifecycle=aws.protected(environment.archive.destroy_protection),
        )
        aws.imported(group, delivery.log_group, when=environment.adopt.imports("log_group"))
        return group

    def _role(self, environment: Environment, provider: aws.AwsProvider) -> aws.Dependable:
        delivery = environment.delivery
        return Role(
            self,
            "role",
            provider=provider,
            name=delivery.role_name,
            description=f"CloudTrail delivers {environment.trail.name} to CloudWatch Logs",
            trust=roles.delivery_trust(environment),
            policy_name="write-trail-streams",
            permissions=roles.delivery(environment),
            boundary=boundary.arn(environment, "management"),
            exists=environment.adopt.imports("delivery_role"),
        ).policy


class Trail(aws.Part):
    """The trail itself, and its delegated administrator if there is one.

    Args:
        scope: the construct that it is part of.
        id: its name there.
        environment: the settings.
        provider: the management account.
        kms_key_arn: ARN of the key that encrypts log files.
        delivery: the log group to deliver to, if any.
        after: what must stand before CloudTrail tries to write: the bucket's policy above all.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        provider: aws.AwsProvider,
        kms_key_arn: str,
        delivery: LogDelivery | None,
        after: aws.Dependables,
    ) -> None:
        """Make the trail, unless it is somebody else's."""
        super().__init__(scope, id, provider=provider)
        trail = environment.trail
        self.ready: list[aws.Dependable] = []
        if not environment.adopt.refers("trail"):
            self.ready.append(self._trail(environment, kms_key_arn, delivery, after))
        if trail.delegated_administrator:
            self.add(
                aws.CloudtrailOrganizationDelegatedAdminAccount,
                "delegation",
                account_id=environment.accounts[trail.delegated_administrator].id,
                depends_on=after,
            )

    def _trail(
        self,
        environment: Environment,
        kms_key_arn: str,
        delivery: LogDelivery | None,
        after: aws.Dependables,
    ) -> aws.Dependable:
        trail = environment.trail
        group = layout.log_group_arn(environment, environment.management.id)
        made = self.add(
            aws.Cloudtrail,
            "Default",
            name=trail.name,
            s3_bucket_name=environment.archive.bucket,
            s3_key_prefix=trail.key_prefix or None,
            sns_topic_name=layout.trail_topic(environment),
            kms_key_id=kms_key_arn,
            is_organization_trail=True,
            is_multi_region_trail=trail.multi_region,
            include_global_service_events=trail.global_events,
            enable_log_file_validation=trail.log_file_validation,
            enable_logging=trail.enabled,
            cloud_watch_logs_group_arn=f"{group}:*" if delivery else None,
            cloud_watch_logs_role_arn=layout.delivery_role_arn(environment) if delivery else None,
            event_selector=[*map(_basic, trail.event_selectors)] or None,
            advanced_event_selector=[*map(_advanced, selectors.advanced(environment))] or None,
            insight_selector=[
                aws.CloudtrailInsightSelector(insight_type=kind) for kind in trail.insights
            ]
            or None,
            lifecycle=aws.protected(environment.archive.destroy_protection),
            depends_on=[*after, *(delivery.ready if delivery else [])],
        )
        aws.imported(made, layout.trail_arn(environment), when=environment.adopt.imports("trail"))
        return made


def _basic(selector: settings.EventSelector) -> aws.CloudtrailEventSelector:
    return aws.CloudtrailEventSelector(
        read_write_type=selector.read_write_type,
        include_management_events=selector.include_management_events,
        exclude_management_event_sources=list(selector.exclude_management_event_sources) or None,
        data_resource=[
            aws.CloudtrailDataResource(type=each.type, values=list(each.values))
            for each in selector.data_resources
        ]
        or None,
    )


def _advanced(
    selector: settings.AdvancedEventSelector,
) -> aws.CloudtrailAdvancedEventSelector:
    return aws.CloudtrailAdvancedEventSelector(
        name=selector.name,
        field_selector=[
            aws.CloudtrailFieldSelector(
                field=each.field,
                equal_to=list(each.equals) or None,
                not_equals=list(each.not_equals) or None,
                starts_with=list(each.starts_with) or None,
                not_starts_with=list(each.not_starts_with) or None,
                ends_with=list(each.ends_with) or None,
                not_ends_with=list(each.not_ends_with) or None,
            )
            for each in selector.fields
        ],
    )
