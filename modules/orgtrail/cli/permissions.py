"""`orgtrail permissions`: what the role that deploys to an account has to be allowed."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from orgtrail.cli import app
from orgtrail.settings.faults import OrgtrailError


class Purpose(StrEnum):
    """What a role is for."""

    DEPLOY = "deploy"
    DOCTOR = "doctor"


@app.command()
def permissions(
    file: Annotated[Path, typer.Argument(help="An environment file.")],
    account: Annotated[
        str, typer.Argument(help="The account, by its name in the file: management, logging ...")
    ],
    purpose: Annotated[
        Purpose, typer.Option("--for", help="Who needs it: Terraform, or orgtrail doctor.")
    ] = Purpose.DEPLOY,
) -> None:
    """Print the least-privilege policy of a role in an account, as JSON: to deploy, or to look."""
    from orgtrail.environments import load_environment
    from orgtrail.policies.deployer import deployer
    from orgtrail.policies.doctor import doctor

    env = load_environment(file)
    # The doctor looks at what stands; Terraform also removes what stood.
    known = env.deployed if purpose is Purpose.DOCTOR else env.reached
    if account not in known:
        names = ", ".join(known)
        raise OrgtrailError(f"ACCOUNT must be one that is deployed to: {names}; got {account}")
    policy = doctor if purpose is Purpose.DOCTOR else deployer
    sys.stdout.write(json.dumps(policy(env, account), indent=2) + "\n")
