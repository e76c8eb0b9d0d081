"""`orgtrail verify`: prove that each log file of the organization is intact, and none lacks."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orgtrail.cli import (
    Format,
    FormatOption,
    LastOption,
    ProfileOption,
    RoleOption,
    SinceOption,
    UntilOption,
    app,
)
from orgtrail.errors import EXIT_BAD, EXIT_FAILED, EXIT_OK, OrgtrailError
from orgtrail.integrity import WORKERS

if TYPE_CHECKING:
    from orgtrail.integrity.names import Trail
    from orgtrail.integrity.request import Request
    from orgtrail.integrity.result import Result
    from orgtrail.naming import VerifiedRegions
    from orgtrail.settings.environment import Environment

_CODES = {"valid": EXIT_OK, "invalid": EXIT_BAD, "unproven": EXIT_FAILED}


@dataclass(frozen=True, slots=True)
class Named:
    """How the trail is named: by an environment file, or by its parts."""

    env: Path | None
    bucket: str | None
    organization: str | None
    arn: str | None
    prefix: str


@app.command()
def verify(
    env: Annotated[Path | None, typer.Option(help="The environment file.")] = None,
    bucket: Annotated[str | None, typer.Option(help="Without --env: the bucket.")] = None,
    organization_id: Annotated[
        str | None, typer.Option(help="Without --env: the organization's id.")
    ] = None,
    trail_arn: Annotated[str | None, typer.Option(help="Without --env: the trail.")] = None,
    prefix: Annotated[str, typer.Option(help="Without --env: the trail's key prefix.")] = "",
    since: SinceOption = None,
    until: UntilOption = None,
    last: LastOption = None,
    account: Annotated[list[str] | None, typer.Option(help="Only this account; repeat.")] = None,
    region: Annotated[list[str] | None, typer.Option(help="Only this region; repeat.")] = None,
    expect: Annotated[
        list[str] | None, typer.Option(help="An account that must be there; repeat.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=2048, help="Requests in flight.")] = WORKERS,
    logs: Annotated[
        Path | None, typer.Option(help="A folder that is a copy of the bucket.")
    ] = None,
    public_keys: Annotated[
        Path | None, typer.Option(help="Answers of ListPublicKeys by region, instead of asking.")
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(help="Remember what was valid, and read only what is new or changed."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from an interrupted run.")
    ] = False,
    role: RoleOption = None,
    profile: ProfileOption = None,
    format: FormatOption = Format.TEXT,
) -> int:
    """Prove that no log file of an organization trail was altered, added or taken away.

    Exit code 0: valid. 1: something was altered or is missing. 2: not all could be proven.
    """
    from orgtrail.cli.query_question import window
    from orgtrail.integrity.keeping import DEFAULT, interrupted_window, kept
    from orgtrail.integrity.request import Request

    trail, environment = _trail(Named(env, bucket, organization_id, trail_arn, prefix))
    expected = environment.account_ids if environment else ()
    if resume and not (since or until or last):
        times = interrupted_window(state or DEFAULT)
    else:
        times = window(since, until, last, hours=24)
    request = Request(
        trail,
        *times,
        accounts=_filter("--account", account, r"\d{12}", "12 digits"),
        regions=_filter("--region", region, r"[a-z0-9-]+", "a region's name, like us-east-1"),
        expected=dict.fromkeys([*expected, *_filter("--expect", expect, r"\d{12}", "12 digits")]),
        workers=workers,
        logs=logs,
        public_keys=public_keys,
        session=None if logs else _session(environment, trail, role, profile),
        **_regions(environment),
    )
    with kept(state, trail.arn, times, resume=resume) as opened:
        result = _verified(request, opened)
    if format is Format.JSON:
        sys.stdout.write(json.dumps(result.told(), indent=2) + "\n")
    else:
        from orgtrail.cli.verify_text import show

        show(result, trail, times)
    return _CODES[result.verdict]


def _verified(request: Request, state: object) -> Result:
    from orgtrail.cli.verify_text import progress
    from orgtrail.integrity.memory import State
    from orgtrail.integrity.result import Note, Result
    from orgtrail.integrity.run import verify as run

    assert isinstance(state, State)
    result = Result()
    with progress() as tell:
        for event in run(request, state):
            tell(event)
            result.add(event)
    digests, files = result.trusted
    if digests or files:
        result.add(
            Note(
                f"trusted: {digests} digests and {files} log files were valid in the run of "
                f"{state.before}, and S3 says they have not been written since; their bytes were "
                "not read again"
            )
        )
    return result


def _regions(environment: Environment | None) -> VerifiedRegions:
    """Return what is known of the trail's regions."""
    if environment is None:
        return {"multi_region": True, "known_regions": frozenset()}
    from orgtrail.naming import verified_regions

    return verified_regions(environment)


def _session(
    environment: Environment | None, trail: Trail, role: str | None, profile: str | None
) -> Any:
    """Return the session that reads the archive: in the logging account, where a file says it."""
    if environment:
        from orgtrail.aws import session_in

        return session_in(environment, "logging", role, profile)
    from orgtrail.aws import session_from_options

    return session_from_options(role, profile, trail.home)


def _trail(named: Named) -> tuple[Trail, Environment | None]:
    """Return the trail, and the settings of the environment file, if one is given.

    Raises:
        OrgtrailError: too little is given, or too much.

    """
    from orgtrail.integrity.names import Trail

    parts = {
        "--bucket": named.bucket,
        "--organization-id": named.organization,
        "--trail-arn": named.arn,
    }
    given = [name for name, value in (*parts.items(), ("--prefix", named.prefix)) if value]
    if named.env:
        if given:
            raise OrgtrailError(f"{', '.join(given)}: --env says it already; give one or the other")
        from orgtrail import naming
        from orgtrail.environments import load_environment

        environment = load_environment(named.env)
        return naming.verified_trail(environment), environment
    lacking = [name for name, value in parts.items() if not value]
    if lacking:
        raise OrgtrailError(f"{', '.join(lacking)}: must be given, or --env FILE instead")
    assert named.bucket and named.organization and named.arn  # noqa: PT018
    return Trail.of(named.arn, named.bucket, named.organization, named.prefix), None


def _filter(option: str, values: list[str] | None, form: str, what: str) -> frozenset[str]:
    for each in values or ():
        if not re.fullmatch(form, each, re.ASCII):
            raise OrgtrailError(f"{option}: must be {what}; got {each!r}")
    return frozenset(values or ())
