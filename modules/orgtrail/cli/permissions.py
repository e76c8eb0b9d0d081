"""`orgtrail permissions`: the policy that a role in an account needs."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import Annotated

import typer

from orgtrail.cli.root import EnvFile, app
from orgtrail.errors import OrgtrailError


class Purpose(StrEnum):
    """What a role is for."""

    DEPLOY = "deploy"
    DOCTOR = "doctor"
    BOUNDARY = "boundary"


@app.command()
def permissions(
    file: EnvFile,
    account: Annotated[
        str,
        typer.Argument(
            metavar="ACCOUNT", help="The account, by its name in the file: management, logging ..."
        ),
    ],
    purpose: Annotated[
        Purpose,
        typer.Option(
            "--for",
            help="What for: Terraform's role, that of orgtrail doctor, or the boundary of the "
            "roles that the stack makes.",
        ),
    ] = Purpose.DEPLOY,
) -> None:
    """Print the policy of a role in an account, as JSON: to deploy, to look, to bound others."""
    from orgtrail.environments import load_environment
    from orgtrail.trail.boundary import boundary
    from orgtrail.trail.reading import doctor_policy
    from orgtrail.trail.stack import deployer

    env = load_environment(file)
    # The doctor reads what is deployed; Terraform also deletes what no longer is.
    known = env.deployed_accounts if purpose is Purpose.DOCTOR else env.provider_accounts
    if account not in known:
        names = ", ".join(known)
        raise OrgtrailError(f"ACCOUNT must be one that is deployed to: {names}; got {account}")
    if purpose is Purpose.BOUNDARY and account not in ("management", "logging"):
        raise OrgtrailError(
            f"ACCOUNT must be management or logging, where the stack makes roles; got {account}"
        )
    policies = {Purpose.DEPLOY: deployer, Purpose.DOCTOR: doctor_policy, Purpose.BOUNDARY: boundary}
    sys.stdout.write(json.dumps(policies[purpose](env, account), indent=2) + "\n")
