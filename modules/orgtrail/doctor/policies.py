"""Compares live policies with the file's, and explains the usual mistakes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from difflib import unified_diff
from typing import Any

from orgtrail import naming
from orgtrail.iam.patterns import like
from orgtrail.settings.environment import Environment

Json = dict[str, Any]
Policy = str | Mapping[str, Any] | None
_DIFFERS = "the policy is not the file's"


def parsed(policy: str | Mapping[str, Any]) -> Json:
    """Parse a policy into a canonical form, since AWS writes the same policy in several ways.

    A single value becomes a list, and values are sorted.
    """
    read: Json = json.loads(policy) if isinstance(policy, str) else dict(policy)
    given = read.get("Statement", [])
    statements = [given] if isinstance(given, dict) else given
    return {
        "Version": read.get("Version", "2008-10-17"),
        "Statement": sorted(map(_normalized, statements), key=_sort_key),
    }


def difference(expected: str, actual: Policy) -> str:
    """Return how a live policy differs from the file's; empty if they are equivalent.

    Lines with `-` are missing from the live policy, lines with `+` are not in the file.
    """
    return line_diff(_lines(parsed(expected)), _lines(parsed(actual or {})))


def statements(policy: Policy) -> list[Json]:
    """Return the statements of a policy, all values in lists."""
    return list(parsed(policy or {})["Statement"])


def allowed_services(policy: Policy) -> set[str]:
    """Return the service principals in a policy's Allow statements."""
    return {
        name
        for each in statements(policy)
        if each.get("Effect") == "Allow" and isinstance(each.get("Principal"), dict)
        for name in each["Principal"].get("Service", ())
    }


def allow_statements(policy: Policy, action: str) -> Iterator[Json]:
    """Yield the statements that allow an action by its name or a pattern."""
    for each in statements(policy):
        names = each.get("Action", ())
        if each.get("Effect") == "Allow" and any(like(n.lower(), action.lower()) for n in names):
            yield each


def _normalized(value: Any, key: str = "") -> Any:
    match value:
        case dict():
            return {name: _normalized(each, name) for name, each in sorted(value.items())}
        case list():
            return sorted(map(_scalar, value))
        case _ if key in {"Sid", "Effect"}:
            return value
        case _:
            return [_scalar(value)]


