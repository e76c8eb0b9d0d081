"""Sigma rules made up for the tests, each with records that it must find and near misses."""

from __future__ import annotations

from dataclasses import dataclass, field
from textwrap import indent
from typing import Any

from tests.log_records import Record, record

_HEAD = """\
title: {title}
status: test
logsource:
    product: aws
    service: cloudtrail
detection:
"""
_ROLE = {"type": "AssumedRole", "arn": "arn:aws:sts::333333333333:assumed-role/builder/eve"}


@dataclass(frozen=True)
class Case:
    """A rule.

    Args:
        name: what its file is called.
        detection: the part of the rule that matters.
        finds: records that it must find, by what they have beside the usual.
        misses: records that it must not find.

    """

    name: str
    detection: str
    finds: list[dict[str, Any]] = field(default_factory=list)
    misses: list[dict[str, Any]] = field(default_factory=list)

    @property
    def rule(self) -> str:
        """The rule's text."""
        return _HEAD.format(title=f"Made up for {self.name}") + indent(self.detection, "    ")

    @property
    def records(self) -> list[Record]:
        """All records, those to be found with `find` in their id."""
        return [
            record("s3:PutObject", **{**each, "eventID": f"{self.name} {kind} {number}"})
            for kind, group in (("find", self.finds), ("miss", self.misses))
            for number, each in enumerate(group)
        ]


def _asked(**given: Any) -> dict[str, Any]:
    return {"requestParameters": given}


def _agent(text: str | None) -> dict[str, Any]:
    return {"userAgent": text}


