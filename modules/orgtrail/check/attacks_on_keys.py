"""The attacks on KMS keys: the trail's, and those of its surroundings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from orgtrail.check import actions
from orgtrail.check.asking import key_arn
from orgtrail.check.attack import (
    Attack,
    Context,
    PrincipalTest,
    nobody,
)
from orgtrail.check.model import KmsKey
from orgtrail.check.principals import Principal
from orgtrail.iam.request import Kind, RequestContext
from orgtrail.trail.policy import CONTEXT


def on_keys(context: Context) -> Iterator[Attack]:
    """Yield the attacks on every key of the model."""
    yield from _on_key(context)
    yield from _on_other_keys(context)


def _on_key(context: Context) -> Iterator[Attack]:
    key = context.model.key
    if not key:
        return
    yield from _of_material(context, key, "the key")
    for title, action in actions.KEY_ACTIONS.items():
        yield _with_key(context, title, key, action, context.breaks_glass)
    for title, action in actions.ALIAS_ACTIONS.items():
        yield _with_key(context, title, key, action, context.breaks_glass, on_alias=True)
    administers, ours = context.administers_key, context.is_cloudtrail
    of_trail = {CONTEXT: context.trail.arn}
    through_s3 = {"kms:ViaService": f"s3.{key.region}.{context.domain()}"}
    for title, action, intended_for, request_context in (
        ("stop the key's rotation", "DisableKeyRotation", administers, {}),
        ("grant the use of the key", "CreateGrant", nobody, {}),
        ("decrypt a log file", "Decrypt", context.decrypts, {**of_trail, **through_s3}),
        ("decrypt without CloudTrail's context", "Decrypt", nobody, {}),
        ("decrypt through S3 what is no log file", "Decrypt", nobody, through_s3),
        ("encrypt a log file", "GenerateDataKey", ours, of_trail),
        ("encrypt without CloudTrail's context", "GenerateDataKey", nobody, {}),
    ):
        yield _with_key(context, title, key, action, intended_for, request_context)


def _on_other_keys(context: Context) -> Iterator[Attack]:
    """Yield the attacks on the other keys: those of the feed, of findings and of alarms."""
    for key in context.model.keys:
        if key is context.model.key or not key.alias:
            continue
        name = f"key {key.alias.removeprefix('alias/')}"
        owner = context.manages
        if key.account == context.model.logging:
            owner = context.administers_key
        elif key.account != context.model.management:
            continue
        tables = {**actions.KEY_ACTIONS, "stop the key's rotation": "DisableKeyRotation"}
        if key.account == context.model.logging:
            yield from _of_material(context, key, name)
            for title, action in actions.ALIAS_ACTIONS.items():
                named = title.replace("the key", name)
                yield _with_key(context, named, key, action, owner, on_alias=True)
        for title, action in tables.items():
            yield _with_key(context, title.replace("the key", name), key, action, owner)
        for title, action in (
            (f"grant the use of {name}", "CreateGrant"),
            (f"decrypt with {name} but through no service", "Decrypt"),
        ):
            attack = _with_key(context, title, key, action, nobody)
            yield replace(attack, applies_to=lambda who: who.caller.kind is not Kind.SERVICE)


def _of_material(context: Context, key: KmsKey, name: str) -> Iterator[Attack]:
    """Yield the attack on imported material; whoever administers a key may be allowed it or not."""

    def has_no_duty(who: Principal) -> bool:
        return not context.configures(who) and not context.breaks_glass(who)

    for title, action in actions.IMPORTED_KEY_ACTIONS.items():
        attack = _with_key(context, title.replace("the key", name), key, action, nobody)
        yield replace(attack, applies_to=has_no_duty)


def _with_key(
    context: Context,
    title: str,
    key: KmsKey,
    action: str,
    intended_for: PrincipalTest,
    request_context: RequestContext | None = None,
    *,
    on_alias: bool = False,
) -> Attack:
    """Return an attack on a key; one on its alias needs permission on both alias and key."""
    arns = [key_arn(context.model, key)]
    if on_alias:
        arns.insert(0, context.arn("kms", key.region, key.account, key.alias))
    return Attack(
        title,
        tuple((f"kms:{action}", arn) for arn in arns),
        key.account,
        intended_for,
        key.policy,
        {"kms:ResourceAliases": (key.alias,), **(request_context or {})},
    )