def _scalar(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _sort_key(statement: Json) -> str:
    return str(statement.get("Sid", "")) + json.dumps(statement, sort_keys=True)


def _lines(policy: Json) -> list[str]:
    return json.dumps(policy, indent=2).splitlines()


def line_diff(expected: list[str], actual: list[str]) -> str:
    """Return how the live lines differ from the file's; empty if they are the same."""
    if expected == actual:
        return ""
    return "\n".join(unified_diff(expected, actual, "the file", "what runs", lineterm=""))


def bucket_mistakes(env: Environment, bucket: str, policy: Policy) -> str:
    """Describe what is wrong with a bucket's policy."""
    if not policy:
        return "the bucket has no policy"
    if bucket != env.archive.bucket:
        return _joined(_public_access(policy))
    return _joined(
        [*_delivery_mistakes(env, policy), *_service_denials(policy), *_public_access(policy)]
    )


def key_mistakes(env: Environment, alias: str, policy: Policy) -> str:
    """Describe what is wrong with a key's policy."""
    if alias != env.key.alias:
        return _joined(())
    return _joined(
        [
            *_encryption_mistakes(policy),
            *_service_denials(policy),
            *_decryption_mistakes(env, policy),
        ]
    )


def reader_mistakes(policy: Policy) -> str:
    """Describe what is wrong with the permissions of a role that reads log files."""
    reads = any(True for _ in allow_statements(policy, "s3:GetObject"))
    decrypts = any(True for _ in allow_statements(policy, "kms:Decrypt"))
    if reads and not decrypts:
        return _joined(["the role may read log files but not decrypt them (no kms:Decrypt), so "
                        "that every read is refused"])  # fmt: skip
    return _joined(())


def _delivery_mistakes(env: Environment, policy: Policy) -> Iterator[str]:
    """Yield the first reason why CloudTrail cannot write the organization's files."""
    if naming.CLOUDTRAIL not in allowed_services(policy):
        yield _wrong_principal(allowed_services(policy))
        return
    prefix = env.organization_prefix
    arn = naming.bucket_arn(env, env.archive.bucket, f"{prefix}{env.management.id}/CloudTrail/x")
    writes = list(allow_statements(policy, "s3:PutObject"))
    if not any(like(each, arn) for statement in writes for each in statement.get("Resource", ())):
        yield (
            f"CloudTrail may not write below the organization's prefix {prefix}: members' log "
            "files are refused"
        )
        return
    ours = [each for each in statements(policy) if naming.CLOUDTRAIL in _principals(each)]
    for source in _source_arns(ours):
        if not like(source, naming.trail_arn(env)):
            yield (
                f"aws:SourceArn is {source}, not the trail's {naming.trail_arn(env)}: an "
                "organization trail has the management account's id"
            )
            return
    yield from _organization_conditions(ours)


def _source_arns(ours: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the values of aws:SourceArn in CloudTrail's statements, with any operator."""
    for each in ours:
        for tests in each.get("Condition", {}).values():
            for key, values in tests.items():
                if key.lower() == "aws:sourcearn":
                    yield from values


def _organization_conditions(ours: list[dict[str, Any]]) -> Iterator[str]:
    keys = {key for each in ours if each.get("Effect") == "Allow" for key in _keys(each)}
    if wrong := sorted(keys & {"aws:principalorgid", "aws:principalorgpaths"}):
        yield (
            f"a condition on {', '.join(wrong)} refuses CloudTrail: a service's call has no "
            "principal of the organization; aws:SourceArn of the trail is what binds it "
            "(aws:SourceOrgID where the organization is to be named)"
        )


def _service_denials(policy: Policy) -> Iterator[str]:
    """Yield the first statement that denies callers outside the organization, services included."""
    for each in statements(policy):
        keys = _keys(each)
        if (
            each.get("Effect") == "Deny"
            and "aws:principalorgid" in keys
            and not keys & {"aws:principalisawsservice", "aws:principalservicename"}
        ):
            yield (
                f"statement {each.get('Sid') or '(without Sid)'} denies whoever has no "
                "aws:PrincipalOrgID, and CloudTrail's calls have none: exempt services "
                "(aws:PrincipalIsAWSService)"
            )
            return


def _keys(statement: dict[str, Any]) -> set[str]:
    return {key.lower() for tests in statement.get("Condition", {}).values() for key in tests}


def _encryption_mistakes(policy: Policy) -> Iterator[str]:
    named = {
        name
        for each in allow_statements(policy, "kms:GenerateDataKey")
        for name in _principals(each)
    }
    if naming.CLOUDTRAIL not in named:
        yield "CloudTrail may not encrypt with the key, so that no log file is delivered"
    yield from _organization_conditions(
        [each for each in statements(policy) if naming.CLOUDTRAIL in _principals(each)]
    )


def _decryption_mistakes(env: Environment, policy: Policy) -> Iterator[str]:
    root = naming.account_root(env, env.logging.id)
    readers = [
        each
        for each in allow_statements(policy, "kms:Decrypt")
        if isinstance(each.get("Principal"), dict)
        and {root, env.logging.id, "*"} & set(each["Principal"].get("AWS", ()))
        and not _is_for_one_service(each)
    ]
    if not readers:
        yield "who may read log files may not decrypt them: every read of one is refused"


def _is_for_one_service(statement: dict[str, Any]) -> bool:
    """Return whether a statement is limited to one service, like the one for query results."""
    return "kms:ViaService" in statement.get("Condition", {}).get("StringEquals", {})


def _public_access(policy: Policy) -> Iterator[str]:
    for each in statements(policy):
        who = each.get("Principal")
        everybody = who == ["*"] or (isinstance(who, dict) and "*" in who.get("AWS", ()))
        if each.get("Effect") == "Allow" and everybody and not each.get("Condition"):
            yield "everybody is allowed in"
            return


def _wrong_principal(named: set[str]) -> str:
    wrong = [each for each in sorted(named) if "cloudtrail" in each]
    if wrong:
        return (
            f"the service principal is {', '.join(wrong)}; CloudTrail's is {naming.CLOUDTRAIL}, "
            "and any other is refused"
        )
    return f"nothing is allowed to {naming.CLOUDTRAIL}, so that no log file is delivered"


def _principals(statement: dict[str, Any]) -> set[str]:
    who = statement.get("Principal")
    return set(who.get("Service", ())) if isinstance(who, dict) else set()


def _joined(causes: Iterable[str]) -> str:
    return "; ".join((_DIFFERS, *causes))
