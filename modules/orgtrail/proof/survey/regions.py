"""What a stack asks of a region that the region is known not to have."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.proof.estate import Refused
from orgtrail.proof.survey.shared import place
from orgtrail.regions import is_opt_in, missing_guardduty_features
from orgtrail.trail.resource import Stack

_FEATURES = ("aws_guardduty_detector_feature", "aws_guardduty_organization_configuration_feature")
_AGGREGATOR = "aws_securityhub_finding_aggregator"


def refused(stack: Stack) -> Iterator[Refused]:
    """Yield each resource that AWS would refuse where it stands."""
    for kind in _FEATURES:
        for each in stack.of(kind):
            if (feature := each.text("name")) in missing_guardduty_features(each.region):
                reason = f"GuardDuty has no {feature} in {each.region}, neither on nor off"
                yield Refused(**place(each), setting="guardduty.features", reason=reason)
    for each in stack.of(_AGGREGATOR):
        if each.region and is_opt_in(each.region):
            reason = f"Security Hub gathers no findings in {each.region}, which accounts opt in to"
            yield Refused(**place(each), setting="security_hub", reason=reason)
