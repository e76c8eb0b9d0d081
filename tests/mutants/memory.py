"""Remembers the check's decisions: of a mutant's, few are about the statement that changes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable
from dataclasses import replace

from orgtrail.iam import evaluator
from orgtrail.iam.evaluator import Decision, Policies
from orgtrail.iam.policy import Policy, Statement
from orgtrail.iam.request import Request

Evaluate = Callable[[Request, Policies], Decision]


class Memory:
    """Decides as the evaluator does, a request once for the statements that are about its action.

    Args:
        evaluate: the evaluator; what it answers follows from the request, those statements, and
            the policies' names.

    """

    def __init__(self, evaluate: Evaluate) -> None:
        self._evaluate = evaluate
        self._decisions: dict[Hashable, Decision] = {}
        self._known: dict[Policy | Statement, int] = {}
        self._firsts: dict[Statement, Statement] = {}
        self._about: dict[tuple[int, str], Hashable] = {}
        self._numbers: dict[int, tuple[Policy, int]] = {}

    def begin(self) -> None:
        """Forget which objects are which policy: the next check has policies of its own."""
        self._numbers = {}

    def evaluate(self, request: Request, policies: Policies) -> Decision:
        key = self._key(request, policies)
        if key not in self._decisions:
            self._decisions[key] = self._evaluate(request, policies)
        return self._decisions[key]

    def _key(self, request: Request, policies: Policies) -> Hashable:
        action, controls, boundary = request.action, policies.controls, policies.boundary
        return (
            request.caller, action, request.resource, request.account,
            tuple(request.context.items()),
            self._several(policies.identity, action),
            policies.resource and self._one(policies.resource, action),
            None if boundary is None else self._several(boundary, action),
            controls.organization, controls.management,
            tuple([self._several(each, action) for each in controls.service]),
            tuple([self._several(each, action) for each in controls.resource]),
        )  # fmt: skip

    def _several(self, policies: tuple[Policy, ...], action: str) -> Hashable:
        return tuple([self._one(each, action) for each in policies])

    def _one(self, policy: Policy, action: str) -> Hashable:
        """Return a policy's name, and a number for each statement that is about an action."""
        held = self._numbers.get(id(policy))
        if held is None:
            # Held beside its number, the policy cannot leave its id to another.
            held = self._numbers[id(policy)] = policy, self._number(policy)
        about = self._about.get((held[1], action))
        if about is None:
            # Which other actions a statement is about makes no difference.
            numbers = tuple(
                [
                    self._number(replace(each, actions=()))
                    for each in policy.statements
                    if self._first(each).is_about(action)
                ]
            )
            about = self._about[held[1], action] = (policy.name, numbers)
        return about

    def _first(self, statement: Statement) -> Statement:
        """Return the first equal statement: it remembers which actions it is about."""
        return self._firsts.setdefault(statement, statement)

    def _number(self, one: Policy | Statement) -> int:
        return self._known.setdefault(one, len(self._known))


def remember() -> Memory:
    """Put a memory in the place of the evaluator, in this process."""
    memory = Memory(evaluator.evaluate)
    for name, module in list(sys.modules.items()):
        ours = name.startswith("orgtrail.check.")
        if ours and getattr(module, "evaluate", None) is evaluator.evaluate:
            vars(module)["evaluate"] = memory.evaluate
    return memory
