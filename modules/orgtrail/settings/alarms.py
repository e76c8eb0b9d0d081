"""Settings of the alarms in the management account: which, for whom, how soon."""

from __future__ import annotations

from typing import Annotated, Literal

from orgtrail.alarms import ALARMS, BY_NAME, Alarm
from orgtrail.settings.types import (
    Many,
    Name,
    RoleName,
    Rule,
    Section,
    TopicName,
    matches,
    setting,
)

AlarmName = Annotated[
    str, Rule(f"must be an alarm of docs/alarms.md: {', '.join(BY_NAME)}", BY_NAME.__contains__)
]
Email = Annotated[
    str, matches(r"[\w.!#$&'*+/=?^`{|}~-]+@[\w-]+(\.[\w-]+)+", "must be an e-mail address")
]
Url = Annotated[
    str, matches(r"https://[!-.0-~]+[!-~]*", "must be an address that begins with https://")
]
ChatId = Annotated[str, matches(r"[\w.:@%-]{1,255}", "must be an id as the chat client shows it")]


class Slack(Section):
    """A Slack channel, after its workspace was authorized once in the AWS console."""

    team_id: ChatId = setting("The workspace's id, such as T07EA123LEP.")
    channel_id: ChatId = setting("The channel's id, such as C07EZ1ABC23.")


class Teams(Section):
    """A Microsoft Teams channel, after its team was authorized once in the AWS console."""

    tenant_id: ChatId = setting("The tenant's id.")
    team_id: ChatId = setting("The team's id.")
    channel_id: ChatId = setting("The channel's id.")


class Subscribers(Section):
    """Who is told. E-mail and HTTPS subscribers confirm once, by a link that they are sent."""

    email: Many[Email] = setting("E-mail addresses.", ())
    https: Many[Url] = setting("Web hooks of an on-call service.", ())
    slack: dict[Name, Slack] = setting("Slack channels by a name of your own.", {})
    teams: dict[Name, Teams] = setting("Microsoft Teams channels by a name of your own.", {})


class Tuning(Section):
    """How soon one alarm rings."""

    threshold: int | None = setting(
        "Events in one period that make it ring; null means the catalogue's number.",
        None,
        ge=1,
        le=1_000_000,
    )
    period_minutes: int = setting("Minutes of one period.", 5, ge=1, le=60)


class Alarms(Section):
    """Alarms over the events of all accounts, in the management account; null makes none.

    They need delivery to CloudWatch Logs. docs/alarms.md lists them all.
    """

    names: Many[AlarmName] | None = setting(
        "Which alarms; null means all of them, an empty list none.", None
    )
    patterns: Literal["security-hub", "cis"] = setting(
        "Wording of the CIS patterns: Security Hub accepts its own text only; "
        "`cis` is that of CIS v3 and v5 where it differs. Its `console-login-without-mfa` rings at "
        "every sign-in through IAM Identity Center, whose MFA the event does not show.",
        "security-hub",
    )
    by_account: bool = setting(
        "An alarm that evaluates each account by itself and names the one it is about.", True
    )
    totals: bool = setting(
        "A plain alarm over all accounts together too. Security Hub (CloudWatch.1 to .14) and "
        "other scanners look for it and see no other. Where both are on, both ring.",
        True,
    )
    silence_minutes: int = setting(
        "Minutes without any event until `delivery-silence` rings.", 30, ge=10, le=1440
    )
    tuning: dict[AlarmName, Tuning] = setting("Threshold and period by alarm.", {})
    namespace: Annotated[
        str,
        matches(r"[\w.#:-]{1,200}", "must be a metric namespace, not AWS/ and no slash", r"^AWS/"),
    ] = setting("Namespace of the metrics; those by account are below it.", "OrganizationTrail")
    topic: TopicName = setting("Name of the SNS topic.", "organization-trail-alarms")
    subscribers: Subscribers = setting("Who is told.", Subscribers())
    chat_role_name: RoleName = setting(
        "Role of the chat service; it may look at alarms and nothing else.",
        "organization-trail-alarms-chat",
    )

    @property
    def chosen(self) -> tuple[Alarm, ...]:
        """The alarms of the catalogue that are asked for."""
        return tuple(a for a in ALARMS if self.names is None or a.name in self.names)
