"""Makes the mutants: every policy of a stack, each with one thing changed."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass

from tests.conftest import Json
from tests.mutants.patterns import listed
from tests.mutants.world import STRANGER, Document, World

WITH_PRINCIPALS = ("bucket", "key", "topic", "queue", "trust")
SERVICES = {"bucket": "s3", "key": "kms", "topic": "sns", "queue": "sqs", "trust": "sts"}
_READS = {
    "bucket": ("s3:GetObject", "s3:GetObjectVersion"),
    "key": ("kms:Decrypt",),
    "topic": ("sns:Subscribe",),
    "queue": ("sqs:ReceiveMessage",),
}
_WRITES = {"bucket": "s3:PutObject", "key": "kms:GenerateDataKey", "topic": "sns:Publish",
           "queue": "sqs:SendMessage"}  # fmt: skip
_LIKE = {
    "StringEquals": "StringLike",
    "StringNotEquals": "StringNotLike",
    "ArnEquals": "ArnLike",
    "ArnNotEquals": "ArnNotLike",
}


@dataclass(frozen=True)
class Mutant:
    """A policy with one thing changed.

    Args:
        name: what is changed, in the same words each time.
        address: the address of the policy's resource.
        document: the changed policy; None if its last statement is dropped, and so the resource.
        before: the statement that changes, if it was there before.
        after: the same statement as it is then, if it still is.

    """

    name: str
    address: str
    document: Json | None
    before: Json | None
    after: Json | None


def mutants(world: World) -> list[Mutant]:
    """Return every mutant of a stack that is neither the original nor the same as another."""
    found = []
    for document in world.documents.values():
        seen = {_key(document.content)}
        for each in _of_document(document, world):
            if (key := _key(each.document)) not in seen:
                seen.add(key)
                found.append(each)
    return found


def _key(document: Json | None) -> str:
    return json.dumps(document, sort_keys=True)


def _of_document(document: Document, world: World) -> Iterator[Mutant]:
    statements: list[Json] = document.content["Statement"]
    for index, statement in enumerate(statements):
        label = statement.get("Sid", f"#{index}")
        for what, after in _of_statement(statement, document, world):
            changed = [*statements[:index], *([after] if after else []), *statements[index + 1 :]]
            if not changed and document.kind in ("key", "trust"):
                continue  # AWS does not take these without a policy
            yield Mutant(
                f"{document.address} {label} {what}",
                document.address,
                {**document.content, "Statement": changed} if changed else None,
                statement,
                after,
            )
    for what, statement in _additions(document, world):
        added = {"Sid": "Mutant", **statement}
        yield Mutant(
            f"{document.address} add {what}",
            document.address,
            {**document.content, "Statement": [*statements, added]},
            None,
            added,
        )


def _of_statement(
    statement: Json, document: Document, world: World
) -> Iterator[tuple[str, Json | None]]:
    yield "drop statement", None
    yield from _without_one(statement, "Action", "action")
    yield from _without_one(statement, "Resource", "resource")
    yield from _wider_actions(statement, document)
    yield from _wider_resources(statement, document)
    yield from _conditions(statement)
    if document.kind in WITH_PRINCIPALS:
        yield from _principals(statement, world)
    yield from _exemption(statement, world)


def _without_one(statement: Json, element: str, word: str) -> Iterator[tuple[str, Json]]:
    values = listed(statement.get(element, []))
    if len(values) > 1:
        for each in values:
            rest = [other for other in values if other != each]
            yield f"drop {word} {each}", {**statement, element: rest}


def _replaced(values: list[str], old: str, new: list[str]) -> list[str]:
    return [*dict.fromkeys(each for value in values for each in (new if value == old else [value]))]


def _wider_actions(statement: Json, document: Document) -> Iterator[tuple[str, Json]]:
    actions = listed(statement["Action"])
    for each in actions:
        wide = f"{each.split(':')[0]}:*"
        if each != wide:
            changed = {**statement, "Action": _replaced(actions, each, [wide])}
            yield f"widen action {each} to {wide}", changed
    if document.kind == "role":
        yield "widen all actions to *", {**statement, "Action": "*"}


def _wider_resources(statement: Json, document: Document) -> Iterator[tuple[str, Json]]:
    resources = listed(statement.get("Resource", []))
    # A bucket's policy may only name the bucket and what is in it.
    everything = [document.about, f"{document.about}/*"] if document.kind == "bucket" else ["*"]
    for each in resources:
        if each in everything[-1:]:
            continue
        changed = {**statement, "Resource": _replaced(resources, each, everything)}
        yield f"widen resource {each} to everything", changed
        folders = each.split("/")
        if folders[-1].endswith("*") and len(folders) > 2:
            for higher in ("/".join([*folders[:-2], "*"]), f"{folders[0]}/*"):
                changed = {**statement, "Resource": _replaced(resources, each, [higher])}
                yield f"widen resource {each} to {higher}", changed


def _conditions(statement: Json) -> Iterator[tuple[str, Json]]:
    for operator, keys in statement.get("Condition", {}).items():
        for key, given in keys.items():
            values = listed(given)
            words = f"{operator} {key}"
            yield f"drop condition {words}", _with(statement, operator, key, None, operator)
            for each in values:
                if len(values) > 1:
                    rest = [other for other in values if other != each]
                    changed = _with(statement, operator, key, rest, operator)
                    yield f"drop value {words} {each}", changed
                if each in ("true", "false"):
                    turned = "false" if each == "true" else "true"
                    changed = _with(statement, operator, key, turned, operator)
                    yield f"turn value {words} to {turned}", changed
                elif each != "*":
                    like = _like(operator)
                    if like != operator and key in statement["Condition"].get(like, {}):
                        continue
                    changed = _with(statement, operator, key, _replaced(values, each, ["*"]), like)
                    yield f"widen value {words} {each} to *", changed


def _like(operator: str) -> str:
    """Return the form of an operator that takes patterns: `IfExists` and sets stay."""
    sets, _, rest = operator.rpartition(":")
    optional = "IfExists" if rest.endswith("IfExists") else ""
    base = rest.removesuffix("IfExists")
    return (f"{sets}:" if sets else "") + _LIKE.get(base, base) + optional


def _with(statement: Json, operator: str, key: str, values: object, target: str) -> Json:
    """Return a statement whose condition on a key has other values, or is gone."""
    changed = copy.deepcopy(statement)
    del changed["Condition"][operator][key]
    if not changed["Condition"][operator]:
        del changed["Condition"][operator]
    if values is not None:
        changed["Condition"].setdefault(target, {})[key] = values
    if not changed["Condition"]:
        del changed["Condition"]
    return changed


def _principals(statement: Json, world: World) -> Iterator[tuple[str, Json]]:
    principal = statement.get("Principal")
    if principal is None or principal == "*":
        return
    pairs = [(kind, each) for kind, given in principal.items() for each in listed(given)]
    for kind, each in pairs:
        rest = [pair for pair in pairs if pair != (kind, each)]
        if rest:
            yield f"drop principal {each}", {**statement, "Principal": _grouped(rest)}
        if (kind, each) != ("AWS", "*"):
            yield f"widen principal {each} to *", {**statement, "Principal": {"AWS": "*"}}
    if statement["Effect"] == "Allow" and ("AWS", "*") not in pairs:
        for arn in (f"arn:aws:iam::{STRANGER}:root", f"arn:aws:iam::{world.members[0]}:role/dev"):
            changed = {**statement, "Principal": _grouped([*pairs, ("AWS", arn)])}
            yield f"add principal {arn}", changed


def _grouped(pairs: list[tuple[str, str]]) -> Json:
    grouped: dict[str, list[str]] = {}
    for kind, each in pairs:
        grouped.setdefault(kind, []).append(each)
    return {kind: each if len(each) > 1 else each[0] for kind, each in grouped.items()}


def _exemption(statement: Json, world: World) -> Iterator[tuple[str, Json]]:
    for operator, keys in statement.get("Condition", {}).items():
        if statement["Effect"] == "Deny" and operator in ("ArnNotLike", "ArnNotEquals"):
            arn = f"arn:aws:iam::{world.logging}:role/dev"
            if given := keys.get("aws:PrincipalArn"):
                values = [*listed(given), arn]
                changed = _with(statement, operator, "aws:PrincipalArn", values, operator)
                yield f"exempt {arn}", changed


def _additions(document: Document, world: World) -> Iterator[tuple[str, Json]]:
    yield "a denial of everything", _denial(document.kind)
    if document.kind == "role":
        allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        yield "an administrator", allowed
    elif document.kind == "trust":
        yield from _trusts(document)
    elif document.kind in _READS:
        yield from _grants(document, world)


def _denial(kind: str) -> Json:
    denial: Json = {"Effect": "Deny", "Action": "*"}
    if kind == "rcp":
        # AWS: an RCP cannot use `*` alone for its actions.
        denial["Action"] = ["s3:*", "kms:*", "sts:*", "sqs:*", "secretsmanager:*"]
    elif kind in SERVICES:
        denial["Action"] = f"{SERVICES[kind]}:*"
    if kind != "trust":
        denial["Resource"] = "*"
    if kind in (*WITH_PRINCIPALS, "rcp"):
        denial["Principal"] = "*"
    return denial


def _trusts(document: Document) -> Iterator[tuple[str, Json]]:
    outsider = {"AWS": f"arn:aws:iam::{STRANGER}:root"}
    yield "trust in an outsider", {
        "Effect": "Allow", "Principal": outsider, "Action": "sts:AssumeRole",
    }  # fmt: skip
    provider = "oidc-provider/token.actions.githubusercontent.com"
    yield (
        "trust in every workflow of GitHub",
        {
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:aws:iam::{document.account}:{provider}"},
            "Action": "sts:AssumeRoleWithWebIdentity",
        },
    )


def _grants(document: Document, world: World) -> Iterator[tuple[str, Json]]:
    kind, service = document.kind, SERVICES[document.kind]
    whole: str | list[str] = document.about
    content: str | list[str] = document.about
    if kind == "bucket":
        whole = [document.about, f"{document.about}/*"]
        content = f"{document.about}/*"
        if document.about == world.archive:
            logs = f"{world.log_folder}/{world.organization}/{world.members[0]}/*"
            content = f"{document.about}/{logs}"
    elif kind == "key":
        whole = content = "*"

    def allow(principal: object, action: str, resource: object, **condition: object) -> Json:
        result: Json = {
            "Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource,
        }  # fmt: skip
        return {**result, "Condition": condition} if condition else result

    outsider = {"AWS": f"arn:aws:iam::{STRANGER}:root"}
    yield "an outsider's everything", allow(outsider, f"{service}:*", whole)
    for read in _READS[kind]:
        yield f"an outsider's {read}", allow(outsider, read, content)
    read = _READS[kind][0]
    by_name = {"aws:PrincipalArn": "arn:aws:iam::*:role/reader"}
    yield f"everybody's {read} by a role's name", allow("*", read, content, ArnLike=by_name)
    by_account = {"aws:PrincipalAccount": "9*"}
    yield f"everybody's {read} by accounts of 9", allow("*", read, content, StringLike=by_account)
    if kind in ("key", "bucket"):
        member = {"AWS": f"arn:aws:iam::{world.members[0]}:root"}
        action = "kms:*" if kind == "key" else "s3:GetObject"
        where = "*" if kind == "key" else f"{document.about}/*"
        yield f"a member's {action}", allow(member, action, where)
    config = {"Service": "config.amazonaws.com"}
    target = "*" if kind == "key" else f"{document.about}/*" if kind == "bucket" else whole
    yield "a service without a source", allow(config, _WRITES[kind], target)
    any_account = {"aws:SourceAccount": "*"}
    sourced = allow(config, _WRITES[kind], target, StringLike=any_account)
    yield "a service with any source", sourced
