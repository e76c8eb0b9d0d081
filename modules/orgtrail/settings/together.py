"""What two environment files must not share: an organization, a bucket, a Terraform state."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from orgtrail.regions import partition
from orgtrail.settings.backend import CloudBackend, S3Backend
from orgtrail.settings.environment import Environment
from orgtrail.settings.faults import Fault, Path, Source


@dataclass(frozen=True, slots=True)
class Loaded:
    """An environment and the file that it came from."""

    environment: Environment
    source: Source


@dataclass(frozen=True, slots=True)
class _Claim:
    """Something that one file alone may have.

    Args:
        what: its kind and identity.
        setting: where the file says so.
        rule: what to say of the second file that has it.
        given: its name.
        remedy: what to do.

    """

    what: Hashable
    setting: Path
    rule: str
    given: str
    remedy: str


def shared(files: Sequence[Loaded]) -> Iterator[tuple[Loaded, Fault]]:
    """Yield each file that has what an earlier one has, with the fault; it names the earlier.

    A bucket that one of the two only refers to (`adopt`, with `manage = false`) may be shared.
    """
    claimed: dict[Hashable, tuple[Loaded, _Claim]] = {}
    for file in files:
        told: set[Path] = set()
        for claim in _claims(file.environment):
            first, earlier = claimed.setdefault(claim.what, (file, claim))
            if first is not file and claim.setting not in told:
                told.add(claim.setting)
                place = first.source.at(earlier.setting)
                rule = f"{claim.rule}, and {place} has the same one"
                yield file, Fault(claim.setting, rule, claim.given, claim.remedy)


def _claims(env: Environment) -> Iterator[_Claim]:
    yield _Claim(
        ("organization", env.organization.id),
        ("organization", "id"),
        "must be in one file alone",
        env.organization.id,
        "one organization has one trail and one state: keep one of the files",
    )
    yield from _buckets(env)
    yield from _state(env)


def _buckets(env: Environment) -> Iterator[_Claim]:
    """Yield the buckets that the stack makes; S3 has each name once in a partition.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    """
    places = dict(_named(env.model_dump(exclude_unset=True)))
    for bucket in dict.fromkeys(env.own_buckets):
        if bucket not in env.others_buckets:
            yield _Claim(
                ("bucket", partition(env.home_region), bucket),
                # A name that nobody wrote follows from the archive's.
                places.get(bucket, ("archive", "bucket")),
                "must be a bucket of this file alone",
                bucket,
                "name another: S3 has each name once",
            )


def _state(env: Environment) -> Iterator[_Claim]:
    rule = "must be a state of this file's own"
    remedy = "choose another: a plan would destroy what the other file made"
    match env.backend:
        case S3Backend() as s3:
            key = s3.key_of(env.name)
            what = ("s3", partition(s3.region), s3.bucket, key)
            yield _Claim(what, ("backend", "key"), rule, f"{s3.bucket}/{key}", remedy)
        case CloudBackend() as hcp:
            what = ("cloud", hcp.hostname.lower(), hcp.organization, hcp.workspace)
            given = f"{hcp.organization}/{hcp.workspace}"
            yield _Claim(what, ("backend", "workspace"), rule, given, remedy)


def _named(values: Mapping[str, object], path: Path = ()) -> Iterator[tuple[str, Path]]:
    """Yield the name of each bucket that settings have, and its place."""
    for name, each in values.items():
        here = (*path, name)
        if isinstance(each, Mapping) and here != ("backend",):
            yield from _named(each, here)
        elif isinstance(each, str) and name.endswith("bucket"):
            yield each, here
