"""The contexts of a request: each condition that is changed is met once, and failed once."""

from __future__ import annotations

from collections.abc import Iterator

from tests.conftest import Json
from tests.mutants.callers import CALLER_KEYS, Caller
from tests.mutants.patterns import example, listed, meets
from tests.mutants.world import STRANGER, STRANGERS_ORGANIZATION, World

Context = dict[str, str | list[str]]
_DERIVED = (*CALLER_KEYS, "kms:ResourceAliases", "aws:SourceOrgID")
_SOURCE = ("aws:SourceArn", "aws:SourceAccount")
UNRELATED_ALIAS = "alias/unrelated"


def contexts(
    caller: Caller,
    resource: str,
    frames: list[list[Json]],
    denials: list[Json],
    changed: list[Json],
    world: World,
) -> Iterator[Context]:
    """Yield contexts in which the changed statements may decide.

    Args:
        caller: who asks.
        resource: the ARN that is asked for.
        frames: statements that allow the same together, and whose conditions so are met.
        denials: statements that deny the same, one of whose conditions so is failed.
        changed: the statement before and after, as far as there is one.
        world: the stack.

    """
    base: Context = {**caller.keys(world), **_usual(resource, world)}
    for each in denials:
        base.update(_escaping(each, caller, world))
    for frame in frames:
        framed = base
        for each in frame:
            framed = _met(framed, each, caller, world)
        for each in reversed(changed):
            met = _met(framed, each, caller, world)
            yield from _sourced(met, caller, world)
            for key, values in _variants(changed, caller, world):
                for value in values:
                    other = {name: given for name, given in met.items() if name != key}
                    if value is not None:
                        other[key] = value
                    yield from _sourced(other, caller, world, moved=key)


def _escaping(denial: Json, caller: Caller, world: World) -> Context:
    """Return a key that fails one of a denial's conditions, if the request can choose it."""
    for operator, key, values in _pairs(denial):
        value = _failing(operator, key, values, caller, world)[0]
        if key not in _SOURCE and value is not None:
            return {key: value}
    return {}


def _usual(resource: str, world: World) -> Context:
    usual: Context = {"aws:SecureTransport": "true", "aws:ViaAWSService": "false"}
    if resource.startswith("arn:aws:s3:"):
        usual["s3:x-amz-acl"] = "bucket-owner-full-control"
        usual["s3:x-amz-server-side-encryption"] = "aws:kms"
    if ":kms:" in resource and ":key/" in resource:
        usual["kms:ResourceAliases"] = world.aliases.get(resource, [UNRELATED_ALIAS])
    return usual


def _split(operator: str) -> tuple[str, bool]:
    """Return an operator without sets and `IfExists`, and whether it is a negated one."""
    base = operator.rpartition(":")[2].removesuffix("IfExists")
    return base, "Not" in base


def _pairs(statement: Json) -> Iterator[tuple[str, str, list[str]]]:
    for operator, keys in statement.get("Condition", {}).items():
        for key, given in keys.items():
            if key not in _DERIVED:
                yield operator, key, listed(given)


def _met(context: Context, statement: Json, caller: Caller, world: World) -> Context:
    """Return a context that meets a statement's conditions; what meets them already stays."""
    met = dict(context)
    for operator, key, values in _pairs(statement):
        if not _meets(operator, values, met.get(key), caller):
            met.pop(key, None)
            if (value := _meeting(operator, key, values, caller, world)[0]) is not None:
                met[key] = value
    return met


def _meets(operator: str, values: list[str], given: str | list[str] | None, caller: Caller) -> bool:
    base, negated = _split(operator)
    if base == "Null":
        return (given is None) == (values == ["true"])
    if not isinstance(given, str):
        return False
    patterns = [each.replace("${aws:PrincipalAccount}", caller.account) for each in values]
    return any(meets(each, given) for each in patterns) != negated


def _meeting(
    operator: str, key: str, values: list[str], caller: Caller, world: World
) -> list[str | None]:
    base, negated = _split(operator)
    if base == "Null":
        present = world.trail if "cloudtrail" in key else "x"
        return [present if values == ["false"] else None]
    if negated:
        return ["other"]
    return [example(each, caller.account) for each in values]


def _failing(
    operator: str, key: str, values: list[str], caller: Caller, world: World
) -> list[str | None]:
    base, negated = _split(operator)
    if base == "Null":
        return _meeting(operator, key, ["true" if values == ["false"] else "false"], caller, world)
    if base == "Bool":
        return ["false" if values == ["true"] else "true", None]
    if negated:
        return [example(each, caller.account) for each in values]
    return [*(_other(each, world) for each in values[:1]), None]


def _other(pattern: str, world: World) -> str:
    """Return a text near a pattern that it does not mean."""
    if "${aws:PrincipalAccount}" in pattern:
        return example(pattern, world.members[-1])
    parts = pattern.split(":")
    if pattern.startswith("arn:") and parts[4].isdigit():
        return example(pattern, "").replace(f":{parts[4]}:", f":{STRANGER}:", 1)
    if pattern.startswith("arn:aws:s3:::"):
        return "arn:aws:s3:::elsewhere/file"
    return "other"


def _variants(
    changed: list[Json], caller: Caller, world: World
) -> Iterator[tuple[str, list[str | None]]]:
    """Yield each key whose condition changes, with values that meet it and that fail it."""
    conditions = [{(one, key): values for one, key, values in _pairs(each)} for each in changed]
    if len(conditions) < 2:
        return
    before, after = conditions
    for operator, key in dict.fromkeys((*before, *after)):
        if before.get((operator, key)) != after.get((operator, key)):
            values = [*before.get((operator, key), ()), *after.get((operator, key), ())]
            yield (
                key,
                [
                    *_meeting(operator, key, values, caller, world),
                    *_failing(operator, key, values, caller, world),
                ],
            )


def _sourced(context: Context, caller: Caller, world: World, moved: str = "") -> Iterator[Context]:
    """Yield a context with sources as AWS gives them: the ARN and the account are of one owner.

    Only services act for a source. A call for a stranger's source is tried each time.
    """
    if not caller.is_service:
        yield {key: given for key, given in context.items() if key not in _SOURCE}
        return
    arn, account = (str(context.get(each, "")) for each in _SOURCE)
    owner = world.owner(arn) if arn.startswith("arn:") else ""
    strangers = arn.replace(f":{owner}:", f":{STRANGER}:") if owner else arn
    if moved == "aws:SourceAccount" and account and account != owner:
        yield _with_source(context, strangers, account, world)
    else:
        yield _with_source(context, arn, owner or account, world)
    if not moved:
        yield _with_source(context, strangers, STRANGER, world)
        yield _with_source(context, "", "", world)
        if owner and not arn.startswith("arn:aws:s3:::"):
            yield _with_source(context, f"{arn}-other", owner, world)


def _with_source(context: Context, arn: str, account: str, world: World) -> Context:
    result = {key: given for key, given in context.items() if key not in _SOURCE}
    if arn:
        result["aws:SourceArn"] = arn
    if account:
        ours = account in world.accounts.values()
        result["aws:SourceAccount"] = account
        result["aws:SourceOrgID"] = world.organization if ours else STRANGERS_ORGANIZATION
    return result
