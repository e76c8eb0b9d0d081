"""Reach: what follows from a permission, by the roles that somebody can assume or drive.

Who may not do something may still start what does it: by a trust that can be rewritten, by passing
a role to a service, by a build or a schedule that uses one. The steps are followed until no further
role is reached. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orgtrail.check.asking import Asker
from orgtrail.check.findings import Finding, Severity, listed
from orgtrail.check.matrix import Cell
from orgtrail.check.model import Flow, FlowKind, IamRole
from orgtrail.check.principals import Principal
from orgtrail.iam.policy import Policy
from orgtrail.iam.request import Caller, Kind, RequestContext

RULE = "reach"
_LISTED = 3
_RUNS = {
    "codebuild.amazonaws.com": ("codebuild:CreateProject", "project/somebody-elses"),
    "scheduler.amazonaws.com": ("scheduler:CreateSchedule", "schedule-group/default"),
    "lambda.amazonaws.com": ("lambda:CreateFunction", "function:somebody-elses"),
    "ec2.amazonaws.com": ("ec2:RunInstances", "instance/i-00000000000000000"),
    "ecs-tasks.amazonaws.com": ("ecs:RunTask", "task-definition/somebody-elses:1"),
    "glue.amazonaws.com": ("glue:CreateJob", "job/somebody-elses"),
    "states.amazonaws.com": ("states:CreateStateMachine", "stateMachine:somebody-elses"),
    "events.amazonaws.com": ("events:PutTargets", "rule/somebody-elses"),
    "cloudformation.amazonaws.com": ("cloudformation:CreateStack", "stack/somebody-elses/0"),
    "sagemaker.amazonaws.com": ("sagemaker:CreateNotebookInstance", "notebook-instance/any"),
    "ssm.amazonaws.com": ("ssm:StartAutomationExecution", "automation-execution/any"),
}
"""By service that runs what it is told: the action that starts it, and what is made so."""
_DRIVES = {
    FlowKind.BUILD: (
        "codebuild:StartBuild", "codebuild:StartBuildBatch", "codebuild:StartSandbox",
        "codebuild:UpdateProject",
    ),
    FlowKind.SCHEDULE: ("scheduler:UpdateSchedule",),
}  # fmt: skip
"""By kind of flow: what makes it do something else with its role."""


@dataclass(frozen=True)
class Reach:
    """A role that somebody who is no such role can act as.

    Args:
        principal: who.
        role: the role.
        steps: what is done for it, in order, such as `scheduler:UpdateSchedule on ...`.

    """

    principal: Principal
    role: IamRole
    steps: tuple[str, ...]


def reached(asker: Asker, principals: list[Principal]) -> list[Reach]:
    """Return every role that each principal reaches, in the fewest steps."""
    found = []
    for who in principals:
        if who.caller.kind not in (Kind.ROLE, Kind.USER, Kind.ROOT):
            continue
        seen = {who.caller.arn}
        waiting: list[tuple[Caller, tuple[Policy, ...], tuple[str, ...]]] = [
            (who.caller, who.policies, ())
        ]
        while waiting:
            caller, identity, steps = waiting.pop(0)
            for role in asker.model.roles:
                if role.arn in seen:
                    continue
                how = next(_ways(asker, caller, identity, role), "")
                if how:
                    seen.add(role.arn)
                    path = (*steps, how)
                    found.append(Reach(who, role, path))
                    itself = Caller(Kind.ROLE, role.arn, role.account, asker.model.organization)
                    waiting.append((itself, role.policies, path))
    return found


def _ways(
    asker: Asker, caller: Caller, identity: tuple[Policy, ...], role: IamRole
) -> Iterator[str]:
    """Yield how a caller can act as a role."""

    def may(action: str, resource: str, context: RequestContext | None = None) -> bool:
        return asker.ask(caller, identity, action, resource, context, at_worst=True).is_allowed

    name = role.arn.rpartition("/")[2]
    if may("sts:AssumeRole", role.arn):
        yield f"sts:AssumeRole on {name}"
    if caller.account != role.account:
        return
    if may("iam:UpdateAssumeRolePolicy", role.arn):
        yield f"iam:UpdateAssumeRolePolicy on {name}, and then sts:AssumeRole"
    for action, arn in _that_drive(asker, role):
        if may(action, arn):
            yield f"{action} on {arn.rpartition(':')[2]}, which uses {name}"
    for service, action, made in _that_run(asker, role):
        if may("iam:PassRole", role.arn, {"iam:PassedToService": service}) and may(action, made):
            yield f"iam:PassRole on {name} with {action}"


def _that_drive(asker: Asker, role: IamRole) -> Iterator[tuple[str, str]]:
    """Yield each action that makes a build or a schedule do something else with a role."""
    for flow in asker.model.flows:
        if flow.role == role.arn:
            yield from ((action, _arn_of(asker, flow)) for action in _DRIVES.get(flow.kind, ()))


def _that_run(asker: Asker, role: IamRole) -> Iterator[tuple[str, str, str]]:
    """Yield each service that a role trusts with something new, and how it is made to run it."""
    for service in _services(role):
        action, resource = _RUNS[service]
        prefix = action.partition(":")[0]
        made = f"arn:{asker.model.partition}:{prefix}:{role.region}:{role.account}:{resource}"
        source = {"aws:SourceAccount": role.account, "aws:SourceArn": made}
        runs = asker.ask(Caller(Kind.SERVICE, service), (), "sts:AssumeRole", role.arn, source)
        if runs.is_allowed:
            yield service, action, made


def _services(role: IamRole) -> list[str]:
    named = (
        name
        for each in role.trust.statements
        if each.allows and not each.doubt
        for name in each.principals_of("Service")
    )
    return [each for each in dict.fromkeys(named) if each in _RUNS]


def _arn_of(asker: Asker, flow: Flow) -> str:
    """Return the ARN of a build project or schedule."""
    if flow.kind is FlowKind.BUILD:
        return flow.source
    group = flow.source.rpartition("/")[2]
    name = next(
        (each.name for each in asker.model.automations if each.address == flow.address), "any"
    )
    start = flow.source.rpartition(":")[0]
    return f"{start}:schedule/{group}/{name}"


def reach_findings(
    asker: Asker, found: list[Reach], cells: list[Cell], *, by_setting: bool
) -> Iterator[Finding]:
    """Yield a finding for each role by which somebody can do what is not meant for them."""
    # A role that only a service can be does what the service is told, and no more.
    of_services = {each.role for each in asker.model.flows}
    by_caller: dict[str, dict[str, Cell]] = {}
    for cell in cells:
        by_caller.setdefault(cell.principal.caller.arn, {})[cell.attack.title] = cell
    for each in found:
        if each.principal.caller.arn in of_services:
            continue
        own = by_caller.get(each.principal.caller.arn, {})
        role = by_caller.get(each.role.arn, {})
        gained = [
            cell
            for title, cell in role.items()
            if cell.decision.is_allowed
            and title in own
            and not own[title].is_intended
            and not own[title].decision.is_allowed
        ]
        if gained:
            acts = [f"{one.attack.title} ({one.action})" for one in gained]
            yield Finding(
                Severity.HIGH,
                RULE,
                "guardrails" if by_setting else each.role.address,
                f"{each.principal.title} can act as the role {each.role.arn.rpartition('/')[2]} "
                f"by {', then '.join(each.steps)}, and so {listed(acts, _LISTED)}. "
                "Deny a step.",
            )
