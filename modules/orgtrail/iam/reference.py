"""Which actions and condition keys AWS has, as of `DATE`: the Service Authorization Reference.

https://docs.aws.amazon.com/service-authorization/latest/reference/

`make reference` writes the data, `reference.json`, with one line for each service. A call reads
only the lines of the services that it is asked about.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from orgtrail.iam.patterns import like

_TEXT = Path(__file__).with_name("reference.json").read_text(encoding="utf-8")
_CLAIMS = ("amr", "aud", "email", "oaud", "sub")
"""What a policy may ask of any OIDC provider.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html"""


class Level(StrEnum):
    """The access level of an action, as AWS classifies it."""

    LIST = "List"
    READ = "Read"
    WRITE = "Write"
    PERMISSIONS = "Permissions management"
    TAGGING = "Tagging"


@dataclass(frozen=True, slots=True)
class Action:
    """An action of AWS.

    Args:
        name: as AWS writes it, such as `s3:GetObject`.
        level: its access level.
        resources: ARN patterns of the resource types that a statement can name for it, with `*`
            for each variable; empty if it is about `*` alone.
        condition_keys: the keys that it or its resources have, with `*` for each variable, such
            as `aws:ResourceTag/*`; not the global keys that every request has.

    """

    name: str
    level: Level
    resources: tuple[str, ...]
    condition_keys: tuple[str, ...]


def action(name: str) -> Action | None:
    """Return an action by its name in any case; None if AWS had no such action on `DATE`."""
    prefix, _, rest = name.lower().partition(":")
    return _actions(prefix).get(rest)


def matching(pattern: str) -> tuple[Action, ...]:
    """Return all actions that a pattern of a policy covers, such as `s3:Get*`.

    `*` returns the actions of all services, 22,000, after a tenth of a second.
    """
    if pattern == "*":
        pattern = "*:*"
    prefix, _, name = pattern.partition(":")
    prefix, name = prefix.lower(), name.lower()
    is_one = not {"*", "?"} & set(prefix)
    found = [prefix] if is_one else [one for one in services() if like(prefix, one)]
    return tuple(each for one in found for key, each in _actions(one).items() if like(name, key))


@cache
def services() -> tuple[str, ...]:
    """Return the prefixes of all services, such as `s3`."""
    names = (line[1:].partition('"')[0] for line in _TEXT.splitlines() if line[0] == '"')
    return tuple(name for name in names if name)


def has_service(prefix: str) -> bool:
    """Return whether AWS had a service with this prefix, in any case, on `DATE`."""
    return bool(_service(prefix.lower()))


def is_condition_key(key: str, service: str | None = None) -> bool:
    """Return whether AWS has a condition key.

    Global keys and those of identity providers, such as `saml:aud`, count for every service. Of an
    OIDC provider that AWS does not list, every claim counts, because AWS adds providers.

    Args:
        key: the key in any case, such as `kms:EncryptionContext:aws:s3:arn`.
        service: the prefix of the service that must have it; by default, any service may.

    """
    key = key.lower()
    prefix, _, name = key.partition(":")
    if not name:
        return False
    if _meets_any(key, _GLOBAL_KEYS) or _is_of_provider(prefix, name, key):
        return True
    if service is not None:
        return _meets_any(key, _service(service.lower()).get("keys", ()))
    return _meets_any(key, condition_keys(prefix))


def condition_keys(prefix: str) -> tuple[str, ...]:
    """Return the global keys and the keys with a prefix, with `*` for each variable."""
    prefix = prefix.lower()
    own = _service(prefix).get("keys", ())
    return tuple(dict.fromkeys((*_GLOBAL_KEYS, *own, *_SHARED_KEYS.get(prefix, ()))))


def _is_of_provider(prefix: str, name: str, key: str) -> bool:
    """Return whether a key is one of SAML's or of an OIDC provider, whose prefix is a host."""
    if prefix == "saml":
        return _meets_any(key, _SHARED_KEYS[prefix])
    if "." not in prefix:
        return False
    listed = [keys for host, keys in _SHARED_KEYS.items() if _meets(host, prefix)]
    return name in _CLAIMS or not listed or any(_meets_any(key, keys) for keys in listed)


def _meets_any(key: str, templates: Iterable[str]) -> bool:
    return any(_meets(each.lower(), key) for each in templates)


def _meets(template: str, key: str) -> bool:
    """Return whether a key is a template with something in the place of each `*`."""
    head, wildcard, _ = template.partition("*")
    if not wildcard:
        return template == key
    return key.startswith(head) and like(template.replace("*", "?*"), key)


@cache
def _actions(prefix: str) -> Mapping[str, Action]:
    """Return the actions of a service by their name in lower case; none if it has no service."""
    return {each.name.partition(":")[2].lower(): each for each in _parsed(prefix)}


def _parsed(prefix: str) -> Iterator[Action]:
    service = _service(prefix)
    if not service:
        return
    levels = {each[0]: each for each in Level}
    keys, arns = service["keys"], service["arns"]
    key_sets = [tuple(keys[n] for n in numbers) for numbers in service["key_sets"]]
    for name, (level, key_set, *numbers) in service["actions"].items():
        resources = tuple(arns[n] for n in numbers)
        yield Action(f"{prefix}:{name}", levels[level], resources, key_sets[key_set])


@cache
def _service(prefix: str) -> dict[str, Any]:
    """Return the data of a service; empty if there is none with this prefix."""
    return _line(prefix) if prefix else {}


def _line(name: str) -> dict[str, Any]:
    """Return a line of the file; empty if it has none of this name. The one without is the source.

    The lines of ten services are read in 4 ms, the whole file in 22 ms.
    """
    start = f"\n{json.dumps(name)}:"
    at = _TEXT.find(start)
    if at < 0:
        return {}
    end = _TEXT.index("\n", at + 1)
    content: dict[str, Any] = json.loads(_TEXT[at + len(start) : end].rstrip(","))
    return content


_SOURCE = _line("")
DATE: str = _SOURCE["date"]
"""The day of the data, such as `2026-09-26`."""
_GLOBAL_KEYS: list[str] = _SOURCE["global_keys"]
_SHARED_KEYS: dict[str, list[str]] = _SOURCE["shared_keys"]
"""Keys of services with another prefix, by their prefix in lower case."""
