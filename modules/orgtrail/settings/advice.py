"""Warnings about settings that are valid but unwise."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.errors import NOT_GIVEN, Fault, SettingPath
from orgtrail.regions import GUARDDUTY_FEATURES_AS_OF, missing_guardduty_features
from orgtrail.settings.detection import Subscribers
from orgtrail.settings.environment import Environment

_MFA = "console-login-without-mfa"


def unwise_settings(env: Environment) -> Iterator[Fault]:
    """Yield each unwise setting with its consequence."""
    for place, given in _unrecorded_events(env):
        rule = "leaves out management events: Security Hub fails CloudTrail.1 (CIS 3.1)"
        yield Fault(place, rule, given)
    adopted = env.adopt.bucket if env.adopt.is_imported("bucket") else None
    if adopted and env.sends_notifications and not adopted.has("notification"):
        yield Fault(
            ("adopt", "bucket", "parts"),
            "leaves out notification, which this file sets: whoever the bucket notifies now is no "
            "longer notified, and no plan shows that",
            list(adopted.parts or ()),
        )
    if env.alarms and env.alarms.names != () and env.alarms.subscribers == Subscribers():
        yield Fault(
            ("alarms", "subscribers"),
            "is empty: nobody hears the alarms, and Security Hub fails CloudWatch.1 to .14",
        )
    if (
        env.key.administrators
        and not env.logging.deploy_roles
        and not env.adopt.is_referenced("key")
    ):
        # https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html (Policy)
        yield Fault(
            ("key", "administrators"),
            "may lock out who deploys, and KMS makes no such key: accounts.logging says of no role "
            "that it deploys there",
            list(env.key.administrators),
            "name it as accounts.logging.session_role",
        )
    if not env.guardrails.member_trails:
        yield Fault(
            ("guardrails", "member_trails"),
            "leaves the members' own trails to their administrators: set it true when the old "
            "ones are gone",
            False,
        )
    chosen = {each.name for each in env.alarms.chosen} if env.alarms else set()
    if env.alarms and env.alarms.patterns == "cis" and _MFA in chosen:
        # https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html
        yield Fault(
            ("alarms", "patterns"),
            f"makes {_MFA} ring at every sign-in through IAM Identity Center, whose MFA the event "
            "does not show",
            env.alarms.patterns,
            f'use "security-hub", or leave {_MFA} out of alarms.names',
        )
    if env.guardduty and env.guardduty.members != "ALL":
        yield Fault(
            ("guardduty", "members"),
            "leaves accounts without GuardDuty until somebody enrols them",
            env.guardduty.members,
        )
    yield from _missing_features(env)


def _missing_features(env: Environment) -> Iterator[Fault]:
    """Yield each enabled protection plan that some of GuardDuty's regions lack."""
    if not env.guardduty:
        return
    regions = env.regions_of(env.guardduty)
    for index, feature in enumerate(env.guardduty.features):
        if without := [
            region for region in regions if feature in missing_guardduty_features(region)
        ]:
            yield Fault(
                ("guardduty", "features", index),
                f"is left out in {', '.join(without)}: GuardDuty has it in other regions alone, "
                f"as of {GUARDDUTY_FEATURES_AS_OF}",
                feature,
            )


def _unrecorded_events(env: Environment) -> Iterator[tuple[SettingPath, object]]:
    """Yield each setting that keeps the trail from recording all management events."""
    if recording := env.recording:
        if recording.management != "all":
            yield ("recording", "management"), recording.management
        if recording.leave_out:
            yield ("recording", "leave_out"), list(recording.leave_out)
    for index, selector in enumerate(env.trail.event_selectors):
        if given := selector.exclude_management_event_sources:
            place = ("trail", "event_selectors", index, "exclude_management_event_sources")
            yield place, list(given)
    advanced = env.trail.advanced_event_selectors
    if advanced and not any(
        {each.field for each in selector.fields} == {"eventCategory"}
        and selector.fields[0].equals == ("Management",)
        for selector in advanced
    ):
        yield ("trail", "advanced_event_selectors"), NOT_GIVEN
