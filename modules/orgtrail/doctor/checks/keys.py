"""Checks of every key that the stack makes: usable, rotating, with the file's policy."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.doctor.comparing import difference
from orgtrail.doctor.explaining import of_key
from orgtrail.doctor.outcome import DEPLOY, MAKE, Fault, Subject
from orgtrail.doctor.register import Live, check


def keys(live: Live) -> Iterator[Subject]:
    """Yield every key that is ours, by its alias."""
    for alias in live.stack.of("aws_kms_alias"):
        key = live.stack.find(alias.text("target_key_id"))
        assert key
        if not (key.address == "aws_kms_key.key" and live.env.adopt.referenced_key):
            yield Subject(live.account(key.provider.account), alias.text("name"), resource=key)


@check("key", "The key can be used", keys)
def _usable(live: Live, subject: Subject) -> Iterator[Fault]:
    about = live.key(subject.account, subject.name)
    if about is None:
        yield Fault(f"no key has the alias {subject.name}", MAKE)
        return
    state = about["KeyState"]
    if state == "PendingDeletion":
        yield Fault(
            "the key is about to be deleted: what it encrypts can then never be read again",
            f"at once: aws kms cancel-key-deletion --key-id {about['KeyId']}, then "
            f"aws kms enable-key --key-id {about['KeyId']}",
        )
    elif state != "Enabled":
        yield Fault(
            f"the key is {state.lower()}: nothing can be written or read with it",
            f"aws kms enable-key --key-id {about['KeyId']}",
        )


@check("key-rotation", "The key rotates by itself", keys, "key")
def _rotates(live: Live, subject: Subject) -> Iterator[Fault]:
    known = live.key(subject.account, subject.name)["KeyId"]
    given = live.aws.ask(subject.account, "kms", "get_key_rotation_status", KeyId=known)
    days = given.get("RotationPeriodInDays", 365)
    if not given["KeyRotationEnabled"]:
        yield Fault("the key does not rotate", DEPLOY)
    elif days != live.env.key.rotation_days:
        yield Fault(f"it rotates every {days} days, not {live.env.key.rotation_days}", DEPLOY)


@check("key-policy", "Its policy is the file's", keys, "key")
def _policy(live: Live, subject: Subject) -> Iterator[Fault]:
    assert subject.resource
    known = live.key(subject.account, subject.name)["KeyId"]
    has = live.aws.ask(subject.account, "kms", "get_key_policy", KeyId=known, PolicyName="default")
    if lines := difference(subject.resource.document("policy"), has["Policy"]):
        cause = of_key(live.env, subject.name, has["Policy"])
        yield Fault(cause, DEPLOY, lines)
