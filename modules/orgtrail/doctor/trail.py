"""Checks of the trail: where it is, what it records and whom it notifies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orgtrail import naming
from orgtrail.doctor.model import DEPLOY, MAKE, Live, LiveFault, Subject, resources
from orgtrail.doctor.monitoring import topic_faults
from orgtrail.doctor.policies import line_diff

_ABSENT = ("TrailNotFoundException",)
_DEFAULT_SELECTOR = "All management=True excluding=[] data=[]"


trail = resources("aws_cloudtrail", referred=True)
managed_trail = resources("aws_cloudtrail")


def settings(live: Live, subject: Subject) -> Any:
    """Return the trail's settings in AWS, None if it is not in the home region."""
    answer = live.aws.ask(
        "management", "cloudtrail", "get_trail", absent=_ABSENT, Name=subject.name
    )
    about = answer["Trail"] if answer else {}
    home = live.env.home_region
    return about if about and about.get("HomeRegion", home) == home else None


def _list_trails(live: Live, account: str) -> list[Any]:
    return list(live.aws.ask(account, "cloudtrail", "list_trails")["Trails"])


def existence(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report a trail that is missing, in another region or in another account."""
    if settings(live, subject):
        return
    env = live.env
    said = f"the management account has no trail {subject.name} in {env.home_region}"
    for each in _list_trails(live, "management"):
        if each["Name"] == subject.name:
            yield LiveFault(
                f"{said}: its home is {each['HomeRegion']}, and elsewhere AWS answers "
                "TrailNotFoundException",
                f'set home_region to "{each["HomeRegion"]}", or delete that trail and deploy again',
            )
            return
    for each in _list_trails(live, "logging"):
        if each["TrailARN"] == _member_arn(live):
            yield LiveFault(
                f"{said}: the logging account has one by this name, which is its own and not the "
                "organization's",
                "delete that trail; deploy again, so that the management account makes it",
            )
            return
    yield LiveFault(f"{said}: AWS answers TrailNotFoundException", MAKE)


def _member_arn(live: Live) -> str:
    """Return the ARN of a trail of this name in the logging account."""
    return naming.trail_arn(live.env).replace(live.env.management.id, live.env.logging.id)


def second_trails(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report other trails of the management account that record the same events."""
    arn = naming.trail_arn(live.env)
    for each in _list_trails(live, "management"):
        if each["TrailARN"] == arn:
            continue
        region = each["HomeRegion"]
        about = live.aws.ask(
            "management", "cloudtrail", "get_trail",
            region=region, absent=_ABSENT, Name=each["TrailARN"],
        )  # fmt: skip
        writes = about and about["Trail"].get("S3BucketName") == live.env.archive.bucket
        if each["Name"] == subject.name or writes:
            yield LiveFault(
                f"the management account has a second trail, {each['Name']} in {region}"
                + (", which writes to the same archive" if writes else "")
                + ": each event would be paid for twice",
                f"aws cloudtrail delete-trail --region {region} --name {each['Name']}, "
                "once nobody needs it",
            )


def selectors(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report event selectors that differ from the stack's."""
    has = live.aws.ask("management", "cloudtrail", "get_event_selectors", TrailName=subject.name)
    declared = live.resource(subject, "aws_cloudtrail")
    if advanced := declared.many("advanced_event_selector"):
        wanted = sorted(_advanced_selector_text(each.get("name"), [
            {_camel_case(name): value for name, value in field.items()}
            for field in each["field_selector"]]) for each in advanced)  # fmt: skip
        got = sorted(
            _advanced_selector_text(each.get("Name"), each["FieldSelectors"])
            for each in has.get("AdvancedEventSelectors") or ()
        )
    else:
        basic = (_camel_cased(each) for each in declared.many("event_selector"))
        wanted = sorted(map(_basic_selector_text, basic)) or [_DEFAULT_SELECTOR]
        got = sorted(map(_basic_selector_text, has.get("EventSelectors") or ())) or [
            _DEFAULT_SELECTOR
        ]
        if has.get("AdvancedEventSelectors"):
            got = ["advanced selectors"]
    if lines := line_diff(wanted, got):
        yield LiveFault("the trail does not record what the file asks for", DEPLOY, lines)


def _advanced_selector_text(name: str | None, fields: list[Any]) -> str:
    rules = sorted(
        f"{each['Field']} {operator} {sorted(each[operator])}"
        for each in fields
        for operator in sorted(set(each) - {"Field"})
    )
    return f"{name or ''}: {'; '.join(rules)}"


def _camel_case(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _camel_cased(block: dict[str, Any]) -> dict[str, Any]:
    """Convert a basic selector from Terraform's form to the API's."""
    made = {_camel_case(name): value for name, value in block.items()}
    data = [
        {_camel_case(name): value for name, value in each.items()}
        for each in made.pop("DataResource", ())
    ]
    return {**made, "DataResources": data}


def _basic_selector_text(each: Any) -> str:
    data = sorted(f"{d['Type']} {sorted(d['Values'])}" for d in each.get("DataResources", ()))
    excluded = sorted(each.get("ExcludeManagementEventSources", ()))
    return (
        f"{each.get('ReadWriteType', 'All')} management={each.get('IncludeManagementEvents', True)}"
        f" excluding={excluded} data={data}"
    )


def insights(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report Insights that differ from the stack's."""
    answer = live.aws.ask(
        "management", "cloudtrail", "get_insight_selectors",
        absent=("InsightNotEnabledException",), TrailName=subject.name,
    )  # fmt: skip
    has = sorted(each["InsightType"] for each in (answer or {}).get("InsightSelectors", ()))
    declared = live.resource(subject, "aws_cloudtrail").many("insight_selector")
    if lines := line_diff(sorted(each["insight_type"] for each in declared), has):
        yield LiveFault("Insights differ from trail.insights", DEPLOY, lines)


def summaries(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report summaries of data events, which the file does not enable.

    A region that does not support the call yet refuses it, so that the check ends unchecked.
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/aggregating-data-events.html
    """
    has = live.aws.ask(
        "management", "cloudtrail", "get_event_configuration", TrailName=subject.name
    )
    found = has.get("AggregationConfigurations") or ()
    if kinds := sorted({kind for each in found for kind in each["Templates"]}):
        yield LiveFault(
            "the trail also writes summaries of data events, one for each five minutes "
            f"({', '.join(kinds)}), which the file does not ask for: they cost extra; they count "
            "calls, and have no identity, parameters or address of any; no question reads them",
            "switch them off: aws cloudtrail put-event-configuration --region "
            f"{live.env.home_region} --trail-name {subject.name} --aggregation-configurations "
            "'[]'; or keep them, for a program of yours that reads the folder "
            "CloudTrail-Aggregated",
        )


def member_view(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report a logging account that does not see the organization's trail, or has its own."""
    arn = naming.trail_arn(live.env)
    answer = live.aws.ask("logging", "cloudtrail", "describe_trails", includeShadowTrails=True)
    seen = {each["TrailARN"] for each in answer["trailList"]}
    if _member_arn(live) in seen:
        yield LiveFault(
            f"the logging account has a trail {subject.name} of its own: who asks there by name "
            "sees that one, and not the organization's",
            f"delete it there; members ask by ARN: aws cloudtrail get-trail-status --name {arn}",
        )
    if arn not in seen:
        yield LiveFault(
            f"the logging account, a member, does not see {arn}: a member that looks for it gets "
            "TrailNotFoundException",
            "wait an hour after the deploy; then see that the account is in the organization, and "
            "that CloudTrail's own role is in it (aws iam get-role --role-name "
            "AWSServiceRoleForCloudTrail)",
        )


def topic(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report that the trail notifies another topic, or that the stack's topic is wrong."""
    env = live.env
    wanted = (env.trail.sns_topic and env.trail.sns_topic.arn) or ""
    if name := env.created_topic:
        wanted = naming.management_topic_arn(env, name)
        yield from topic_faults(live, Subject("management", name))
    has = settings(live, subject).get("SnsTopicARN", "")
    if has != wanted:
        yield LiveFault(f"the trail tells {has or 'no topic'}, not {wanted or 'none'}")
