"""Settings of a log bucket that other services write to as well, and of what its policy keeps."""

from __future__ import annotations

from typing import Annotated, Literal

from orgtrail.settings.types import KeyPrefix, Many, Name, Section, Text, matches, setting

WriterService = Literal[
    "config", "elb", "network_firewall", "nlb", "route53_resolver", "vpc_flow_logs", "waf"
]
Texts = Text | Many[Text]
"""One text, or a list of them: a policy means the same by both."""
StatementId = Annotated[str, matches(r"[A-Za-z0-9]{1,100}", "must be 1 to 100 letters or digits")]


class Writer(Section):
    """Another service that delivers its logs to the archive bucket."""

    service: WriterService = setting(
        "The service: AWS Config, Application and Classic (`elb`) or Network (`nlb`) Load "
        "Balancers, Network Firewall, Route 53 Resolver query logs, VPC flow logs, WAF."
    )
    prefix: KeyPrefix = setting("Prefix of its keys, before `AWSLogs/`.", "")
    accounts: Many[Name] | None = setting(
        "Accounts whose logs it delivers, by their names; null means the whole organization, "
        "for `elb` every account of the file.",
        None,
        min_length=1,
    )


class KeptStatement(Section):
    """A statement of the archive bucket's policy that stays as it is, word for word."""

    Sid: StatementId = setting("Its name, by which findings call it.")
    Effect: Literal["Allow", "Deny"] = setting("What it does.")
    Principal: Literal["*"] | dict[Text, Texts] | None = setting("Whom it is about.", None)
    NotPrincipal: dict[Text, Texts] | None = setting("Whom it is not about.", None)
    Action: Texts | None = setting("What it is about.", None)
    NotAction: Texts | None = setting("What it is not about.", None)
    Resource: Texts = setting("The bucket or keys of it, by ARN.")
    Condition: dict[Text, dict[Text, Texts]] | None = setting("On which conditions.", None)
