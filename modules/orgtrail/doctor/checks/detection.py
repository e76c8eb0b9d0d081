"""Checks of the detecting services, in each account and region that the file asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orgtrail import naming
from orgtrail.doctor.outcome import DEPLOY, Fault, Subject
from orgtrail.doctor.register import Live, check
from orgtrail.settings.detection import (
    AccessAnalyzerSettings,
    GuardDutySettings,
    SecurityHubSettings,
)

_ABSENT = ("ResourceNotFoundException", "InvalidAccessException")


def _over(
    live: Live, section: GuardDutySettings | SecurityHubSettings | AccessAnalyzerSettings | None
) -> list[Subject]:
    if not section:
        return []
    return [
        Subject(section.administrator, live.env.accounts[section.administrator].id, region)
        for region in live.env.regions_of(section)
    ]


def _guardduty(live: Live) -> list[Subject]:
    return _over(live, live.env.guardduty)


def _exported(live: Live) -> list[Subject]:
    settings = live.env.guardduty
    return _over(live, settings) if settings and settings.export else []


def _hub(live: Live) -> list[Subject]:
    return _over(live, live.env.security_hub)


def _analyzer(live: Live) -> list[Subject]:
    return _over(live, live.env.access_analyzer)


def _detector(live: Live, subject: Subject) -> str:
    answer = live.aws.ask(subject.account, "guardduty", "list_detectors", region=subject.region)
    return next(iter(answer["DetectorIds"]), "")


@check("guardduty", "GuardDuty watches the organization", _guardduty)
def _watches(live: Live, subject: Subject) -> Iterator[Fault]:
    detector = _detector(live, subject)
    if not detector:
        yield Fault(f"GuardDuty has no detector in {subject.region}", DEPLOY)
        return
    found = live.aws.ask(
        subject.account, "guardduty", "get_detector", region=subject.region, DetectorId=detector
    )
    if found["Status"] != "ENABLED":
        yield Fault(f"GuardDuty's detector in {subject.region} is off", DEPLOY)
    admins = live.aws.ask(
        "management", "guardduty", "list_organization_admin_accounts", region=subject.region
    )["AdminAccounts"]
    if subject.name not in {each["AdminAccountId"] for each in admins}:
        yield Fault(
            f"account {subject.name} does not administer GuardDuty in {subject.region}: members "
            "are not watched",
            DEPLOY,
        )


@check("guardduty-export", "Findings are exported", _exported, "guardduty")
def _export(live: Live, subject: Subject) -> Iterator[Fault]:
    detector, region = _detector(live, subject), subject.region
    answer = live.aws.ask(
        subject.account, "guardduty", "list_publishing_destinations",
        region=region, DetectorId=detector,
    )  # fmt: skip
    wanted = naming.bucket_arn(live.env, live.env.findings_bucket or "")
    for each in answer["Destinations"]:
        about: Any = live.aws.ask(
            subject.account, "guardduty", "describe_publishing_destination",
            region=region, DetectorId=detector, DestinationId=each["DestinationId"],
        )  # fmt: skip
        if about["DestinationProperties"]["DestinationArn"] != wanted:
            continue
        if about["Status"] != "PUBLISHING":
            yield Fault(
                f"GuardDuty in {region} cannot export findings: {about['Status']}",
                "see what bucket-policy and key-policy say of the findings' bucket and key",
            )
        return
    yield Fault(f"GuardDuty in {region} exports no findings to {wanted}", DEPLOY)


@check("security-hub", "Security Hub is on", _hub)
def _hub_is_on(live: Live, subject: Subject) -> Iterator[Fault]:
    found = live.aws.ask(
        subject.account, "securityhub", "describe_hub", region=subject.region, absent=_ABSENT
    )
    if not found:
        yield Fault(f"Security Hub is off in {subject.region}", DEPLOY)


@check("access-analyzer", "IAM Access Analyzer looks at the organization", _analyzer)
def _analyzes(live: Live, subject: Subject) -> Iterator[Fault]:
    found = live.aws.ask(
        subject.account, "accessanalyzer", "list_analyzers", region=subject.region,
        type="ORGANIZATION",
    )["analyzers"]  # fmt: skip
    if not any(each["status"] == "ACTIVE" for each in found):
        yield Fault(f"no analyzer of the organization is active in {subject.region}", DEPLOY)
