"""What a caller chooses itself: a deny that hangs on it does not hold, for nobody has to choose it.

Whoever is asked about is taken at its worst: it signs in with MFA or without, and calls directly or
through a service, whichever the deny leaves out. A role's session never has MFA; an administrator
has it as a user, which it can make.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from orgtrail.iam.evaluator import Decision, Policies, evaluate
from orgtrail.iam.patterns import sample
from orgtrail.iam.policy import Statement
from orgtrail.iam.request import Caller, Kind, Request, RequestContext

_CHOSEN = (
    "aws:calledvia", "aws:multifactorauthage", "aws:multifactorauthpresent", "aws:requestedregion",
    "aws:requesttag/", "aws:tagkeys", "aws:viaawsservice",
)  # fmt: skip
"""The global keys, or how they start, that a caller can choose."""
_GIVEN = (
    "kms:calleraccount", "kms:resourcealiases", "kms:key", "kms:multiregion",
    "s3:existingobjecttag", "s3:resourceaccount", "s3:dataaccesspoint", "s3:accesspoint",
    "s3:accessgrants",
)  # fmt: skip
"""The keys of services, or how they start, that follow from the resource and not from the call."""
_VIA_SERVICE = ("aws:calledvia", "aws:viaawsservice")
_MFA = ("aws:multifactorauthpresent", "aws:multifactorauthage")
_CLOUDFORMATION = "cloudformation.amazonaws.com"
_DATA = re.compile(
    r"s3:.*Object.*|s3:List.*|kms:(Decrypt|Encrypt|ReEncrypt.*|Generate.*|Sign|Verify)|sns:Publish|"
    r"sqs:.*Message.*|logs:(Get|Put)LogEvents|athena:.*Query.*",
    re.IGNORECASE,
)
"""The actions on data, which no service makes for its caller but its own."""
_NEGATED = ("stringnot", "arnnot")

Chosen = dict[str, "str | tuple[str, ...]"]
NOTHING: RequestContext = {}


def decide_at_worst(
    request: Request,
    policies: Policies,
    fixed: RequestContext = NOTHING,
    *,
    can_be_user: bool = False,
) -> Decision:
    """Decide a request; if a deny hangs on what the caller chooses, as the caller would choose it.

    Args:
        request: the request.
        policies: the policies that take part.
        fixed: the condition keys that make the request what it is, which stay as they are.
        can_be_user: whether a role that asks stands for everybody whom its account allows the
            same, users too.

    """
    decision = evaluate(request, policies)
    caller = request.caller
    if decision.is_allowed or caller.kind is Kind.SERVICE:
        return decision
    stays = {key.lower() for key in fixed}
    about = (each for policy in policies.every for each in policy.about(request.action))
    avoided = {
        key: value
        for key, value in avoiding(about).items()
        if key.lower() not in stays and _can_be_so(key.lower(), value, request.action)
    }
    if caller.kind is Kind.ROLE and any(key.lower() in _MFA for key in avoided):
        if can_be_user:
            caller = _user_like(caller)
        else:
            avoided = without_mfa(avoided)
    if not avoided:
        return decision
    otherwise = replace(request, caller=caller, context={**request.context, **avoided})
    found = evaluate(otherwise, policies)
    return decision if found.is_denied else found


def without_mfa(stated: Chosen) -> Chosen:
    """Return what somebody states without the keys of MFA, which a role's session never has."""
    return {key: value for key, value in stated.items() if key.lower() not in _MFA}


def _user_like(role: Caller) -> Caller:
    """Return a user of a role's account."""
    arn = f"{role.arn.partition(':role/')[0]}:user/{role.arn.rpartition('/')[2]}"
    return Caller(Kind.USER, arn, role.account, role.organization)


def _can_be_so(key: str, value: str | tuple[str, ...], action: str) -> bool:
    """Return whether a request can state a key so: a service calls for somebody only as it works.

    CloudFormation changes what somebody tells it to, but reads and writes no data.
    """
    if not key.startswith(_VIA_SERVICE):
        return True
    return not _DATA.fullmatch(action) and value in ("true", "false", _CLOUDFORMATION)


def avoiding(statements: Iterable[Statement]) -> Chosen:
    """Return the keys that a caller has to state so that no deny of some statements applies."""
    avoided: Chosen = {}
    for each in statements:
        if not each.allows:
            avoided = {**_avoiding(each), **avoided}
    return avoided


def _avoiding(statement: Statement) -> Chosen:
    given: Chosen = {}
    for condition in statement.conditions:
        operator = condition.operator.lower().rpartition(":")[2].removesuffix("ifexists")
        if not condition.values or not is_chosen(condition.key):
            continue
        value = condition.values[0]
        if operator.startswith(_NEGATED):
            given[condition.key] = sample(value)
        elif operator == "bool":
            given[condition.key] = "false" if value.lower() == "true" else "true"
        elif operator == "null" and value.lower() == "true":
            given.setdefault(condition.key, "any")
    return given


@lru_cache(maxsize=4096)
def is_chosen(key: str) -> bool:
    """Return whether a caller can choose the value of a condition key as it likes.

    Tags, addresses and what identity providers say of somebody are not the caller's to choose;
    a decision that hangs on them is none.
    """
    name = key.lower()
    prefix, _, rest = name.partition(":")
    if prefix == "aws":
        return name.startswith(_CHOSEN)
    if "." in prefix or prefix == "saml":
        return rest == "aud"
    return "resourcetag/" not in name and not name.startswith(_GIVEN)


def is_global_choice(key: str) -> bool:
    """Return whether a key is a global one that a caller can choose, such as MFA."""
    return key.lower().startswith(_CHOSEN)
