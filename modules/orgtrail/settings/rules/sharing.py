"""Rules of a log bucket that other services write to as well."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.settings.faults import NOTHING, Fault
from orgtrail.settings.rules.register import rule
from orgtrail.settings.shape import Shape


@rule("archive", "accounts", "adopt")
def _writers(environment: Shape) -> Iterator[Fault]:
    """A further writer is told once, of accounts in the file, and of a bucket that it delivers to.

    AWS Config delivers to no bucket with a default lock:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-config-deliverychannel.html
    WAF delivers to buckets of one kind of name alone:
    https://docs.aws.amazon.com/waf/latest/developerguide/logging-s3.html
    """
    archive = environment.archive
    seen = set()
    for index, writer in enumerate(archive.writers):
        here = ("archive", "writers", index)
        if (writer.service, writer.prefix, writer.accounts) in seen:
            yield Fault(here, "must not come twice", writer.service)
        seen.add((writer.service, writer.prefix, writer.accounts))
        for place, name in enumerate(writer.accounts or ()):
            if name not in environment.accounts:
                yield Fault((*here, "accounts", place), "must be a name in accounts", name)
        if writer.service == "config" and archive.object_lock:
            yield Fault(
                here,
                "must not be config where archive.object_lock is set: AWS Config delivers to no "
                "bucket with a default lock",
                hint="give AWS Config a bucket of its own",
            )
        if writer.service == "waf" and not archive.bucket.startswith("aws-waf-logs-"):
            yield Fault(
                here,
                "must not be waf unless archive.bucket begins with aws-waf-logs-: WAF delivers to "
                "no other bucket",
                archive.bucket,
            )


@rule("archive", "adopt")
def _others(environment: Shape) -> Iterator[Fault]:
    """Further writers and kept statements are of a bucket whose policy is ours."""
    if not environment.adopt.refers("bucket"):
        return
    for name in ("writers", "statements"):
        if getattr(environment.archive, name):
            yield Fault(
                ("archive", name),
                "must be left out where adopt.bucket.manage is false: it would have no effect",
                NOTHING,
            )


@rule("archive")
def _statements(environment: Shape) -> Iterator[Fault]:
    """A kept statement is whole, has a name of its own, and is about the archive bucket."""
    bucket = environment.archive.bucket
    names = set()
    for index, each in enumerate(environment.archive.statements):
        here = ("archive", "statements", index)
        if each.Sid in names:
            yield Fault((*here, "Sid"), "must be a name of its own", each.Sid)
        names.add(each.Sid)
        for one, other in (("Principal", "NotPrincipal"), ("Action", "NotAction")):
            if (getattr(each, one) is None) == (getattr(each, other) is None):
                yield Fault(here, f"needs {one} or {other}, and not both", each.Sid)
        resources = (each.Resource,) if isinstance(each.Resource, str) else each.Resource
        for resource in resources:
            name = resource.partition(":s3:::")[2]
            if name != bucket and not name.startswith(f"{bucket}/"):
                yield Fault(
                    (*here, "Resource"),
                    f"must be bucket {bucket} or keys of it, by ARN",
                    resource,
                )
