"""The evaluator: what limits whom, and where it says that it cannot decide."""

from __future__ import annotations

from typing import Any

import pytest
from orgtrail.iam.evaluator import ControlPolicies, Decision, Policies, Verdict, evaluate
from orgtrail.iam.policy import Policy, PolicyError, opaque, parse
from orgtrail.iam.request import Caller, Kind, Request, RequestContext

from tests.conftest import Json

ORGANIZATION, MANAGEMENT, LOGGING, MEMBER = (
    "o-examplebank", "111111111111", "222222222222", "333333333333",
)  # fmt: skip
BUCKET = "arn:aws:s3:::archive"
LOG = f"{BUCKET}/log.json.gz"
KEY = f"arn:aws:kms:us-east-1:{LOGGING}:key/1"


def policy(*statements: Json, name: str = "policy", version: str = "2012-10-17") -> Policy:
    return parse(name, {"Version": version, "Statement": list(statements)})


def allow(action: str = "*", resource: str = "*", **more: Any) -> Json:
    return {"Sid": "Grants", "Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str = "*", resource: str = "*", **more: Any) -> Json:
    return {"Sid": "Denies", "Effect": "Deny", "Action": action, "Resource": resource, **more}


ALL = policy(allow(), name="all")


def role(account: str = LOGGING, name: str = "team/reader", of: str = ORGANIZATION) -> Caller:
    return Caller(Kind.ROLE, f"arn:aws:iam::{account}:role/{name}", account, of)


def root(account: str) -> Caller:
    return Caller(Kind.ROOT, f"arn:aws:iam::{account}:root", account, ORGANIZATION)


def user(account: str = LOGGING) -> Caller:
    return Caller(Kind.USER, f"arn:aws:iam::{account}:user/ann", account, ORGANIZATION)


def asked(
    caller: Caller,
    action: str = "s3:GetObject",
    resource: str = LOG,
    context: RequestContext | None = None,
    account: str = LOGGING,
) -> Request:
    return Request(caller, action, resource, account, context or {})


def verdict(request: Request, **policies: Any) -> Verdict:
    return evaluate(request, Policies(**policies)).verdict


def controls(*, scp: Policy | None = None, rcp: Policy | None = None) -> ControlPolicies:
    return ControlPolicies(
        ORGANIZATION,
        MANAGEMENT,
        service=((ALL, scp),) if scp else (),
        resource=((ALL, rcp),) if rcp else (),
    )


def test_the_statement_that_decided_is_told() -> None:
    request = asked(role())
    bucket = policy(deny(Principal="*"), name="the archive's policy")
    assert evaluate(request, Policies((ALL,), bucket)) == Decision(
        Verdict.EXPLICIT_DENY, "the archive's policy: Denies"
    )
    assert evaluate(request, Policies((ALL,))) == Decision(Verdict.ALLOW, "all: Grants")
    assert evaluate(request, Policies()) == Decision(
        Verdict.IMPLICIT_DENY, "no policy of who asks allows it"
    )


@pytest.mark.parametrize(
    ("caller", "expected"),
    [
        (role(MEMBER), Verdict.EXPLICIT_DENY),
        (root(MEMBER), Verdict.EXPLICIT_DENY),
        (user(MEMBER), Verdict.EXPLICIT_DENY),
        (role(MANAGEMENT), Verdict.ALLOW),
        (root(MANAGEMENT), Verdict.ALLOW),
        (role(MEMBER, "aws-service-role/cloudtrail.amazonaws.com/X"), Verdict.ALLOW),
        (role("999999999999", of="o-another"), Verdict.ALLOW),
        (Caller(Kind.SERVICE, "cloudtrail.amazonaws.com"), Verdict.ALLOW),
        (Caller(Kind.ANONYMOUS), Verdict.ALLOW),
    ],
    ids=lambda each: getattr(each, "arn", str(each)) or "anonymous",
)
def test_an_scp_binds_members_but_not_the_management_account(
    caller: Caller, expected: Verdict
) -> None:
    open_bucket = policy(allow(Principal="*"))
    found = verdict(
        asked(caller),
        identity=(ALL,),
        resource=open_bucket,
        controls=controls(scp=policy(deny())),
    )
    assert found is expected


@pytest.mark.parametrize(
    ("caller", "owner", "expected"),
    [
        (role(MEMBER), LOGGING, Verdict.EXPLICIT_DENY),
        (Caller(Kind.ANONYMOUS), LOGGING, Verdict.EXPLICIT_DENY),
        (Caller(Kind.SERVICE, "cloudtrail.amazonaws.com"), LOGGING, Verdict.EXPLICIT_DENY),
        (role(MEMBER), MANAGEMENT, Verdict.ALLOW),
        (role(MEMBER, "aws-service-role/cloudtrail.amazonaws.com/X"), LOGGING, Verdict.ALLOW),
    ],
)
def test_an_rcp_binds_everybody_but_not_what_management_owns(
    caller: Caller, owner: str, expected: Verdict
) -> None:
    rcp = policy(deny("s3:*", Principal="*"))
    found = verdict(
        asked(caller, account=owner),
        identity=(ALL,),
        resource=policy(allow(Principal="*")),
        controls=controls(rcp=rcp),
    )
    assert found is expected


def test_every_level_of_scps_has_to_allow() -> None:
    few = policy(allow("kms:*"), name="only kms")
    levels = ControlPolicies(ORGANIZATION, MANAGEMENT, service=((ALL,), (few,)))
    decision = evaluate(asked(role(MEMBER)), Policies((ALL,), policy(allow(Principal="*")),
                                                      controls=levels))  # fmt: skip
    assert decision == Decision(Verdict.IMPLICIT_DENY, "no SCP allows it: only kms")


@pytest.mark.parametrize("action", ["s3:PutBucketPolicy", "s3:DeleteBucketPolicy"])
def test_the_buckets_policy_cannot_deny_its_own_root_user_the_policy(action: str) -> None:
    denied = policy(deny(Principal="*"))
    assert verdict(asked(root(LOGGING), action, BUCKET), resource=denied) is Verdict.ALLOW
    assert verdict(asked(root(LOGGING)), resource=denied) is Verdict.EXPLICIT_DENY
    assert verdict(asked(role(), action, BUCKET), identity=(ALL,), resource=denied) is (
        Verdict.EXPLICIT_DENY
    )


@pytest.mark.parametrize(
    ("principal", "identity", "expected"),
    [
        (f"arn:aws:iam::{LOGGING}:root", (ALL,), Verdict.ALLOW),
        (f"arn:aws:iam::{LOGGING}:root", (), Verdict.IMPLICIT_DENY),
        (LOGGING, (ALL,), Verdict.ALLOW),
        (f"arn:aws:iam::{LOGGING}:role/team/reader", (), Verdict.ALLOW),
        (f"arn:aws:iam::{LOGGING}:role/other", (ALL,), Verdict.IMPLICIT_DENY),
        (f"arn:aws:iam::{MEMBER}:root", (ALL,), Verdict.IMPLICIT_DENY),
    ],
)
def test_iam_counts_for_a_key_only_where_its_policy_says_so(
    principal: str, identity: tuple[Policy, ...], expected: Verdict
) -> None:
    key = policy(allow("kms:*", Principal={"AWS": principal}))
    assert verdict(asked(role(), "kms:Decrypt", KEY), identity=identity, resource=key) is expected


def test_another_account_needs_both_sides() -> None:
    request = asked(role(MEMBER))
    bucket = policy(allow(Principal={"AWS": f"arn:aws:iam::{MEMBER}:root"}))
    assert verdict(request, identity=(ALL,), resource=bucket) is Verdict.ALLOW
    assert verdict(request, resource=bucket) is Verdict.IMPLICIT_DENY
    assert verdict(request, identity=(ALL,)) is Verdict.IMPLICIT_DENY


def test_a_boundary_limits_what_it_does_not_allow() -> None:
    boundary = (policy(allow("kms:*")),)
    assert verdict(asked(role()), identity=(ALL,), boundary=boundary) is Verdict.IMPLICIT_DENY
    exactly = policy(allow(Principal={"AWS": role().session_arn}))
    by_role = policy(allow(Principal={"AWS": role().arn}))
    assert verdict(asked(role()), resource=exactly, boundary=boundary) is Verdict.ALLOW
    assert verdict(asked(role()), resource=by_role, boundary=boundary) is Verdict.IMPLICIT_DENY
    anybody = policy(allow(Principal="*"))
    assert verdict(asked(role()), resource=anybody, boundary=boundary) is Verdict.UNDECIDED


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, "nothing is known of the condition key aws:SourceIp"),
        ({"StringEquals": {"aws:PrincipalTag/team": "audit"}}, "nothing is known of the condition key aws:PrincipalTag/team"),
        ({"StringFoo": {"aws:PrincipalOrgID": "o-1"}}, "the operator of StringFoo aws:PrincipalOrgID is not known here"),
        ({"BinaryEquals": {"aws:PrincipalOrgID": "bz0="}}, "the operator of BinaryEquals aws:PrincipalOrgID is not known here"),
        ({"Null": {"aws:PrincipalOrgID": "maybe"}}, "Null aws:PrincipalOrgID is neither true nor false"),
        ({"ArnLike": {"aws:PrincipalArn": "*"}}, "* is no ARN"),
        ({"NumericLessThan": {"aws:PrincipalAccount": "many"}}, "many and 222222222222 cannot be compared"),
        ({"StringEquals": {"aws:PrincipalAccount": "${aws:FederatedProvider}"}}, "nothing is known of the condition key aws:FederatedProvider"),
        ({"StringNotEquals": {"aws:PrincipalAccount": "${s3:prefix}"}}, "a policy variable of StringNotEquals aws:PrincipalAccount has no value in the request"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_not_guessed(condition: Json, reason: str) -> None:
    """Whether the statement allows or denies, its outcome is open."""
    granted = policy(allow(Condition=condition))
    assert evaluate(asked(role()), Policies((granted,))) == Decision(
        Verdict.UNDECIDED, f"policy: Grants: {reason}"
    )
    denied = policy(allow(), deny(Condition=condition))
    assert verdict(asked(role()), identity=(denied,)) is Verdict.UNDECIDED


def test_what_is_not_known_does_not_matter_where_all_else_decides() -> None:
    unknown = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    known_too = policy(allow(), allow(Condition=unknown))
    assert verdict(asked(role()), identity=(known_too,)) is Verdict.ALLOW
    denied = policy(allow(), deny(Condition=unknown), deny(), name="both")
    assert evaluate(asked(role()), Policies((denied,))) == Decision(
        Verdict.EXPLICIT_DENY, "both: Denies"
    )
    never = policy(deny(Condition=unknown))
    assert verdict(asked(role()), identity=(never,)) is Verdict.IMPLICIT_DENY


def test_a_request_may_say_what_is_not_known_of_everybody() -> None:
    unknown = {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]}}
    here = {"aws:SourceIp": "10.1.2.3"}
    granted = (policy(allow(Condition=unknown)),)
    assert verdict(asked(role(), context=here), identity=granted) is Verdict.ALLOW
    there = {"aws:SourceIp": "192.0.2.1"}
    assert verdict(asked(role(), context=there), identity=granted) is Verdict.IMPLICIT_DENY


