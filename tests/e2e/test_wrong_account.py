"""Credentials of another account are refused before anything is made."""

from __future__ import annotations

import json
import re

from tests.e2e.cloud import Cloud, Organization
from tests.e2e.terraform import Project


def test_swapped_roles_are_refused(here: Cloud, bank: Organization, project: Project) -> None:
    """The file would refuse roles of another account; here the credentials themselves differ."""
    stack = project.synthesize(here)
    path = stack.path / "local_override.tf.json"
    override = json.loads(path.read_text())
    management, logging = override["provider"]["aws"]
    for provider, account in ((management, bank.members["logging"]), (logging, bank.management)):
        role = f"arn:aws:iam::{account}:role/orgtrail-deploy"
        provider["assume_role"] = [{"role_arn": role, "session_name": "orgtrail"}]
    path.write_text(json.dumps(override))
    stack.must("init")
    start = len(here.calls())
    done = stack.run("apply", "-auto-approve")
    assert done.code == 1
    assert re.sub(r"\s+", " ", done.said).count("AWS account ID not allowed") == 2
    assert {call.service for call in here.calls(start)} == {"sts"}
