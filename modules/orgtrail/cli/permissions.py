"""`orgtrail permissions`: what the role that deploys to an account has to be allowed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from orgtrail.cli import app
from orgtrail.settings.faults import OrgtrailError


@app.command()
def permissions(
    file: Annotated[Path, typer.Argument(help="An environment file.")],
    account: Annotated[
        str, typer.Argument(help="The account, by its name in the file: management, logging ...")
    ],
) -> None:
    """Print the least-privilege policy of the role that deploys to an account, as JSON."""
    from orgtrail.environments import load_environment
    from orgtrail.policies.deployer import deployer

    env = load_environment(file)
    if account not in env.deployed:
        names = ", ".join(env.deployed)
        raise OrgtrailError(f"ACCOUNT must be one that is deployed to: {names}; got {account}")
    sys.stdout.write(json.dumps(deployer(env, account), indent=2) + "\n")