CASES = (
    Case(
        "capitals-do-not-matter",
        """\
any:
    EVENTSOURCE: KMS.amazonaws.com
    eventName: [ScheduleKeyDeletion, disablekey]
condition: any
""",
        [
            {"eventSource": "kms.amazonaws.com", "eventName": "DisableKey"},
            {"eventSource": "kms.Amazonaws.com", "eventName": "scheduleKeyDeletion"},
        ],
        [
            {"eventSource": "kms.amazonaws.com", "eventName": "DisableKeyRotation"},
            {"eventSource": "kms.amazonaws.com", "eventName": "EnableKey"},
            {"eventSource": "s3.amazonaws.com", "eventName": "DisableKey"},
        ],
    ),
    Case(
        "cased",
        """\
any:
    userAgent|cased: Tool
either:
    userAgent|contains|cased: [ABC*x, DEF]
condition: any or either
""",
        [_agent("Tool"), _agent("-ABC-x"), _agent("DEF")],
        [_agent("tool"), _agent("Tools"), _agent("abc-x"), _agent("def"), _agent(None)],
    ),
    Case(
        "signs",
        r"""
any:
    userAgent|contains: '100%_a!b\c''d'
condition: any
""",
        [_agent(r"<100%_A!b\c'd>")],
        [
            _agent(r"<100x_a!b\c'd>"), _agent(r"<100%xa!b\c'd>"), _agent(r"<100%_ab\c'd>"),
            _agent(r"<100%_a!bc'd>"), _agent(r"<100%_a!b\cd>"),
        ],
    ),
    Case(
        "no-way-out-of-quotes",
        r"""
any:
    userAgent:
        - "\\' OR 1=1 --"
        - "' OR '1'='1"
        - ":bounds :since organization_trail {condition}"
condition: any
""",
        [
            _agent(r"\' OR 1=1 --"), _agent("' OR '1'='1"),
            _agent(":bounds :since organization_trail {condition}"),
        ],
        [_agent("x"), _agent(None)],
    ),
    Case(
        "beyond-ascii",
        """\
any:
    userAgent|startswith: ÄÖ
condition: any
""",
        [_agent("äöü"), _agent("ÄÖ")],
        [_agent("aou")],
    ),
    Case(
        "wildcards",
        r"""
star:
    userAgent: 'get*-policy'
one:
    userAgent: 'v?.1'
none:
    userAgent: 'a\*b\?'
condition: 1 of them
""",
        [_agent("get-policy"), _agent("Get the-Policy"), _agent("v2.1"), _agent("a*b?")],
        [_agent("get-policy2"), _agent("v22.1"), _agent("v.1"), _agent("axb?"), _agent("a*bc")],
    ),
    Case(
        "ends",
        """\
start:
    userAgent|startswith: [aws-cli, Boto]
end:
    userAgent|endswith: /2
condition: start and end
""",
        [_agent("aws-cli/2"), _agent("boto3 x/2")],
        [_agent("aws-cli/20"), _agent("an aws-cli/2"), _agent("aws-cli")],
    ),
    Case(
        "every-word",
        """\
any:
    userAgent|contains|all: [one, two]
condition: any
""",
        [_agent("two and one")],
        [_agent("one"), _agent("two")],
    ),
    Case(
        "expressions",
        r"""
one:
    userAgent|re: '^x\d+[.][^a-z\]]$'
two:
    userAgent|re|i: 'it''s (?:a|b)\\'
three:
    userAgent|re|s: 'start.end'
condition: 1 of them
""",
        [_agent("x12.A"), _agent("IT'S B\\"), _agent("restart\nending")],
        [_agent("X12.A"), _agent("x12.a"), _agent("x12.]"), _agent("it's c\\"), _agent("startend")],
    ),
    Case(
        "networks",
        """\
any:
    sourceIPAddress|cidr: [10.16.0.0/12, 192.0.2.128/25, 198.51.100.7/32, 203.0.113.0/24]
condition: any
""",
        [
            {"sourceIPAddress": each} for each in (
                "10.16.0.1", "10.31.255.255", "192.0.2.128", "198.51.100.7", "203.0.113.9",
            )
        ],
        [
            {"sourceIPAddress": each} for each in (
                "10.15.0.1", "10.32.0.1", "110.16.0.1", "192.0.2.127", "192.0.2.1",
                "198.51.100.70", "203.0.114.9", "10.16.example.com", "AWS Internal", None,
            )
        ],
    ),
    Case(
        "every-network",
        """\
four:
    sourceIPAddress|cidr: 0.0.0.0/0
six:
    sourceIPAddress|cidr: ::/0
condition: 1 of them
""",
        [{"sourceIPAddress": "192.0.2.1"}, {"sourceIPAddress": "2001:db8::1"},
         {"sourceIPAddress": "::1"}],
        [{"sourceIPAddress": "cloudtrail.amazonaws.com"}, {"sourceIPAddress": None}],
    ),
    Case(
        "long-networks",
        """\
any:
    sourceIPAddress|cidr: [2001:db8::/32, fd00:1f00::/24, fe80::/10, 'fd12:3456:789a:1::1/128']
condition: any
""",
        [
            {"sourceIPAddress": each} for each in (
                "2001:db8::1", "2001:DB8:1:2:3:4:5:6", "fd00:1f18:1:2::3", "fe80::1", "febf::1",
                "fd12:3456:789a:1::1",
            )
        ],
        [
            {"sourceIPAddress": each} for each in (
                "2001:db80::1", "2001:db9::1", "fd00:1e18::1", "fec0::1", "fe7f::1",
                "fd12:3456:789a:1::12", "12001:db8::1", "192.0.2.1",
            )
        ],
    ),
    Case(
        "absent",
        """\
any:
    errorCode: null
    userAgent: null
condition: any
""",
        [{}, {"errorCode": None}],
        [{"errorCode": "AccessDenied"}, _agent("x"), _agent("")],
    ),
    Case(
        "exists",
        """\
any:
    errorCode|exists: true
    userAgent|exists: false
condition: any
""",
        [{"errorCode": "AccessDenied"}],
        [{}, {"errorCode": "AccessDenied", "userAgent": "x"}],
    ),
    Case(
        "empty",
        """\
any:
    userAgent: ''
condition: any
""",
        [_agent("")],
        [_agent(" "), _agent(None)],
    ),
    Case(
        "not-of-what-is-absent",
        """\
any:
    eventName: PutObject
agent:
    userAgent|contains: console
who:
    userIdentity.sessionContext.sessionIssuer.type: Role
    requestParameters.bucketName|startswith: ours
where:
    resources.ARN|contains: ours
condition: any and not agent and not who and not 1 of where*
""",
        [
            {},
            {"userIdentity": _ROLE | {"sessionContext": {"sessionIssuer": {"type": "Role"}}}},
            {"requestParameters": None, "resources": None},
            {"resources": [{"ARN": "arn:aws:s3:::theirs"}]},
        ],
        [
            _agent("the console"),
            {"resources": [{"ARN": "arn:aws:s3:::theirs"}, {"ARN": "arn:aws:s3:::ours"}]},
            {"userIdentity": _ROLE | {"sessionContext": {"sessionIssuer": {"type": "Role"}}},
             **_asked(bucketName="ours-1")},
        ],
    ),
    Case(
        "neither-nor",
        """\
any:
    userAgent|neq: [one, two]
condition: any
""",
        [_agent("three"), _agent(None)],
        [_agent("One"), _agent("two")],
    ),
    Case(
        "truth-values",
        """\
any:
    readOnly: true
    additionalEventData.MFAUsed: 'no'
    requestParameters.public: false
condition: any
""",
        [
            {"readOnly": each, "additionalEventData": {"MFAUsed": "No"}, **_asked(public=public)}
            for each, public in ((True, False), ("true", "False"))
        ],
        [
            {"readOnly": False, "additionalEventData": {"MFAUsed": "No"}, **_asked(public=False)},
            {"readOnly": True, "additionalEventData": {"MFAUsed": "Yes"}, **_asked(public=False)},
            {"readOnly": True, "additionalEventData": {"MFAUsed": "No"}, **_asked(public=True)},
            {"readOnly": True, "additionalEventData": {"MFAUsed": "No"}},
        ],
    ),
    Case(
        "numbers",
        """\
any:
    requestParameters.days: [7, 8]
condition: any
""",
        [_asked(days=7), _asked(days="8")],
        [_asked(days=70), _asked(days="07"), _asked(days=None)],
    ),
    Case(
        "more-and-less",
        """\
any:
    requestParameters.days|gte: 7
    requestParameters.days|lt: 30.5
condition: any
""",
        [_asked(days=7), _asked(days="30"), _asked(days=8.25)],
        [_asked(days=6), _asked(days=31), _asked(days="many"), _asked()],
    ),
    Case(
        "inside-json",
        """\
deep:
    requestParameters.a.b-c.d: deep
listed:
    requestParameters.rules[1].port: 22
named:
    responseElements.x-amz-acl: public-read
odd:
    requestParameters.a:b/c d@e#f+g=h.z9: odd
condition: 1 of them
""",
        [
            _asked(a={"b-c": {"d": "Deep"}}),
            _asked(rules=[{"port": 1}, {"port": 22}]),
            {"responseElements": {"x-amz-acl": "public-read"}},
            _asked(**{"a:b/c d@e#f+g=h": {"z9": "odd"}}),
        ],
        [
            _asked(a={"b": {"d": "deep"}}), _asked(a="deep"), _asked(rules=[{"port": 22}]),
            _asked(**{"a:b/c d@e#f+g=h": ["odd"]}), _asked(**{"a:b/c d@e#f+g=h": {"1": "odd"}}),
            {"responseElements": {"x-amz-acl": "private"}}, {"responseElements": None},
            {"requestParameters": None},
        ],
    ),
    Case(
        "parts-of-json",
        """\
any:
    requestParameters.attribute|contains: '"value":"all"'
condition: any
""",
        [_asked(attribute={"who": {"value": "all"}}), _asked(attribute=[{"value": "ALL"}])],
        [_asked(attribute={"value": "some"}), _asked(other={"value": "all"})],
    ),
    Case(
        "whole-json",
        """\
any:
    requestParameters|contains|all: ['"Principal":"*"', '"Effect":"Allow"']
condition: any
""",
        [_asked(policy={"Effect": "Allow", "Principal": "*"})],
        [_asked(policy={"Effect": "Deny", "Principal": "*"}), {"requestParameters": None}],
    ),
    Case(
        "policy-in-json",
        r"""
plain:
    requestParameters|contains: '"s3:GetThing"'
escaped:
    requestParameters|contains: '\\"s3:PutThing\\"'
inner:
    requestParameters.document|contains: '"s3:ListThing"'
condition: 1 of them
""",
        [
            _asked(document=f'{{"Action": ["{each}"]}}')
            for each in ("s3:GetThing", "s3:PutThing", "s3:ListThing")
        ],
        [
            _asked(document='{"Action": ["s3:GetThings"]}'),
            _asked(document={"Action": "s3:PutThing"}),
        ],
    ),
    Case(
        "lists-in-json",
        """\
command:
    requestParameters.containers.command|contains: curl
port:
    requestParameters.rules.items.ranges.items.address: 0.0.0.0/0
tag:
    responseElements.tags: [Public, open]
some:
    requestParameters.names: null
    requestParameters.lines|exists: true
condition: 1 of them
""",
        [
            _asked(containers=[{"command": ["sh"]}, {"command": ["sh", "-c", "Curl x"]}]),
            _asked(containers={"command": "curl x"}, names=[]),
            _asked(rules={"items": [{"ranges": {"items": [{"address": "10.0.0.0/8"}]}},
                                    {"ranges": {"items": [{"address": "0.0.0.0/0"}]}}]}),
            _asked(rules=[{"items": {"ranges": [{"items": {"address": "0.0.0.0/0"}}]}}]),
            {"responseElements": {"tags": ["private", "public"]}},
            {"responseElements": {"tags": "Open"}},
            _asked(lines=[{"a": 1}]),
        ],
        [
            _asked(containers=[{"command": ["sh"]}], command="curl"),
            _asked(rules={"items": [{"ranges": {"items": [{"address": "10.0.0.0/8"}]}}]}),
            _asked(rules={"items": [{"ranges": {"items": ["0.0.0.0/0"]}}]}),
            {"responseElements": {"tags": ["privately", "publicly"]}},
            {"responseElements": {"tags": {"public": "x"}}},
            _asked(lines=[1], names=["x"]), _asked(names=None, lines=None),
            {"requestParameters": None}, {"requestParameters": "text"},
        ],
    ),
    Case(
        "null-in-json",
        """\
inner:
    requestParameters.kmsKeyId: null
    requestParameters.bucketName: ours
outer:
    responseElements: null
condition: all of them
""",
        [_asked(bucketName="ours", kmsKeyId=None), _asked(bucketName="ours")],
        [
            _asked(bucketName="ours", kmsKeyId="x"), _asked(bucketName="ours", kmsKeyId={"a": 1}),
            {**_asked(bucketName="ours"), "responseElements": {"a": 1}},
        ],
    ),
    Case(
        "resources",
        """\
any:
    resources.arn|endswith: :secret
    resources.type: [AWS::S3::Bucket, AWS::S3::Object]
condition: any
""",
        [
            {"resources": [{"ARN": "arn:a:other"}, {"ARN": "arn:a:secret"},
                           {"type": "AWS::S3::Bucket"}]},
        ],
        [
            {"resources": [{"ARN": "arn:a:secret", "type": "AWS::KMS::Key"}]},
            {"resources": [{"ARN": "arn:a:secrets", "type": "AWS::S3::Bucket"}]},
            {"resources": []}, {"resources": None},
        ],
    ),
    Case(
        "no-resources",
        """\
any:
    resources.ARN: null
condition: any
""",
        [{}, {"resources": []}, {"resources": [{"type": "AWS::S3::Bucket"}]}],
        [{"resources": [{"type": "AWS::S3::Bucket"}, {"ARN": "arn:a:b"}]}],
    ),
    Case(
        "words",
        """\
keywords:
    - nowhere*else
    - '"level":7'
    - 90210
    - someone@example.com
condition: keywords
""",
        [
            _agent("It is NOWHERE or else"), _asked(level=7), {"errorMessage": "code 90210!"},
            {"userIdentity": _ROLE | {"principalId": "AROA:Someone@example.com"}},
            {"resources": [{"ARN": "arn:aws:s3:::someone@example.com"}]},
        ],
        [_agent("or else nowhere"), _asked(level=8), _agent("someone at example.com")],
    ),
    Case(
        "all-words",
        """\
keywords:
    '|all': [whale, '*shark']
expression:
    '|re': 'tiger \\d'
condition: keywords or expression
""",
        [_asked(a="Whale", b="shark"), _agent("tiger 7")],
        [_asked(a="whale"), _asked(b="shark"), _agent("tiger")],
    ),
    Case(
        "two-fields",
        """\
same:
    userIdentity.accountId|fieldref: requestParameters.owner
begins:
    userAgent|fieldref|startswith: requestParameters.tool
ends:
    userAgent|fieldref|endswith: requestParameters.version
within:
    userAgent|fieldref|contains: requestParameters.word
condition: 1 of them
""",
        [
            _asked(owner="333333333333"),
            {**_agent("cli 2"), **_asked(tool="CLI")},
            {**_agent("cli 2"), **_asked(version=2)},
            {**_agent("cli 2"), **_asked(word="li")},
        ],
        [
            _asked(owner="444444444444"), _asked(),
            {**_agent("a cli"), **_asked(tool="cli")},
            {**_agent("2 clis"), **_asked(version="2")},
            {**_agent("cli"), **_asked(word="cli 2")},
        ],
    ),
    Case(
        "ways-of-writing",
        """\
any:
    eventName: PutObject
encoded:
    userAgent|base64offset|contains: secret words
dashed:
    requestParameters.command|windash|contains: ' -enc'
condition: any and not (encoded or dashed)
""",
        [{}, _agent("secret words"), _asked(command="x enc")],
        [_agent("<c2VjcmV0IHdvcmRz>"), _agent("<zZWNyZXQgd29yZH>"), _asked(command="x /enc y")],
    ),
    Case(
        "not-one-of-many",
        """\
any:
    eventName: PutObject
encoded:
    userAgent|base64offset|contains: secret words
condition: any and not encoded
""",
        [{}, _agent("secret words")],
        [_agent("<c2VjcmV0IHdvcmRz>"), _agent("<zZWNyZXQgd29yZH>")],
    ),
    Case(
        "some-of-them",
        """\
want_one:
    userAgent|startswith: a
want_two:
    userAgent|endswith: z
leave_one:
    errorCode: AccessDenied
leave_two:
    readOnly: true
condition: all of want_* and not 1 of leave_*
""",
        [_agent("a to z")],
        [
            _agent("a"), _agent("z"), {**_agent("a to z"), "errorCode": "AccessDenied"},
            {**_agent("a to z"), "readOnly": True},
        ],
    ),
    Case(
        "several-conditions",
        """\
one:
    userAgent: one
two:
    userAgent: two
condition:
    - one
    - two
""",
        [_agent("one"), _agent("two")],
        [_agent("three")],
    ),
    Case(
        "any-of-these",
        """\
any:
    - userAgent: one
      readOnly: true
    - userAgent: two
condition: any
""",
        [{**_agent("one"), "readOnly": True}, _agent("two")],
        [_agent("one"), {"readOnly": True}],
    ),
    Case(
        "other-places",
        """\
tls:
    tlsDetails.tlsVersion: TLSv1.0
service:
    serviceEventDetails.snapshotId: snap-1
context:
    eventContext.requestContext.aws:ViaAWSService: 'true'
tags:
    eventContext.tagContext.resourceTags.arn|contains: tagged
person:
    userIdentity|contains: eve@example.com
trail:
    addendum|exists: true
condition: 1 of them
""",
        [
            {"tlsDetails": {"tlsVersion": "TLSv1.0"}},
            {"serviceEventDetails": {"snapshotId": "snap-1"}},
            {"eventContext": {"requestContext": {"aws:ViaAWSService": "true"}}},
            {"eventContext": {"tagContext": {"resourceTags": [{"arn": "arn:tagged"}]}}},
            {"userIdentity": _ROLE | {"sessionContext": {"sourceIdentity": "Eve@Example.com"}}},
            {"addendum": {"reason": "UPDATED_DATA"}},
        ],
        [
            {"tlsDetails": {"tlsVersion": "TLSv1.3"}},
            {"serviceEventDetails": {"snapshotId": "snap-2"}},
            {"eventContext": {"requestContext": {"aws:viaAWSService": "false"}}},
            {"eventContext": {"tagContext": {"resourceTags": [{"arn": "arn:plain"}]}}},
            {"userIdentity": _ROLE}, {"userIdentity": None},
        ],
    ),
)  # fmt: skip

RULES = [(each.name, each.rule) for each in CASES]
"""Every rule, by the name of its file without `.yml`."""
RECORDS = [record for each in CASES for record in each.records]
"""All records together: of those whose id begins with a rule's name, it finds those with `find`."""


def wanted(name: str) -> set[str]:
    """Return the ids of the records of its own that a rule must find."""
    return {
        each["eventID"]
        for case in CASES
        if case.name == name
        for each in case.records
        if f"{name} find " in each["eventID"]
    }
