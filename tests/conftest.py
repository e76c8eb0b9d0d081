"""What the tests share: settings to start from, the command, and a stack's JSON."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from orgtrail.cdktf import bindings as aws
from orgtrail.cdktf.stack import EnvironmentStack
from orgtrail.cli import main
from orgtrail.settings.environment import Environment

if TYPE_CHECKING:
    from tests.archives import Archive

# A machine that does other work at the same time is no fault of an example.
settings.register_profile("all", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("all")

# A shell starts what runs in its background with Ctrl-C ignored, and programs inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

FEW = "ORGTRAIL_FEW_EXAMPLES"
"""Environment variable with which every property is tried with few examples: for developing."""


def at_most(examples: int) -> int:
    """Return how many examples a property is tried with: all, or few where that is asked for."""
    return min(examples, 5) if os.environ.get(FEW) else examples


ROOT = Path(__file__).parents[1]
Json = dict[str, Any]

MINIMAL: Json = {
    "name": "bank",
    "home_region": "us-east-1",
    "organization": {"id": "o-examplebank", "root_id": "r-bank"},
    "accounts": {
        "management": {
            "id": "111111111111",
            "profile": "bank-management",
            "permissions_boundary": "orgtrail-boundary",
        },
        "logging": {
            "id": "222222222222",
            "role_arn": "arn:aws:iam::222222222222:role/orgtrail-deploy",
            "permissions_boundary": "orgtrail-boundary",
        },
        "production": {"id": "333333333333"},
    },
    "archive": {"bucket": "example-bank-archive"},
}
"""The least that an environment must say to have no finding but that of the lock."""


@pytest.fixture(autouse=True, scope="session")
def state_of_ones_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the key that seals state files out of the home of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    """An archive that is served, and credentials to read it with."""
    from orgtrail.verify.storage import s3

    from tests.archives import Archive
    from tests.standin import serving

    made = Archive()
    monkeypatch.setattr(s3, "FIRST_PAUSE", 0.001)
    with serving(made.world) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield made


def merged(base: Json, changes: Json) -> Json:
    """Lay changes over settings, section by section; `...` takes a setting away."""
    result = dict(base)
    for name, value in changes.items():
        if value is ...:
            result.pop(name, None)
        elif isinstance(value, dict) and isinstance(base.get(name), dict):
            result[name] = merged(base[name], value)
        else:
            result[name] = value
    return result


def environment(**changes: Any) -> Environment:
    """Make an environment from the minimal settings and changes."""
    return Environment.model_validate(merged(MINIMAL, changes))


def orgtrail(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run the command in this process, where everything is imported already.

    What a process of its own may do otherwise (signals, closed pipes, the start) is tested in
    test_exit_codes.py and test_cli.py.
    """
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    before, argv, streams = Path.cwd(), sys.argv, (sys.stdout, sys.stderr)
    os.chdir(cwd)
    sys.argv, sys.stdout, sys.stderr = ["orgtrail", *arguments], out, err
    try:
        code = main()
    finally:
        sys.argv, (sys.stdout, sys.stderr) = argv, streams
        os.chdir(before)
    said, told = (each.buffer.getvalue().decode() for each in (out, err))
    return subprocess.CompletedProcess(["orgtrail", *arguments], code, said, told)


def synthesized(env: Environment) -> Json:
    """Return the stack's JSON, checked by CDKTF: every resource has its provider."""
    stack = EnvironmentStack(aws.Testing.app(), env)
    # For a cloud block CDKTF's check also runs `terraform version`; a machine may lack it.
    content: Json = json.loads(aws.Testing.synth(stack, env.backend.type != "cloud"))
    return content


def hcl(value: Any) -> str:
    """Write a value as HCL."""
    match value:
        case dict():
            return (
                "{\n" + "".join(f'"{name}" = {hcl(each)}\n' for name, each in value.items()) + "}"
            )
        case list() | tuple():
            return "[" + ", ".join(map(hcl, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def tfvars(settings: Json) -> str:
    """Write settings as an environment file."""
    return "".join(f"{name} = {hcl(value)}\n" for name, value in settings.items())


@pytest.fixture
def env_file(tmp_path: Path) -> Callable[[str], Path]:
    """Write an environment file, `bank.tfvars`."""

    def write(text: str) -> Path:
        path = tmp_path / "bank.tfvars"
        path.write_text(text, encoding="utf-8")
        return path

    return write
