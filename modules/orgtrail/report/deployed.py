"""The section of what is deployed and where: as the file declares it, as the doctor found it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from orgtrail import naming
from orgtrail.doctor import examined
from orgtrail.doctor.asking import Aws, Clients
from orgtrail.doctor.outcome import Outcome, State, verdict
from orgtrail.report.asking import Asked, Json, Unchecked
from orgtrail.report.questions import recorded_data
from orgtrail.settings.environment import Environment
from orgtrail.trail import build
from orgtrail.trail.resource import Resource

_KINDS = {
    "aws_cloudtrail": ("Organization trail", "name"),
    "aws_s3_bucket": ("Bucket", "bucket"),
    "aws_kms_alias": ("Key", "name"),
    "aws_organizations_policy": ("Control policy", "name"),
    "aws_cloudwatch_log_group": ("Log group", "name"),
    "aws_glue_catalog_table": ("Table", "name"),
    "aws_athena_workgroup": ("Workgroup", "name"),
    "aws_iam_role": ("Role", "name"),
}
"""The kinds that an auditor asks about, with the attribute that names one."""
_ORDER = (
    "key", "archive", "archive_access_logs", "catalog_results", "guardduty_findings",
    "guardduty_key_alias", "trail_topic_key_alias", "trail", "delivery_log_group", "delivery_role",
    "guardrails", "catalog_table", "catalog_workgroup", "catalog_compaction", "verification",
    "auditor", "siem_reader", "alarms_key_alias", "alarms_chat", "siem_key_alias",
)  # fmt: skip
"""The names of those in the stack, or how they begin: what keeps the evidence comes first."""


def deployed(asked: Asked, outcomes: list[Outcome] | None) -> Json:
    """Return the section; outcomes are None where the live accounts were not asked."""
    env = asked.env
    return {
        "live": outcomes is not None,
        "verdict": verdict(outcomes) if outcomes is not None else "",
        "accounts": [
            {"id": each.id, "name": name, "role": _role(name)}
            for name, each in env.accounts.items()
        ],
        "parts": _parts(env),
        "facts": _facts(env),
        "checks": [each.told() for each in outcomes or ()],
        "repeat": f"orgtrail doctor {asked.file}{asked.access}",
    }


def asked_live(asked: Asked, tell: Callable[[str], None]) -> list[Outcome] | None:
    """Have the doctor look at the live accounts, unless a copy of the logs stands for them."""
    if asked.logs:
        return None
    aws = Aws(asked.env, Clients(asked.env, asked.role, asked.profile).call)
    return examined(asked.env, lambda each: tell(f"{each.check} checked"), aws)


def not_asked(outcomes: list[Outcome] | None) -> list[Unchecked]:
    """Return what is not known of the deployment."""
    if outcomes is None:
        why = "the report was made from a copy of the logs (--logs): what runs was not asked"
        return [Unchecked("deployed", "that the deployment is as the file declares it", why)]
    reasons: dict[str, list[str]] = {}
    for each in outcomes:
        if each.state is State.UNCHECKED:
            reasons.setdefault(each.reason, []).append(f"{each.check} of {each.subject.account}")
    return [
        Unchecked("deployed", ", ".join(dict.fromkeys(names)), why)
        for why, names in reasons.items()
    ]


def _parts(env: Environment) -> list[Json]:
    named = (each for each in build(env).resources if each.kind in _KINDS)
    found = []
    for resource in sorted(named, key=_rank):
        what, attribute = _KINDS[resource.kind]
        found.append(
            {
                "what": what,
                "name": resource.text(attribute),
                "account": resource.provider.account,
                "region": resource.region,
            }
        )
    return found


def _rank(resource: Resource) -> int:
    name = resource.address.rpartition(".")[2]
    exact = (place for place, each in enumerate(_ORDER) if name == each)
    begun = (place for place, each in enumerate(_ORDER) if name.startswith(each))
    return next(chain(exact, begun))


def _facts(env: Environment) -> list[Json]:
    """Return what an auditor reads first, in words."""
    archive, keep = env.archive, env.archive.expire_after_days
    lock = archive.object_lock
    facts = {
        "Trail": naming.trail_arn(env),
        "Records": _records(env),
        "Archive": f"s3://{archive.bucket}/{env.organization_prefix}",
        "Kept": f"{keep:,} days" if keep else "for ever",
        "Lock": f"{lock.mode}, {lock.days:,} days" if lock else "none",
        "Encryption": env.adopt.referenced_key or f"KMS, {env.key.alias}",
        "Guardrails": f"service control policy on {', '.join(env.policy_targets)}"
        if env.policy_targets
        else "none",
        "Streamed to": env.delivery.log_group if env.delivery.enabled else "nothing",
        "Searched by": f"Athena, {env.catalog.database}.{env.catalog.table}",
    }
    return [{"fact": name, "value": value} for name, value in facts.items()]


def _records(env: Environment) -> str:
    """Say in words what is recorded beside management events."""
    data = recorded_data(env)
    more = [data] if data else []
    if env.recording and env.recording.archive_access:
        more.append("every access to the archive")
    if env.trail.insights:
        more.append("Insights")
    where = "in every region" if env.trail.multi_region else "in its home region"
    return " and ".join([f"management events of every account, {where}", *more])


def _role(name: str) -> str:
    return {"management": "owns the trail", "logging": "keeps the evidence"}.get(name, "recorded")
