"""What changed between two reports: accesses, deliveries, controls and findings.

Both sides are asked the same requests, so that a policy that is only written in another way is no
change. Nothing is matched by its position.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orgtrail.check.change_access import Access, Outcome, accesses, outcome
from orgtrail.check.change_kept import Amount, Kept, kept, others
from orgtrail.check.controls import Status
from orgtrail.check.delivery import Decided, Delivery
from orgtrail.check.findings import Finding, Severity
from orgtrail.check.run import Proof, Report
from orgtrail.errors import OrgtrailError
from orgtrail.iam.evaluator import Decision
from orgtrail.iam.request import Kind

_LINES = re.compile(r"(?<=\bline )\d+|(?<=:)\d{1,6}(?= )")
"""Line numbers in messages, which move without any change."""


@dataclass(frozen=True)
class DeliveryChange:
    """One request of a delivery that is decided otherwise than before.

    Args:
        delivery: the request, and what does not arrive without it.
        before: what was decided; None if the flow is new.
        after: what is decided; None if nothing asks for the flow any more.

    """

    delivery: Delivery
    before: Decision | None
    after: Decision | None

    @property
    def is_broken(self) -> bool:
        """Whether something does not arrive that did, or that is new and refused.

        A flow of a service that is gone counts too. What a role did that is gone, or one of a
        resource's own account, does not: nobody waits for it.
        """
        if self.after is None:
            return self.delivery.caller.kind is Kind.SERVICE
        return self.after.is_denied

    @property
    def became_unproven(self) -> bool:
        """Whether it can no longer be decided whether it arrives."""
        return self.after is not None and self.after.is_undecided

    @property
    def is_mended(self) -> bool:
        """Whether it arrives, and did not or could not be proven to."""
        return self.after is not None and self.after.is_allowed


@dataclass(frozen=True)
class ControlChange:
    """A control with another verdict; None on the side that does not have the control."""

    ids: tuple[str, ...]
    title: str
    resource: str
    before: Status | None
    after: Status | None


@dataclass(frozen=True)
class Change:
    """Everything that differs between two reports.

    Args:
        old: the report before.
        new: the report after.
        accesses: the accesses that are decided otherwise, or that only one side has.
        deliveries: the deliveries that are decided otherwise, or that are gone.
        kept: what is kept, recorded or guarded otherwise, beside what policies decide.
        others: what differs further and is not judged; known for two files of one kind.
        controls: the controls with another verdict.
        new_findings: the findings that only the new report has.
        gone_findings: the findings that only the old report has.
        note: what could not be compared, in a sentence; empty if everything could.

    """

    old: Report
    new: Report
    accesses: tuple[Access, ...]
    deliveries: tuple[DeliveryChange, ...]
    kept: tuple[Kept, ...]
    others: tuple[str, ...]
    controls: tuple[ControlChange, ...]
    new_findings: tuple[Finding, ...]
    gone_findings: tuple[Finding, ...]
    note: str = ""

    def of(self, wanted: Outcome) -> list[Access]:
        """Return the accesses with an outcome."""
        return [each for each in self.accesses if each.outcome is wanted]

    @property
    def is_nothing(self) -> bool:
        """Whether nothing changed."""
        return not (
            self.accesses
            or self.deliveries
            or self.kept
            or self.others
            or self.controls
            or self.new_findings
            or self.gone_findings
            or self.note
        )

    @property
    def lost(self) -> list[Kept]:
        """What is kept, recorded or guarded less than before."""
        return [each for each in self.kept if each.amount is Amount.LESS]

    @property
    def became_unproven(self) -> bool:
        """Whether something could be decided before, and cannot any more."""
        return bool(
            self.of(Outcome.UNPROVEN)
            or any(each.became_unproven for each in self.deliveries)
            or any(each.after is Status.UNPROVEN for each in self.controls)
            or self.note
        )


def compare(old: Report, new: Report) -> Change:
    """Return what changed from one report to another.

    Args:
        old: the report before.
        new: the report after; it may be of another kind of file.

    Raises:
        OrgtrailError: settings of a file break rules, so that nothing is known of its access.

    """
    before, after = _proof(old), _proof(new)
    both_known = bool(old.access) == bool(new.access)
    missing = new if old.access else old
    note = "" if both_known else (
        f"{missing.path} has no trail with an archive: of access to it nothing can be proven there."
    )  # fmt: skip
    found = accesses(old, before, new, after) if both_known else ()
    is_same_kind = (old.loaded is None) == (new.loaded is None)
    return Change(
        old,
        new,
        tuple(found),
        tuple(_deliveries(before.deliveries, after.deliveries)),
        tuple(kept(before.asker.model, after.asker.model, before.intent, after.intent)),
        tuple(others(before.asker.model, after.asker.model)) if is_same_kind else (),
        tuple(_controls(old, new)),
        tuple(_only(new.findings, old.findings, by_place=is_same_kind)),
        tuple(_only(old.findings, new.findings, by_place=is_same_kind)),
        note,
    )


def _proof(report: Report) -> Proof:
    if report.proof is None:
        faults = "\n".join(f"  {each.message}" for each in report.findings)
        raise OrgtrailError(
            f"{report.path}: its settings break rules, so nothing can be compared:\n{faults}"
        )
    return report.proof


def _deliveries(before: Iterable[Decided], after: Iterable[Decided]) -> Iterator[DeliveryChange]:
    """Yield what arrives no longer, and what does again; a flow that is new and works is neither.

    A flow is gone if nobody asks for any request of it; a single request of a flow may change
    with the account that stands for all members.
    """
    was, now = _by_request(before), _by_request(after)
    flows = {_flow(each) for each, _ in now.values()}
    for key in dict.fromkeys((*was, *now)):
        old, new = was.get(key), now.get(key)
        if new is None:
            assert old
            if old[1].is_allowed and _flow(old[0]) not in flows:
                yield DeliveryChange(old[0], old[1], None)
        elif outcome(old and old[1]) != outcome(new[1]) and (old or not new[1].is_allowed):
            yield DeliveryChange(new[0], old and old[1], new[1])


def _by_request(decided: Iterable[Decided]) -> dict[tuple[str, ...], Decided]:
    """Return deliveries by who asks for what; of the same ones, the worst."""
    found: dict[tuple[str, ...], Decided] = {}
    for each, decision in decided:
        key = (*_flow(each), each.action, each.resource)
        if key not in found or found[key][1].is_allowed:
            found[key] = (each, decision)
    return found


def _flow(delivery: Delivery) -> tuple[str, str]:
    return delivery.who, delivery.lost


def _controls(old: Report, new: Report) -> Iterator[ControlChange]:
    was = {each.ids: each for each in old.controls}
    now = {each.ids: each for each in new.controls}
    for ids in dict.fromkeys((*was, *now)):
        before, after = was.get(ids), now.get(ids)
        one = after or before
        assert one
        was_met, is_met = (each.verdict if each else None for each in (before, after))
        if was_met != is_met:
            yield ControlChange(ids, one.title, one.resource, was_met, is_met)


def _only(
    these: Iterable[Finding], others: Iterable[Finding], *, by_place: bool
) -> Iterator[Finding]:
    """Yield the findings that others do not have.

    An environment file and a stack name the same place differently; of one of each, the rule and
    the message decide, and advice on settings is left out, which a stack never has.
    """

    def key(finding: Finding) -> tuple[str, ...]:
        said = _LINES.sub("", finding.message)
        return (finding.rule, said, finding.setting) if by_place else (finding.rule, said)

    known = {key(each) for each in others}
    for each in these:
        is_advice = each.rule == "settings" and each.severity is Severity.LOW
        if key(each) not in known and (by_place or not is_advice):
            yield each
