"""The one way to AWS: what each error means, and what each command does with role and profile."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from botocore import exceptions
from botocore.exceptions import ClientError
from orgtrail.aws import Cause, cause_of, explain, session, user_agent
from orgtrail.cli import query_run
from orgtrail.errors import OrgtrailError
from orgtrail.report.model import ReportRequest
from orgtrail.report.sections import repeat

from tests.conftest import ROOT, environment
from tests.log_records import SINCE, UNTIL
from tests.test_athena import JSON, asked

MODULES = ROOT / "modules" / "orgtrail"


def _error(code: str, message: str = "as told") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Any")


@pytest.mark.parametrize(
    ("code", "message", "cause", "step"),
    [
        ("AccessDenied", "", Cause.DENIED, ""),
        ("AccessDeniedException", "no identity-based policy allows it", Cause.DENIED, ""),
        (
            "AccessDeniedException",
            "User: arn is not authorized with an explicit deny in a service control policy",
            Cause.DENIED_BY_POLICY,
            "a statement of a service control policy denies it",
        ),
        (
            "AccessDenied",
            "not authorized with an explicit deny in a VPC endpoint policy",
            Cause.DENIED_BY_POLICY,
            "a statement of a VPC endpoint policy denies it",
        ),
        (
            "AccessDenied",
            "with an explicit deny in a permissions boundary",
            Cause.DENIED_BY_POLICY,
            "a statement of a permissions boundary denies it",
        ),
        (
            "AccessDenied",
            "with an explicit deny in an identity-based policy",
            Cause.DENIED_BY_POLICY,
            "a statement of an identity-based policy denies it",
        ),
        (
            "AccessDenied",
            "with an explicit deny in a resource control policy",
            Cause.DENIED_BY_POLICY,
            "a statement of a resource control policy denies it",
        ),
        ("ExpiredToken", "", Cause.CREDENTIALS, "renew the credentials"),
        ("ExpiredTokenException", "", Cause.CREDENTIALS, "renew the credentials"),
        ("RequestTimeTooSkewed", "", Cause.CLOCK, "set the clock"),
        ("KMS.DisabledException", "", Cause.KEY, "the KMS key cannot be used"),
        ("ThrottlingException", "", Cause.THROTTLED, "AWS throttles the requests"),
        ("KMS.ThrottlingException", "", Cause.THROTTLED, "AWS throttles the requests"),
        ("SlowDown", "", Cause.THROTTLED, "AWS throttles the requests"),
        ("UnrecognizedClientException", "", Cause.REGION, "the region is not enabled"),
        ("Strange", "", Cause.OTHER, ""),
    ],
)
def test_what_an_error_means(code: str, message: str, cause: Cause, step: str) -> None:
    found = explain(_error(code, message))
    assert (cause_of(code, message), found.cause, found.code) == (cause, cause, code)
    assert found.step.startswith(step)
    assert bool(found.step) == bool(step)
    assert found.reason.startswith(code)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (exceptions.NoCredentialsError(), Cause.CREDENTIALS),
        (exceptions.ProfileNotFound(profile="x"), Cause.CREDENTIALS),
        (exceptions.EndpointConnectionError(endpoint_url="https://x"), Cause.NETWORK),
        (exceptions.ReadTimeoutError(endpoint_url="https://x"), Cause.NETWORK),
        (ValueError("one\ntwo"), Cause.OTHER),
    ],
)
def test_what_comes_before_an_answer(error: Exception, cause: Cause) -> None:
    found = explain(error)
    assert (found.cause, found.code) == (cause, "")
    assert found.reason
    assert "\n" not in found.reason


def test_clients_say_who_they_are_and_give_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    config = session("eu-west-1").client("cloudtrail").meta.config
    assert user_agent() in config.user_agent
    assert user_agent().startswith("orgtrail/0.")
    assert config.retries["total_max_attempts"] > 1
    assert config.connect_timeout < 60
    assert config.read_timeout <= 60


def test_nothing_else_makes_a_session() -> None:
    makers = {
        path.relative_to(MODULES).as_posix()
        for path in MODULES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import) and any(each.name == "boto3" for each in node.names)
    }
    assert makers == {"aws.py"}


def test_a_question_is_asked_by_the_role_that_is_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "bank.tfvars"
    path.write_text((ROOT / "envs" / "healthcare.tfvars").read_text())
    given: list[Any] = []

    def session_in(*arguments: Any) -> Any:
        given.append(arguments[1:])
        raise OrgtrailError("no further")

    monkeypatch.setattr("orgtrail.aws.session_in", session_in)
    for access in ((None, None), ("auditor", "audit")):
        with pytest.raises(OrgtrailError, match="no further"):
            query_run.on_athena(asked(path), JSON, max_bytes=None, access=access)
    assert given == [("logging", None, None), ("logging", "auditor", "audit")]


def test_how_to_repeat_a_report_says_by_whom() -> None:
    made = ReportRequest(
        Path("x.tfvars"), environment(), SINCE, UNTIL, role="auditor", profile="audit"
    )
    assert made.options.endswith(" --role auditor --profile audit")
    assert repeat(made)["repeat"].endswith(" --role auditor --profile audit")
    assert "--role" not in ReportRequest(Path("x.tfvars"), environment(), SINCE, UNTIL).options
    assert (
        "--role"
        not in ReportRequest(
            Path("x.tfvars"), environment(), SINCE, UNTIL, logs=Path("copy"), role="auditor"
        ).options
    )
