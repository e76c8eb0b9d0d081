"""Policies that are not the file's, in plain words: the mistakes that people make most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orgtrail import naming
from orgtrail.doctor.comparing import allowed, services, statements
from orgtrail.proof.iam.patterns import like
from orgtrail.settings.environment import Environment

Given = str | Mapping[str, Any] | None
_DIFFERS = "the policy is not the file's"


def of_bucket(env: Environment, bucket: str, policy: Given) -> str:
    """Say what is wrong with a bucket's policy."""
    if not policy:
        return "the bucket has no policy"
    if bucket != env.archive.bucket:
        return _joined(_open(policy))
    return _joined([*_writing(env, policy), *_denying(policy), *_open(policy)])


def of_key(env: Environment, alias: str, policy: Given) -> str:
    """Say what is wrong with a key's policy."""
    if alias != env.key.alias:
        return _joined(())
    return _joined([*_encrypting(policy), *_denying(policy), *_decrypting(env, policy)])


def of_reader(policy: Given) -> str:
    """Say what is wrong with the permissions of a role that reads log files."""
    reads = any(True for _ in allowed(policy, "s3:GetObject"))
    decrypts = any(True for _ in allowed(policy, "kms:Decrypt"))
    if reads and not decrypts:
        return _joined(["the role may read log files but not decrypt them (no kms:Decrypt), so "
                        "that every read is refused"])  # fmt: skip
    return _joined(())


def _writing(env: Environment, policy: Given) -> Iterator[str]:
    """Follow what CloudTrail needs to write the organization's files."""
    if naming.CLOUDTRAIL not in services(policy):
        yield _principal(services(policy))
        return
    prefix = env.organization_prefix
    arn = naming.bucket_arn(env, env.archive.bucket, f"{prefix}{env.management.id}/CloudTrail/x")
    writes = list(allowed(policy, "s3:PutObject"))
    if not any(like(each, arn) for statement in writes for each in statement.get("Resource", ())):
        yield (
            f"CloudTrail may not write below the organization's prefix {prefix}: members' log "
            "files are refused"
        )
        return
    ours = [each for each in statements(policy) if naming.CLOUDTRAIL in _principals(each)]
    for source in _sources(ours):
        if not like(source, naming.trail_arn(env)):
            yield (
                f"aws:SourceArn is {source}, not the trail's {naming.trail_arn(env)}: an "
                "organization trail has the management account's id"
            )
            return
    yield from _of_organization(ours)


def _sources(ours: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the ARNs that CloudTrail's statements ask for, by whatever operator."""
    for each in ours:
        for tests in each.get("Condition", {}).values():
            for key, values in tests.items():
                if key.lower() == "aws:sourcearn":
                    yield from values


def _of_organization(ours: list[dict[str, Any]]) -> Iterator[str]:
    keys = {key for each in ours if each.get("Effect") == "Allow" for key in _keys(each)}
    if wrong := sorted(keys & {"aws:principalorgid", "aws:principalorgpaths"}):
        yield (
            f"a condition on {', '.join(wrong)} refuses CloudTrail: a service's call has no "
            "principal of the organization; aws:SourceArn of the trail is what binds it "
            "(aws:SourceOrgID where the organization is to be named)"
        )


def _denying(policy: Given) -> Iterator[str]:
    """Find a denial of everybody outside the organization that forgets the services."""
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


def _encrypting(policy: Given) -> Iterator[str]:
    named = {name for each in allowed(policy, "kms:GenerateDataKey") for name in _principals(each)}
    if naming.CLOUDTRAIL not in named:
        yield "CloudTrail may not encrypt with the key, so that no log file is delivered"
    yield from _of_organization(
        [each for each in statements(policy) if naming.CLOUDTRAIL in _principals(each)]
    )


def _decrypting(env: Environment, policy: Given) -> Iterator[str]:
    root = naming.account_root(env, env.logging.id)
    readers = [
        each
        for each in allowed(policy, "kms:Decrypt")
        if isinstance(each.get("Principal"), dict)
        and {root, env.logging.id, "*"} & set(each["Principal"].get("AWS", ()))
        and not _through(each)
    ]
    if not readers:
        yield "who may read log files may not decrypt them: every read of one is refused"


def _through(statement: dict[str, Any]) -> bool:
    """Tell whether a statement is for one service alone, as that for query results is."""
    return "kms:ViaService" in statement.get("Condition", {}).get("StringEquals", {})


def _open(policy: Given) -> Iterator[str]:
    for each in statements(policy):
        who = each.get("Principal")
        everybody = who == ["*"] or (isinstance(who, dict) and "*" in who.get("AWS", ()))
        if each.get("Effect") == "Allow" and everybody and not each.get("Condition"):
            yield "everybody is allowed in"
            return


def _principal(named: set[str]) -> str:
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


def _joined(causes: Any) -> str:
    return "; ".join((_DIFFERS, *causes))
