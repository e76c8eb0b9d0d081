"""`orgtrail verify` as a command, over the stand-in and over a copy; awscli counts the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from orgtrail.verify import DEFAULT_WORKERS
from orgtrail.verify.names import MINUTE

from tests.archives import ACCOUNT, ARN, BEGIN, BUCKET, HOUR, ORGANIZATION, OTHER, Archive, named
from tests.conftest import ROOT
from tests.standin import serving
from tests.test_verify import FILES

AWS = ROOT / ".tools" / "awscli" / "bin" / "aws"
NAMED = ("--bucket", BUCKET, "--organization-id", ORGANIZATION, "--trail-arn", ARN)
WINDOW = ("--from", "2026-03-10T18:30:00Z", "--to", "2026-03-11T05:50:00Z")


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    """An archive that is served to any program."""
    made = Archive()
    made.world.trails = [
        {
            "Name": "organization",
            "S3BucketName": BUCKET,
            "HomeRegion": "us-east-1",
            "TrailARN": ARN,
            "IsMultiRegionTrail": True,
            "IsOrganizationTrail": True,
            "LogFileValidationEnabled": True,
        }
    ]
    with serving(made.world) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield made


def verify(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "orgtrail.cli", "verify", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


def told(*arguments: str) -> tuple[int, dict[str, Any]]:
    ran = verify(*arguments, "--format", "json")
    answer: dict[str, Any] = json.loads(ran.stdout)
    return ran.returncode, answer


def test_json_and_exit_codes(archive: Archive) -> None:
    digests = archive.write()
    names = [key.rpartition("_")[0].rpartition("_")[2] for each in digests for key in named(each)]
    within = sum("20260310T1830Z" <= each < "20260311T0550Z" for each in names)
    assert 0 < within < len(names)
    code, answer = told(*NAMED, *WINDOW)
    assert code == 0
    assert answer == {
        "verdict": "valid",
        "chains": 1,
        "digests": {"valid": 12, "invalid": 0, "unread": 0},
        "logs": {"valid": FILES, "invalid": 0, "unread": 0},
        "window_logs": {"valid": within, "invalid": 0, "unread": 0, "later": 0},
        "unvouched": 0,
        "idle": 1,
        "backfills": 0,
        "trusted": {"digests": 0, "logs": 0},
        "findings": [],
        "notes": answer["notes"],
    }
    key = named(digests[5])[0]
    archive.world.faults[f"/{BUCKET}/{key}"] = ["always 403"]
    code, answer = told(*NAMED, *WINDOW)
    assert (code, answer["verdict"]) == (2, "unproven")
    archive.world.faults.clear()
    archive.rewrite(key, b"damaged")
    code, answer = told(*NAMED, *WINDOW)
    assert (code, answer["verdict"]) == (1, "invalid")
    assert answer["findings"] == [
        {
            "account": ACCOUNT,
            "region": "us-east-1",
            "kind": "log-malformed",
            "key": key,
            "detail": "version v0 is the signed one; find who wrote it (S3 data events of the "
            "archive), and restore the signed version if there is one",
        }
    ]


def test_an_offset_means_what_it_says(archive: Archive) -> None:
    # awscli drops it.
    archive.write()
    tokyo = ("--from", "2026-03-11T03:30:00+09:00", "--to", "2026-03-11T14:50:00+09:00")
    assert told(*NAMED, *tokyo)[1]["digests"]["valid"] == 12


def test_the_report(archive: Archive) -> None:
    digests = archive.write()
    archive.write(OTHER)
    archive.rewrite(named(digests[5])[0], b"damaged")
    ran = verify(*NAMED, *WINDOW)
    assert (ran.returncode, ran.stderr) == (1, "")
    head, _, findings = ran.stdout.partition("\n\n")
    assert head == (
        "invalid: something was altered, or taken away\n"
        f"{ARN}, 2026-03-10 18:30 to 2026-03-11 05:50 UTC\n"
        "           valid  invalid  unread\n"
        "digests       24        0       0\n"
        "log files     63        1       0\n"
        "2 chains, 2 hours in which nothing was delivered"
    )
    assert "log-malformed (1)\n" in findings
    assert (
        f"  {ACCOUNT} us-east-1: {named(digests[5])[0]}: version v0 is the signed one" in findings
    )
    archive.world.delete(BUCKET, digests[7].key)
    for each in digests:
        for key in named(each):
            archive.rewrite(key, b"damaged")
    assert "... and " in verify(*NAMED, *WINDOW).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--bucket, --organization-id, --trail-arn: must be given, or --env FILE instead"),
        (("--bucket", "b"), "--organization-id, --trail-arn: must be given, or --env FILE instead"),
        (
            ("--env", "envs/healthcare.tfvars", "--bucket", "b"),
            "--bucket: --env says it already; give one or the other",
        ),
        (
            (*NAMED[:-1], "x"),
            "--trail-arn: must be like arn:aws:cloudtrail:us-east-1:",
        ),
        ((*NAMED, "--from", "yesterday"), "--from: must be ISO 8601"),
        ((*NAMED, "--from", "0001-01-01T00:00:00+09:00"), "--from: is outside the calendar"),
        ((*NAMED, "--account", "\u0661" * 12), "--account: must be 12 digits"),
        ((*NAMED, "--account", "1"), "--account: must be 12 digits; got '1'"),
        ((*NAMED, "--region", "US East"), "--region: must be a region's name"),
        ((*NAMED, "--resume"), "--resume: orgtrail-verify.state holds no interrupted run"),
        ((*NAMED, "--logs", "none"), "none: is no folder"),
        ((*NAMED, "--logs", "docs"), "docs/public-keys.json: cannot be read"),
    ],
)
def test_what_cannot_be_verified(arguments: tuple[str, ...], said: str) -> None:
    ran = verify(*arguments)
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert ran.stderr.startswith(said)
    assert "Traceback" not in ran.stderr


def test_no_credentials(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    archive.write()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    ran = verify(*NAMED, *WINDOW)
    assert ran.returncode == 2
    assert ran.stderr.startswith("credentials: none found; set AWS_PROFILE")


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An environment file of the archive, and a shared configuration with another profile."""
    config = tmp_path / "config"
    config.write_text("[profile audit]\naws_access_key_id = AKIAAUDIT\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    path = tmp_path / "bank.tfvars"
    path.write_text(f"""
home_region = "us-east-1"
organization = {{ id = "{ORGANIZATION}", root_id = "r-bank" }}
accounts = {{
  management = {{ id = "{ACCOUNT}" }}
  logging    = {{ id = "222222222222", role_arn = "arn:aws:iam::222222222222:role/deploy" }}
}}
archive = {{ bucket = "{BUCKET}" }}
trail   = {{ name = "organization" }}
""")
    return str(path)


ROLES = "arn:aws:iam::222222222222:role/"


@pytest.mark.parametrize(
    ("options", "assumed"),
    [
        ((), (f"{ROLES}deploy", "AKIAEXAMPLE")),
        (("--role", "auditor"), (f"{ROLES}auditor", "AKIAEXAMPLE")),
        (("--role", f"{ROLES}team/auditor"), (f"{ROLES}team/auditor", "AKIAEXAMPLE")),
        (("--profile", "audit"), (f"{ROLES}deploy", "AKIAAUDIT")),
    ],
)
def test_the_role_of_the_file_is_assumed_or_another(
    archive: Archive, environment: str, options: tuple[str, ...], assumed: tuple[str, str]
) -> None:
    for account in (ACCOUNT, "222222222222"):
        archive.write(account)
    code, answer = told("--env", environment, *WINDOW, *options)
    assert (code, answer["verdict"]) == (0, "valid")
    assert archive.world.assumed == [assumed]
    assert archive.world.callers == {"ASIAASSUMED"}


def test_who_is_in_the_account_needs_no_role(archive: Archive, environment: str) -> None:
    for account in (ACCOUNT, "222222222222"):
        archive.write(account)
    archive.world.identity = "222222222222"
    assert told("--env", environment, *WINDOW)[0] == 0
    assert archive.world.assumed == []
    assert archive.world.callers == {"AKIAEXAMPLE"}


def test_a_role_without_an_environment_file(archive: Archive, environment: str) -> None:
    del environment
    archive.write()
    assert told(*NAMED, *WINDOW, "--role", f"{ROLES}auditor", "--profile", "audit")[0] == 0
    assert archive.world.assumed == [(f"{ROLES}auditor", "AKIAAUDIT")]
    ran = verify(*NAMED, *WINDOW, "--role", "auditor")
    assert (ran.returncode, ran.stderr) == (
        2,
        "--role: must be a role's ARN where no --env says the account; got 'auditor'\n",
    )
    ran = verify(*NAMED, *WINDOW, "--profile", "nobody")
    assert ran.returncode == 2
    assert ran.stderr.startswith("credentials cannot be reached: The config profile (nobody)")


def test_names_that_somebody_chose_move_no_terminal(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.write()
    folder = f"AWSLogs/{ORGANIZATION}/{ACCOUNT}/CloudTrail/us-east-1/2026/03/10/"
    name = "ä\x1b[2J\nvalid: every file is intact\u202e.json.gz"
    archive.world.put(BUCKET, folder + name, b"x")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    ran = verify(*NAMED, *WINDOW)
    assert ran.returncode == 2, ran.stderr
    assert "Traceback" not in ran.stderr
    assert "\x1b" not in ran.stdout
    assert r"\xe4\x1b[2J\nvalid: every file is intact\u202e.json.gz" in ran.stdout
    assert told(*NAMED, *WINDOW)[1]["findings"][0]["key"] == folder + name


def test_a_sample_verifies_by_its_environment(tmp_path: Path) -> None:
    env = ("--env", "envs/healthcare.tfvars")
    folder = tmp_path / "sample"
    made = subprocess.run(
        [sys.executable, "-m", "orgtrail.cli", "sample", str(folder), *env, "--days", "1",
         "--events-per-day", "200"],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    code, answer = told(*env, "--logs", str(folder), "--last", "20h")
    assert (code, answer["verdict"], answer["findings"]) == (0, "valid", [])
    assert answer["digests"]["valid"] > 100
    (folder / "public-keys.json").rename(folder / "keys.json")
    keys = ("--public-keys", str(folder / "keys.json"))
    assert told(*env, "--logs", str(folder), "--last", "20h", *keys)[0] == 0


def test_ctrl_c_leaves_a_state(archive: Archive, tmp_path: Path) -> None:
    archive.write()
    archive.write(OTHER)
    archive.world.delay = 0.02
    archive.write(region="eu-west-1")
    held = archive.write(OTHER, region="eu-west-1")
    archive.world.faults[f"/{BUCKET}/{held[3].key}"] = ["always hang"]
    # A shell's background job ignores Ctrl-C, and so would what it starts.
    start = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); "
        "os.execv(sys.executable, [sys.executable, '-m', 'orgtrail.cli', *sys.argv[1:]])"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", start, "verify", *NAMED, *WINDOW],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 30
    while sum(".json.gz" in each for each in archive.world.asked) < 3 * (12 + FILES):
        assert time.monotonic() < until
        time.sleep(0.05)
    time.sleep(1)
    running.send_signal(signal.SIGINT)
    try:
        out, err = running.communicate(timeout=30)
    finally:
        running.kill()
    assert (running.returncode, out) == (2, "")
    assert err == (
        "interrupted; what was verified is kept in orgtrail-verify.state: go on with --resume\n"
    )
    archive.world.faults.clear()
    ran = verify(*NAMED, "--resume", "--format", "json", cwd=tmp_path)
    answer = json.loads(ran.stdout)
    assert (ran.returncode, answer["verdict"]) == (0, "valid")
    assert answer["trusted"]["digests"] > 0
    assert not (tmp_path / "orgtrail-verify.state").exists()


@pytest.mark.skipif(not AWS.exists(), reason="awscli is not installed; `make test` installs it")
def test_awscli_counts_the_same(archive: Archive) -> None:
    for account, region in ((ACCOUNT, "us-east-1"), (OTHER, "eu-west-1")):
        first = archive.write(account, region, hours=5)
        archive.write(account, region, start=BEGIN + 5 * HOUR, hours=4, before=first[-1], key=1)
        archive.write(account, region, start=BEGIN + 9 * HOUR + MINUTE, hours=9)
    for account, region in ((ACCOUNT, "us-east-1"), (OTHER, "eu-west-1")):
        for hour in (18, 21) if account == ACCOUNT else (19,):
            window = (f"2026-03-10T{hour}:30:00Z", "2026-03-11T04:50:00Z")
            theirs = _awscli(account, region, *window)
            only = ("--account", account, "--region", region)
            code, ours = told(*NAMED, *only, "--from", window[0], "--to", window[1])
            # Where a chain was begun again, awscli sees nothing.
            assert (code, [each["kind"] for each in ours["findings"]]) == (2, ["gap"])
            assert theirs == (ours["digests"]["valid"], ours["logs"]["valid"])


def _awscli(account: str, region: str, start: str, end: str) -> tuple[int, int]:
    ran = subprocess.run(
        [str(AWS), "cloudtrail", "validate-logs", "--trail-arn", ARN, "--region", region,
         "--account-id", account, "--start-time", start, "--end-time", end],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = {}
    for line in ran.stdout.splitlines():
        for kind in ("digest", "log"):
            if f" {kind} files valid" in line:
                valid, _, total = line.split()[0].partition("/")
                assert valid == total
                found[kind] = int(valid)
    return found["digest"], found["log"]


def test_the_page_names_the_requests_in_flight() -> None:
    page = (ROOT / "docs" / "integrity.md").read_text(encoding="utf-8")
    assert f"`--workers` requests ({DEFAULT_WORKERS}) are in flight" in page
