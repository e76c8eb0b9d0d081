"""Rules on statements that belong together: a gap in one of them is what the others do not have."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.check import actions
from orgtrail.check.exemptions import lone_exemptions
from orgtrail.check.findings import Violation
from orgtrail.check.model import AttachedPolicy, Model
from orgtrail.check.rules.policies import policy_violation
from orgtrail.iam.policy import Statement

_TABLES = {
    "cloudtrail": (actions.TRAIL_ACTIONS,),
    "logs": (actions.LOG_GROUP_ACTIONS,),
    "s3": (
        actions.BUCKET_ACTIONS,
        {**actions.DELETING_ACTIONS, "an old version": "DeleteObjectVersion",
         "its lock": "BypassGovernanceRetention"},
    ),
    "kms": ({**actions.KEY_ACTIONS, **actions.ALIAS_ACTIONS, **actions.IMPORTED_KEY_ACTIONS},
            {"grant": "CreateGrant", "rotation": "DisableKeyRotation"},
            actions.ALIAS_ACTIONS),
    "iam": (actions.ROLE_ACTIONS, actions.SIGN_IN_ACTIONS, actions.BOUNDARY_ACTIONS),
    "glue": ({**actions.CATALOG_ACTIONS, **actions.DATABASE_ACTIONS}, actions.SHARING_ACTIONS),
    "lakeformation": (actions.LAKE_ACTIONS,),
    "athena": (actions.WORKGROUP_ACTIONS,),
    "sns": (actions.TOPIC_ACTIONS,),
    "sqs": (actions.QUEUE_ACTIONS, actions.MESSAGE_ACTIONS),
    "codebuild": (actions.PROJECT_ACTIONS,),
    "scheduler": (actions.SCHEDULE_ACTIONS,),
    "organizations": ({"leave": "LeaveOrganization", "move": "AcceptHandshake"},),
    "account": ({"close": "CloseAccount", "region": "DisableRegion"},),
    **{service: (table,) for service, (_, table) in actions.DETECTION_ACTIONS.items()},
}  # fmt: skip
"""By service: the acts that a guard denies together."""

_PATTERNS = ("stringlike", "arnlike", "arnequals", "stringnotlike", "arnnotlike", "arnnotequals")


def gap_in_guard(model: Model) -> Iterator[Violation]:
    """A deny names all the acts of a kind: one left out does what the others were to prevent."""
    for policy, statement in model.statements:
        if statement.allows or statement.doubt or statement.all_actions_but:
            continue
        for service, tables in _TABLES.items():
            for table in tables:
                acts = {f"{service}:{name}" for name in table.values()}
                # Another deny of the policy may have the rest.
                held = {each for each in acts if _denies(policy, statement, each)}
                named = {each for each in acts if statement.is_about(each)}
                if not _is_most(len(named), len(acts)) or held == acts:
                    continue
                missing = ", ".join(sorted(acts - held))
                yield policy_violation(
                    policy,
                    f"{statement.label} denies {len(named)} of {len(acts)} acts of a kind, and "
                    f"leaves out {missing}, which does the same harm. Add it.",
                )


def _is_most(named: int, of: int) -> bool:
    """Return whether a statement names so many acts of a kind that the rest is a gap."""
    return named * 2 > of or (of == 2 and named == 1)


def _denies(policy: AttachedPolicy, statement: Statement, act: str) -> bool:
    """Return whether a policy denies an act on the resources of a statement."""
    wanted = set(statement.resources or ())
    return any(
        not each.allows and each.is_about(act)
        and (each is statement or _is_no_narrower(each, statement, wanted))
        for each in policy.policy.statements
    )  # fmt: skip


def _is_no_narrower(each: Statement, statement: Statement, wanted: set[str]) -> bool:
    """Return whether a statement denies on the same resources, under no further condition."""
    on_them = wanted <= set(each.resources or ())
    return on_them and set(each.conditions) <= set(statement.conditions)


def uneven_exemption(model: Model) -> Iterator[Violation]:
    """A role that one deny of many exempts, and no other, has a purpose that the stack shows."""
    for policy, statement, name in lone_exemptions(model):
        yield policy_violation(
            policy,
            f"{statement.label} exempts {name}, and no other statement does: it is "
            "neither a role of the stack nor one that deploys it. Take it out.",
        )


def condition_matches_all(model: Model) -> Iterator[Violation]:
    """A condition compares with a value: one with * holds for all, and guards nothing."""
    for policy, statement in model.statements:
        for each in statement.conditions:
            name = each.operator.lower().rpartition(":")[2].removesuffix("ifexists")
            if name in _PATTERNS and "*" in each.values and not statement.doubt:
                negated = "not" in name
                what = "never holds" if negated else "holds for every value"
                yield policy_violation(
                    policy,
                    f"{statement.label} has {each} with *, which {what}. Name the values, or "
                    "leave the condition out.",
                )
