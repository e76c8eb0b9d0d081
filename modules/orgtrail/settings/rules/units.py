"""Rules of organizational units: what accounts say of where they lie makes one tree."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.settings.faults import Fault
from orgtrail.settings.rules.register import rule
from orgtrail.settings.shape import Shape


@rule("accounts", "organization")
def _one_tree(environment: Shape) -> Iterator[Fault]:
    """Paths of units begin at the organization's root, and a unit lies in one place alone.

    A unit's id has that of its root in it.
    https://docs.aws.amazon.com/organizations/latest/APIReference/API_OrganizationalUnit.html
    """
    above: dict[str, tuple[str, str]] = {}
    for name, account in environment.accounts.items():
        if account.ou is None:
            continue
        here, units = ("accounts", name, "ou"), account.ou.split("/")
        root = environment.organization.root_id
        if units[0] != root:
            yield Fault(here, f"must begin with organization.root_id ({root})", account.ou)
            continue
        for place, unit in enumerate(units[1:], start=1):
            if not unit.startswith(f"ou-{root.removeprefix('r-')}-"):
                rule = f"must have units of the root {root} alone, whose ids have its own in them"
                yield Fault(here, f"{rule}; {unit} is of another", account.ou)
                break
            parent = units[place - 1]
            first, other = above.setdefault(unit, (name, parent))
            if parent != other:
                rule = f"must have {unit} below {other}, as accounts.{first}.ou has it"
                yield Fault(here, rule, account.ou)
                break