def test_a_policy_that_is_not_known_decides_nothing() -> None:
    unread = opaque("the archive's policy", "it is not known before the deploy")
    decision = evaluate(asked(role()), Policies((ALL,), unread))
    assert decision == Decision(
        Verdict.UNDECIDED, "the archive's policy: it is not known before the deploy"
    )


def test_a_wildcard_that_reaches_over_the_parts_of_an_arn_is_not_guessed() -> None:
    assert verdict(asked(role()), identity=(policy(allow(resource="arn:aws:s3*")),)) is (
        Verdict.UNDECIDED
    )
    assert verdict(asked(role()), identity=(policy(allow(resource="arn:aws:s3:::arch*")),)) is (
        Verdict.ALLOW
    )


def test_variables_are_those_of_the_newer_version() -> None:
    own = f"{BUCKET}/${{aws:PrincipalAccount}}/*"
    request = asked(role(), resource=f"{BUCKET}/{LOGGING}/log")
    assert verdict(request, identity=(policy(allow(resource=own)),)) is Verdict.ALLOW
    older = policy(allow(resource=own), version="2008-10-17")
    assert verdict(request, identity=(older,)) is Verdict.IMPLICIT_DENY
    # What a variable holds is literal, a wildcard in it too.
    star = asked(role(), resource=f"{BUCKET}/any", context={"s3:prefix": "*"})
    by_prefix = policy(allow(resource=f"{BUCKET}/${{s3:prefix}}"))
    assert verdict(star, identity=(by_prefix,)) is Verdict.IMPLICIT_DENY


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("${s3:prefix, 'z'}", Verdict.ALLOW),
        ("${s3:prefix, ''}", Verdict.IMPLICIT_DENY),
        ("${s3:prefix}", Verdict.IMPLICIT_DENY),
        ("${s3:prefix,'z'}", Verdict.UNDECIDED),
        ("${s3:prefix,  'z'}", Verdict.UNDECIDED),
        ("${s3:prefix , 'z'}", Verdict.UNDECIDED),
        ("${s3:prefix, z}", Verdict.UNDECIDED),
        ("${s3:prefix }", Verdict.UNDECIDED),
    ],
)
def test_a_default_follows_its_variable_as_aws_documents(variable: str, expected: Verdict) -> None:
    granted = policy(allow(resource=f"{BUCKET}/{variable}"))
    assert verdict(asked(role(), resource=f"{BUCKET}/z"), identity=(granted,)) is expected


