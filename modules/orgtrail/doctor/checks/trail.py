"""Checks of the trail's settings: where it is, what it records and where it delivers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orgtrail import naming
from orgtrail.doctor.comparing import listed
from orgtrail.doctor.outcome import DEPLOY, MAKE, Fault, Subject
from orgtrail.doctor.register import Live, check
from orgtrail.settings import selectors

_HERE = ("TrailNotFoundException",)


def trail(live: Live) -> list[Subject]:
    """Return the trail."""
    return [Subject("management", live.env.trail.name)]


def ours(live: Live) -> list[Subject]:
    """Return the trail, unless the file only refers to it."""
    return [] if live.env.adopt.is_referenced("trail") else trail(live)


def found(live: Live) -> Any:
    """Return what AWS says of the trail, None where it is not in the home region."""
    answer = live.aws.ask(
        "management", "cloudtrail", "get_trail", absent=_HERE, Name=live.env.trail.name
    )
    about = answer["Trail"] if answer else {}
    home = live.env.home_region
    return about if about and about.get("HomeRegion", home) == home else None


def _all(live: Live, account: str) -> list[Any]:
    return list(live.aws.ask(account, "cloudtrail", "list_trails")["Trails"])


@check("trail", "The trail exists in the home region", trail)
def _exists(live: Live, subject: Subject) -> Iterator[Fault]:
    if found(live):
        return
    env = live.env
    said = f"the management account has no trail {subject.name} in {env.home_region}"
    for each in _all(live, "management"):
        if each["Name"] == subject.name:
            yield Fault(
                f"{said}: its home is {each['HomeRegion']}, and elsewhere AWS answers "
                "TrailNotFoundException",
                f'set home_region to "{each["HomeRegion"]}", or delete that trail and deploy again',
            )
            return
    for each in _all(live, "logging"):
        if each["TrailARN"] == naming.trail_arn(env).replace(env.management.id, env.logging.id):
            yield Fault(
                f"{said}: the logging account has one by this name, which is its own and not the "
                "organization's",
                "delete that trail; deploy again, so that the management account makes it",
            )
            return
    yield Fault(f"{said}: AWS answers TrailNotFoundException", MAKE)


@check("trail-twin", "No other trail writes beside it", trail, "trail")
def _twin(live: Live, subject: Subject) -> Iterator[Fault]:
    arn = naming.trail_arn(live.env)
    for each in _all(live, "management"):
        if each["TrailARN"] == arn:
            continue
        region = each["HomeRegion"]
        about = live.aws.ask(
            "management", "cloudtrail", "get_trail",
            region=region, absent=_HERE, Name=each["TrailARN"],
        )  # fmt: skip
        writes = about and about["Trail"].get("S3BucketName") == live.env.archive.bucket
        if each["Name"] == subject.name or writes:
            yield Fault(
                f"the management account has a second trail, {each['Name']} in {region}"
                + (", which writes to the same archive" if writes else "")
                + ": each event would be paid for twice",
                f"aws cloudtrail delete-trail --region {region} --name {each['Name']}, "
                "once nobody needs it",
            )


@check("trail-organization", "It is an organization trail", ours, "trail")
def _organization(live: Live, _: Subject) -> Iterator[Fault]:
    if not found(live).get("IsOrganizationTrail"):
        yield Fault("the trail records the management account alone", DEPLOY)


@check("trail-regions", "It records every region", ours, "trail")
def _regions(live: Live, _: Subject) -> Iterator[Fault]:
    about, wanted = found(live), live.env.trail
    if bool(about.get("IsMultiRegionTrail")) != wanted.multi_region:
        where = "its home region alone" if wanted.multi_region else "every region"
        yield Fault(f"the trail records {where}", DEPLOY)
    if bool(about.get("IncludeGlobalServiceEvents")) != wanted.global_events:
        leaves = "leaves out" if wanted.global_events else "records"
        yield Fault(f"the trail {leaves} the events of global services, such as IAM", DEPLOY)


@check("trail-validation", "It writes digests", ours, "trail")
def _validation(live: Live, _: Subject) -> Iterator[Fault]:
    has = bool(found(live).get("LogFileValidationEnabled"))
    if has != live.env.trail.log_file_validation:
        yield Fault(
            f"log-file validation is {'on' if has else 'off'}"
            + ("" if has else ": from then on nobody can prove that a log file is intact"),
            DEPLOY,
        )


@check("trail-destination", "It writes to the archive, with the key", ours, "trail")
def _destination(live: Live, _: Subject) -> Iterator[Fault]:
    env, about = live.env, found(live)
    for what, wanted, has in (
        ("log files to the bucket", env.archive.bucket, about.get("S3BucketName", "")),
        ("log files below the prefix", env.trail.key_prefix or "", about.get("S3KeyPrefix", "")),
    ):
        if wanted != has:
            yield Fault(f"the trail writes {what} {has!r}, not {wanted!r}", DEPLOY)
    key = _key(live)
    if key and about.get("KmsKeyId") != key:
        has = about.get("KmsKeyId") or "no key"
        yield Fault(f"the trail encrypts log files with {has}, not with {key}", DEPLOY)
    group = f"{naming.log_group_arn(env, env.management.id)}:*" if env.delivery.enabled else ""
    has = about.get("CloudWatchLogsLogGroupArn", "")
    if has != group:
        wanted = group or "nothing in CloudWatch Logs"
        yield Fault(f"the trail delivers to {has or 'no log group'}, not to {wanted}", DEPLOY)


def _key(live: Live) -> str:
    """Return the ARN that the alias names now; empty where there is none, which `key` tells."""
    if arn := live.env.adopt.referenced_key:
        return arn
    about = live.key("logging", live.env.key.alias)
    return str(about["Arn"]) if about else ""


@check("trail-selectors", "It records what the file asks for", ours, "trail")
def _selectors(live: Live, subject: Subject) -> Iterator[Fault]:
    env = live.env
    has = live.aws.ask("management", "cloudtrail", "get_event_selectors", TrailName=subject.name)
    advanced = selectors.advanced(env)
    if advanced:
        wanted = sorted(_fields(each.name, [
            {"Field": f.field, **{_operator(name): given for name, given in f.operators.items()}}
            for f in each.fields]) for each in advanced)  # fmt: skip
        got = sorted(
            _fields(each.get("Name"), each["FieldSelectors"])
            for each in has.get("AdvancedEventSelectors") or ()
        )
    else:
        wanted = sorted(map(_basic, env.trail.event_selectors)) or [_EVERYTHING]
        got = sorted(map(_given, has.get("EventSelectors") or ())) or [_EVERYTHING]
        if has.get("AdvancedEventSelectors"):
            got = ["advanced selectors"]
    if lines := listed(wanted, got):
        yield Fault("the trail does not record what the file asks for", DEPLOY, lines)


@check("trail-insights", "Insights are as the file asks for", ours, "trail")
def _insights(live: Live, subject: Subject) -> Iterator[Fault]:
    answer = live.aws.ask(
        "management", "cloudtrail", "get_insight_selectors",
        absent=("InsightNotEnabledException",), TrailName=subject.name,
    )  # fmt: skip
    has = sorted(each["InsightType"] for each in (answer or {}).get("InsightSelectors", ()))
    if lines := listed(sorted(live.env.trail.insights), has):
        yield Fault("Insights differ from trail.insights", DEPLOY, lines)


# Nothing but an answer without them is fine: a region that does not know the question yet refuses
# it, which is not checked.
@check("trail-summaries", "It writes calls, and no summaries of them", ours, "trail")
def _summaries(live: Live, subject: Subject) -> Iterator[Fault]:
    # https://docs.aws.amazon.com/awscloudtrail/latest/userguide/aggregating-data-events.html
    has = live.aws.ask(
        "management", "cloudtrail", "get_event_configuration", TrailName=subject.name
    )
    found = has.get("AggregationConfigurations") or ()
    if kinds := sorted({kind for each in found for kind in each["Templates"]}):
        yield Fault(
            "the trail also writes summaries of data events, one for each five minutes "
            f"({', '.join(kinds)}), which the file does not ask for: they cost extra; they count "
            "calls, and have no identity, parameters or address of any; no question reads them",
            "switch them off: aws cloudtrail put-event-configuration --region "
            f"{live.env.home_region} --trail-name {subject.name} --aggregation-configurations "
            "'[]'; or keep them, for a program of yours that reads the folder "
            "CloudTrail-Aggregated",
        )


@check("member-view", "A member sees the organization's trail", trail, "trail-organization")
def _member(live: Live, subject: Subject) -> Iterator[Fault]:
    env = live.env
    arn = naming.trail_arn(env)
    answer = live.aws.ask("logging", "cloudtrail", "describe_trails", includeShadowTrails=True)
    seen = {each["TrailARN"] for each in answer["trailList"]}
    own = arn.replace(env.management.id, env.logging.id)
    if own in seen:
        yield Fault(
            f"the logging account has a trail {subject.name} of its own: who asks there by name "
            "sees that one, and not the organization's",
            f"delete it there; members ask by ARN: aws cloudtrail get-trail-status --name {arn}",
        )
    if arn not in seen:
        yield Fault(
            f"the logging account, a member, does not see {arn}: a member that looks for it gets "
            "TrailNotFoundException",
            "wait an hour after the deploy; then see that the account is in the organization, and "
            "that CloudTrail's own role is in it (aws iam get-role --role-name "
            "AWSServiceRoleForCloudTrail)",
        )


_EVERYTHING = "All management=True excluding=[] data=[]"


def _fields(name: str | None, fields: list[Any]) -> str:
    rules = sorted(
        f"{each['Field']} {operator} {sorted(each[operator])}"
        for each in fields
        for operator in sorted(set(each) - {"Field"})
    )
    return f"{name or ''}: {'; '.join(rules)}"


def _operator(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _basic(each: Any) -> str:
    data = sorted(f"{d.type} {sorted(d.values)}" for d in each.data_resources)
    excluded = sorted(each.exclude_management_event_sources)
    return (
        f"{each.read_write_type} management={each.include_management_events} "
        f"excluding={excluded} data={data}"
    )


def _given(each: Any) -> str:
    data = sorted(f"{d['Type']} {sorted(d['Values'])}" for d in each.get("DataResources", ()))
    excluded = sorted(each.get("ExcludeManagementEventSources", ()))
    return (
        f"{each.get('ReadWriteType', 'All')} management={each.get('IncludeManagementEvents', True)}"
        f" excluding={excluded} data={data}"
    )
