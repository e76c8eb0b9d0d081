"""Who can: everybody who may do an action, by the policies of a stack, and what decides.

Everybody is whom the access matrix asks about, every role of the stack with its own policies, and
a caller for each class that a policy tells apart. What a caller can choose (a service that it calls
through, an encryption context, a header, an external id) it states as the statements ask for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from orgtrail.check.asking import Asker
from orgtrail.check.choosing import avoiding, is_chosen, without_mfa
from orgtrail.check.classes import classes, satisfying
from orgtrail.check.intent import Intent
from orgtrail.check.principals import principals
from orgtrail.check.resources import Resource, resources
from orgtrail.errors import OrgtrailError
from orgtrail.iam import reference
from orgtrail.iam.evaluator import Decision
from orgtrail.iam.patterns import sample
from orgtrail.iam.policy import Policy, Statement
from orgtrail.iam.reference import Action
from orgtrail.iam.request import WITHOUT_ACCOUNT, Caller, Kind, RequestContext

MOST = 300
"""Most actions that a pattern may cover: more are no question that a person reads."""
_OF_OWN = "On * everybody asks in the account that is its own."


@dataclass(frozen=True)
class Asked:
    """One caller who is asked about.

    Args:
        title: who it is, in words.
        caller: how AWS sees it.
        policies: its identity policies.
        context: the condition keys of all of its requests.

    """

    title: str
    caller: Caller
    policies: tuple[Policy, ...]
    context: RequestContext


@dataclass(frozen=True)
class Answer:
    """What AWS decides about one caller, action and resource.

    Args:
        who: who asks, in words.
        principal: the ARN or the service's name; empty for the anonymous public.
        action: the action.
        resource: the resource.
        needs: the condition keys that the caller has to state; never their values, of which an
            external id is a secret.
        decision: what AWS decides.

    """

    who: str
    principal: str
    action: str
    resource: str
    needs: tuple[str, ...]
    decision: Decision


@dataclass(frozen=True)
class Question:
    """What is asked: pairs of an action and a resource, and what to know about them.

    Args:
        asked: the pairs.
        notes: what the answer does not cover, in sentences.

    """

    asked: tuple[tuple[str, Resource], ...]
    notes: tuple[str, ...] = ()


def question(asker: Asker, intent: Intent, pattern: str, resource: str = "") -> Question:
    """Return the question that an action and a resource make.

    Args:
        asker: decides requests.
        intent: who is meant to be able to do what.
        pattern: an action of AWS, or a pattern such as `s3:Delete*`.
        resource: an ARN, or an address of the stack; by default every resource of the stack that
            the action is about, or `*` if there is none.

    Raises:
        OrgtrailError: AWS has no such action, the stack no such address, or the action is not
            about the resource.

    """
    actions = actions_of(pattern)
    known = resources(asker.model, intent)
    if resource:
        return _about(asker, actions, pattern, resource, known)
    pairs = [(each.name, one) for each in actions for one in known if one.fits(each)]
    everything = Resource("", "*", "")
    pairs += [(each.name, everything) for each in actions if not each.resources]
    if not pairs:
        note = (
            f"Nothing in this stack is what {pattern} is about: decided for *, by the policies of "
            "who asks and of the organization alone."
        )
        return Question(tuple((each.name, everything) for each in actions), (note, _OF_OWN))
    of_own = (_OF_OWN,) if any(one is everything for _, one in pairs) else ()
    left_out = len(actions) - len({name for name, _ in pairs})
    note = f"{left_out:,} of {len(actions):,} actions are about nothing in this stack: left out."
    return Question(tuple(pairs), (*of_own, *((note,) if left_out else ())))


def actions_of(pattern: str) -> tuple[Action, ...]:
    """Return the actions of AWS that a name or pattern means.

    Raises:
        OrgtrailError: there is none, or there are too many.

    """
    if "*" not in pattern and "?" not in pattern:
        found = reference.action(pattern)
        if found:
            return (found,)
        raise OrgtrailError(f"ACTION must be an action of AWS; got {pattern}{_nearest(pattern)}")
    all_found = reference.matching(pattern)
    if not all_found:
        raise OrgtrailError(f"ACTION must cover an action of AWS; got {pattern}")
    if len(all_found) > MOST:
        raise OrgtrailError(
            f"ACTION must cover {MOST} actions at most; {pattern} covers {len(all_found):,}: "
            "name the service and a part of the name, such as s3:Delete*"
        )
    return all_found


def _nearest(name: str) -> str:
    """Return a hint at the action that an unknown name may have meant."""
    prefix, colon, _ = name.partition(":")
    if not colon:
        return "; write the service first, such as s3:GetObject"
    if not reference.has_service(prefix):
        near = get_close_matches(prefix.lower(), reference.services(), n=1)
        service = f"; did you mean {near[0]}:?" if near else ""
        return f", and AWS has no service {prefix}{service}"
    names = {each.name.lower(): each.name for each in reference.matching(f"{prefix}:*")}
    close = get_close_matches(name.lower(), names, n=1, cutoff=0.4)
    return f"; did you mean {names[close[0]]}?" if close else ""


def _about(
    asker: Asker,
    actions: Sequence[Action],
    pattern: str,
    resource: str,
    known: Sequence[Resource],
) -> Question:
    notes: tuple[str, ...] = ()
    if resource == "*" or resource.startswith("arn:"):
        arn = sample(resource) if resource != "*" else "*"
        of_stack = next((each for each in known if each.arn == arn), None)
        found = [of_stack or Resource("", arn, "")]
        if not of_stack and asker.target(arn) is None and arn != "*":
            notes = (
                f"{resource} is not of this stack: a policy of its own is not known here, and "
                "takes no part.",
            )
    else:
        found = [each for each in known if each.address == resource]
        if not found:
            addresses = sorted({each.address for each in known if each.address})
            near = get_close_matches(resource, addresses, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(addresses)}"
            raise OrgtrailError(
                f"RESOURCE must be an ARN or an address of the stack; got {resource}; {hint}"
            )
    pairs = [(each.name, one) for each in actions for one in found
             if one.fits(each) or one.arn == "*"]  # fmt: skip
    if not pairs:
        types = list(dict.fromkeys(one for each in actions for one in each.resources))
        about = f"about {', '.join(types)}" if types else "about * alone: leave RESOURCE out"
        raise OrgtrailError(
            f"RESOURCE must be what {pattern} is about; got {resource}; the action is {about}"
        )
    return Question(tuple(pairs), notes)


def everybody(asker: Asker, intent: Intent) -> list[Asked]:
    """Return everybody who is asked about, once each: the matrix, the roles, then the classes."""
    model = asker.model
    found: dict[tuple[Caller, str], Asked] = {}

    def add(each: Asked) -> None:
        # Without a trail the accounts of its administrators are not known.
        if each.caller.account or each.caller.kind in WITHOUT_ACCOUNT:
            found.setdefault((each.caller, str(sorted(each.context.items()))), each)

    for row in principals(model, intent):
        add(Asked(row.title, row.caller, row.policies, row.context))
    for role in model.roles:
        caller = Caller(Kind.ROLE, role.arn, role.account, model.organization)
        add(Asked(f"the role {role.arn.rpartition('/')[2]}", caller, role.policies, {}))
    for attached, statement in model.statements:
        if statement.allows and not statement.doubt and statement.principals is not None:
            for who in classes(model, attached, statement):
                if not asker.role(who.caller.arn):
                    title = who.title.removesuffix(",")
                    add(Asked(title, who.caller, who.policies, who.context))
    return list(found.values())


def answers(asker: Asker, callers: Sequence[Asked], asked: Question) -> Iterator[Answer]:
    """Yield what AWS decides about each caller, action and resource."""
    for action, resource in asked.asked:
        for one in callers:
            needs, decision = _decide(asker, one, action, resource)
            yield Answer(one.title, one.caller.arn, action, resource.arn, needs, decision)


def _decide(
    asker: Asker, one: Asked, action: str, resource: Resource
) -> tuple[tuple[str, ...], Decision]:
    """Decide a request with the fewest keys that allow it; without any if nothing does."""

    def ask(context: RequestContext) -> Decision:
        given = {**context, **one.context}
        return asker.ask(one.caller, one.policies, action, resource.arn, given, resource.account)

    decided: list[Decision] = []
    for context in _contexts(asker, one, action, resource):
        decision = ask(context)
        if decision.is_allowed:
            needed = dict(context)
            for key in context:
                fewer = {name: value for name, value in needed.items() if name != key}
                if ask(fewer).is_allowed:
                    needed = fewer
            return tuple(needed), ask(needed)
        decided.append(decision)
    return (), next((each for each in decided if each.is_undecided), decided[0])


def _contexts(
    asker: Asker, one: Asked, action: str, resource: Resource
) -> Iterator[RequestContext]:
    """Yield what a caller may state: nothing, then what each statement asks for."""
    target = asker.target(resource.arn)
    owner = (target.account if target else resource.account) or one.caller.account
    controls = asker.controls(one.caller.account, owner)
    policies = [*one.policies, *([target.policy] if target and target.policy else [])]
    limits = [each for level in (*controls.service, *controls.resource) for each in level]
    about = [each for policy in (*policies, *limits) for each in policy.about(action)]
    avoided = avoiding(about)
    if one.caller.kind is Kind.ROLE:
        avoided = without_mfa(avoided)
    asked_for = [_stated(each, one.caller) for each in about if each.allows]
    seen: list[RequestContext] = []
    for stated in ({}, *asked_for):
        for context in (stated, {**avoided, **stated}):
            if context not in seen:
                seen.append(context)
                yield context


def _stated(statement: Statement, caller: Caller) -> dict[str, str | tuple[str, ...]]:
    """Return the keys that a caller has to state to meet a statement that allows."""
    given = satisfying(statement, caller)
    return {key: value for key, value in given.items() if is_chosen(key)}
