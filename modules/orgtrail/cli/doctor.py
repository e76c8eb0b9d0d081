"""`orgtrail doctor`: compare the deployed audit trail with its environment file."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from orgtrail.cli.root import EnvFile, Format, FormatOption, ProfileOption, RoleOption, app
from orgtrail.errors import EXIT_BAD, EXIT_FAILED, EXIT_OK

if TYPE_CHECKING:
    from orgtrail.doctor.model import Outcome
    from orgtrail.settings.environment import Environment

_CODES = {"fine": EXIT_OK, "fault": EXIT_BAD, "unchecked": EXIT_FAILED}


@app.command(extra="doctor")
def doctor(
    file: EnvFile,
    role: RoleOption = None,
    profile: ProfileOption = None,
    format: FormatOption = Format.TEXT,
) -> int:
    """Tell whether the audit trail that runs is as its file says, and works; nothing is changed.

    Exit code 0: it is. 1: something is not; cause and next step are told. 2: something could not
    be looked at.
    """
    from orgtrail.doctor.model import summed_up
    from orgtrail.environments import load_environment

    env = load_environment(file)
    outcomes = _checked(env, role, profile)
    verdict = summed_up(outcomes)
    if format is Format.JSON:
        answer = {
            "name": env.name,
            "verdict": verdict,
            "checks": [each.as_json() for each in outcomes],
            "referred": list(env.adopt.referenced),
        }
        sys.stdout.write(json.dumps(answer, indent=2) + "\n")
    else:
        from orgtrail.cli.doctor_text import show

        show(env, outcomes)
    return _CODES[verdict]


def _checked(env: Environment, role: str | None, profile: str | None) -> list[Outcome]:
    from orgtrail.cli.doctor_text import progress
    from orgtrail.doctor.calls import AwsReader, Clients
    from orgtrail.doctor.run import run_checks

    with progress() as tell:
        return run_checks(env, tell, AwsReader(env, Clients(env, role, profile).call))