def test_a_not_principal_needs_role_session_and_account() -> None:
    caller = role()

    def spared(*names: str) -> Verdict:
        bucket = policy({"Sid": "Denies", "Effect": "Deny", "Action": "*", "Resource": "*",
                         "NotPrincipal": {"AWS": list(names)}})  # fmt: skip
        return verdict(asked(caller), identity=(ALL,), resource=bucket)

    assert spared("arn:aws:iam::999999999999:root") is Verdict.EXPLICIT_DENY
    assert spared(caller.arn) is Verdict.UNDECIDED
    assert spared(caller.arn, caller.session_arn, caller.root) is Verdict.ALLOW
    assert spared("*") is Verdict.ALLOW


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ([], "policy must be an object"),
        ({"Statement": []}, "policy must have a list of statements"),
        ({"Statement": ["x"]}, "policy: statement 1 must be an object"),
        ({"Statement": {"Effect": "Permit"}}, "policy: statement 1 must have the effect Allow or Deny"),
        ({"Statement": {"Effect": "Allow"}}, "policy: statement 1 must have Action or NotAction"),
        ({"Statement": {"Sid": "A", "Effect": "Allow", "Action": "*", "NotAction": "*"}}, "policy: A has both Action and NotAction"),
        ({"Statement": {"Effect": "Allow", "Actions": "*"}}, "policy: statement 1 has Actions, which no policy has"),
        ({"Statement": {"Effect": "Allow", "Action": 7}}, "policy: statement 1 must have text where it has 7"),
        ({"Statement": {"Effect": "Allow", "Action": "*", "Condition": []}}, "policy: statement 1 must have an object as its condition"),
        ({"Statement": {"Effect": "Allow", "Action": "*", "Condition": {"Bool": 1}}}, "policy: statement 1 must have an object under Bool"),
        ({"Statement": {"Effect": "Allow", "Action": "*", "Principal": "me"}}, 'policy: statement 1 must have "*" or an object as its principal'),
    ],
)  # fmt: skip
def test_what_is_no_policy_is_told(document: Any, complaint: str) -> None:
    with pytest.raises(PolicyError) as told:
        parse("policy", document)
    assert str(told.value) == complaint
