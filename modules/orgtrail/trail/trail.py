"""The organization trail itself, and its delegated administrator if there is one."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail import naming
from orgtrail.settings import selectors
from orgtrail.settings.environment import Environment
from orgtrail.settings.trail import AdvancedEventSelector, EventSelector
from orgtrail.trail.deploying import service_linked
from orgtrail.trail.part import Before, Part, protected
from orgtrail.trail.policy import Statement, allow
from orgtrail.trail.resource import Json, Resource

_MANAGE = (
    "AddTags", "CreateTrail", "DeleteTrail", "GetEventSelectors", "GetInsightSelectors",
    "GetTrailStatus", "ListTags", "PutEventSelectors", "PutInsightSelectors",
    "RemoveTags", "StartLogging", "StopLogging", "UpdateTrail",
)  # fmt: skip


def trail(part: Part, *, key_arn: str, delivery: Before | None, after: Before) -> Resource:
    """Add the trail.

    Args:
        part: the part to add to, in the management account.
        key_arn: ARN of the key that encrypts log files.
        delivery: resources that must exist before CloudTrail delivers to CloudWatch Logs; None if
            it does not.
        after: resources that must exist before CloudTrail writes, above all the bucket's policy.

    """
    env, settings = part.environment, part.environment.trail
    is_delivered = delivery is not None
    group = naming.log_group_arn(env, env.management.id)
    made = part.add(
        "aws_cloudtrail",
        "Default",
        name=settings.name,
        s3_bucket_name=env.archive.bucket,
        s3_key_prefix=settings.key_prefix or None,
        sns_topic_name=naming.trail_topic(env),
        kms_key_id=key_arn,
        is_organization_trail=True,
        is_multi_region_trail=settings.multi_region,
        include_global_service_events=settings.global_events,
        enable_log_file_validation=settings.log_file_validation,
        enable_logging=settings.enabled,
        cloud_watch_logs_group_arn=f"{group}:*" if is_delivered else None,
        cloud_watch_logs_role_arn=naming.delivery_role_arn(env) if is_delivered else None,
        event_selector=[*map(_basic, settings.event_selectors)] or None,
        advanced_event_selector=[*map(_advanced, selectors.advanced(env))] or None,
        insight_selector=[{"insight_type": each} for each in settings.insights] or None,
        lifecycle=protected(env.archive.destroy_protection),
        depends_on=[*after, *(delivery or ())],
        imported_as=naming.trail_arn(env) if env.adopt.is_imported("trail") else "",
        is_managed=not env.adopt.is_referenced("trail"),
    )
    if settings.delegated_administrator:
        part.add(
            "aws_cloudtrail_organization_delegated_admin_account",
            "delegation",
            account_id=env.accounts[settings.delegated_administrator].id,
            depends_on=after,
        )
    return made


def _basic(selector: EventSelector) -> Json:
    return {
        "read_write_type": selector.read_write_type,
        "include_management_events": selector.include_management_events,
        "exclude_management_event_sources": list(selector.exclude_management_event_sources) or None,
        "data_resource": [
            {"type": each.type, "values": list(each.values)} for each in selector.data_resources
        ]
        or None,
    }


def _advanced(selector: AdvancedEventSelector) -> Json:
    return {
        "name": selector.name,
        "field_selector": [
            {
                "field": each.field,
                "equals": list(each.equals) or None,
                "not_equals": list(each.not_equals) or None,
                "starts_with": list(each.starts_with) or None,
                "not_starts_with": list(each.not_starts_with) or None,
                "ends_with": list(each.ends_with) or None,
                "not_ends_with": list(each.not_ends_with) or None,
            }
            for each in selector.fields
        ],
    }


def deploying(env: Environment) -> Iterator[Statement]:
    """Yield the permissions to deploy the trail, in the management account."""
    if not env.adopt.is_referenced("trail"):
        yield allow("ManageTrail", "cloudtrail", _MANAGE, naming.trail_arn(env))
        yield allow("FindTrails", "cloudtrail", ("DescribeTrails",), "*")
        yield service_linked("LinkCloudTrail", env, naming.CLOUDTRAIL)
