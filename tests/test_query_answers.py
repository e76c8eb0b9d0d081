"""What the questions answer where strangers found them wrong: each row is told by its values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.log_records import Record, ask, record, write_log

REFUSED = {"requestParameters": None, "errorCode": "AccessDenied"}
ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
OTHERS = {
    "role": "arn:aws:iam::999999999999:role/x",
    "root": "arn:aws:iam::999999999999:root",
    "id": "999999999999",
}
BUCKET = "example-bank-archive"
LOG = "AWSLogs/o-x/333333333333/CloudTrail/us-east-1/2026/11/20/a.json.gz"


def one(tmp_path: Path, name: str, found: Record, given: Mapping[str, str] | None = None) -> Any:
    """Ask about one record; return the one row."""
    write_log(tmp_path, [found])
    (row,) = ask(tmp_path, name, given)
    return row


def names(tmp_path: Path, name: str, records: list[Record], column: str) -> list[Any]:
    """Ask about some records; return one column in order."""
    write_log(tmp_path, records)
    return sorted(each[column] for each in ask(tmp_path, name))


# -- a refused call is a row, whatever the record leaves out


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("secrets-read", "secretsmanager:GetSecretValue"),
        ("secrets-read", "secretsmanager:BatchGetSecretValue"),
        ("secrets-read", "ssm:GetParameters"),
        ("dynamodb-access", "dynamodb:Scan"),
        ("dynamodb-access", "dynamodb:BatchGetItem"),
        ("snapshot-sharing", "ec2:ModifySnapshotAttribute"),
        ("snapshot-sharing", "rds:ModifyDBSnapshotAttribute"),
        ("new-credentials", "iam:CreateAccessKey"),
        ("kms-grants", "kms:CreateGrant"),
        ("kms-grants", "kms:PutKeyPolicy"),
        ("log-bucket-tampering", "s3:PutBucketPolicy"),
        ("log-object-tampering", "s3:DeleteObject"),
        ("log-readers", "s3:GetObject"),
        ("trail-narrowed", "cloudtrail:UpdateTrail"),
        ("trail-tampering", "cloudtrail:StopLogging"),
        ("athena-guardrails", "glue:DeleteTable"),
        ("bucket-exposure", "s3:PutBucketPolicy"),
        ("privilege-changes", "iam:PutRolePolicy"),
        ("user-data", "ec2:ModifyInstanceAttribute"),
        ("unusual-instances", "ec2:RunInstances"),
        ("lambda-changes", "lambda:UpdateFunctionConfiguration20150331v2"),
        ("instance-access", "ssm:SendCommand"),
        ("bedrock-use", "bedrock:InvokeModel"),
    ],
)
def test_a_refused_call_without_parameters_is_told(name: str, action: str, tmp_path: Path) -> None:
    row = one(tmp_path, name, record(action, **REFUSED))
    assert row.get("outcome", "attempt") == "attempt"
    assert row.get("attempts", 1) == 1


@pytest.mark.parametrize("least", ["1", "10"])
def test_a_refused_secret_is_told_by_the_message(least: str, tmp_path: Path) -> None:
    message = (
        "User: arn:aws:iam::333333333333:user/eve is not authorized to perform: "
        "secretsmanager:GetSecretValue on resource: prod/database because no identity-based policy"
    )
    found = record("secretsmanager:GetSecretValue", errorMessage=message, **REFUSED)
    row = one(tmp_path, "secrets-read", found, {"least": least})
    assert (row["secrets"], row["attempts"], row["example"]) == (1, 1, "prod/database")


def test_a_refused_key_for_someone_else_names_them(tmp_path: Path) -> None:
    message = (
        "User: arn:aws:iam::333333333333:user/eve is not authorized to perform: "
        "iam:CreateAccessKey on resource: user bob because no identity-based policy allows it"
    )
    found = record("iam:CreateAccessKey", errorMessage=message, **REFUSED)
    row = one(tmp_path, "new-credentials", found)
    assert (row["target"], row["owner"]) == ("bob", "other")


def test_nobody_guesses_whose_key_was_refused(tmp_path: Path) -> None:
    assert one(tmp_path, "new-credentials", record("iam:CreateAccessKey", **REFUSED))["owner"] == (
        "unknown"
    )


# -- secrets


def test_each_secret_of_a_batch_counts(tmp_path: Path) -> None:
    batches = [
        record(
            "ssm:GetParameters",
            eventID=str(n),
            requestParameters={
                "names": [f"/prod/{n}/{m}" for m in range(10)], "withDecryption": True
            },
        )
        for n in range(4)
    ]  # fmt: skip
    ids = [f"secret-{n}" for n in range(2)]
    batches.append(
        record("secretsmanager:BatchGetSecretValue", requestParameters={"secretIdList": ids})
    )
    write_log(tmp_path, batches)
    (row,) = ask(tmp_path, "secrets-read")
    assert (row["secrets"], row["successes"]) == (42, 5)


def test_one_secret_by_name_and_by_arn_is_one(tmp_path: Path) -> None:
    arn = "arn:aws:secretsmanager:us-east-1:333333333333:secret:prod/db-a1B2c3"
    asked = [
        record("secretsmanager:GetSecretValue", requestParameters={"secretId": each})
        for each in (arn, "prod/db")
    ]
    write_log(tmp_path, asked)
    (row,) = ask(tmp_path, "secrets-read")
    assert row["secrets"] == 1


def test_a_batch_by_filters_is_told(tmp_path: Path) -> None:
    filters = [{"key": "name", "values": ["prod"]}]
    found = record("secretsmanager:BatchGetSecretValue", requestParameters={"filters": filters})
    row = one(tmp_path, "secrets-read", found)
    assert row["secrets"] == 1
    assert json.loads(row["example"]) == filters


# -- buckets


def _policy(*statements: Record) -> Record:
    return record(
        "s3:PutBucketPolicy",
        requestParameters={"bucketName": "b", "bucketPolicy": {"Statement": [*statements]}},
    )


def _grant(principal: Any, **more: Any) -> Record:
    return {
        "Effect": "Allow",
        "Principal": principal,
        "Action": "s3:GetObject",
        "Resource": "*",
    } | more


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (_grant("*"), "everyone"),
        (_grant({"AWS": "*"}), "everyone"),
        (_grant({"AWS": ["arn:aws:iam::333333333333:root", "*"]}), "everyone"),
        (_grant("*", Effect="Deny"), ""),
        (_grant({"AWS": "*"}, Effect="Deny"), ""),
        (_grant("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-x"}}), "conditional"),
        (_grant({"AWS": OTHERS["root"]}), "999999999999"),
        (_grant({"AWS": [OTHERS["role"], "arn:aws:iam::333333333333:root"]}), "999999999999"),
        (_grant({"AWS": OTHERS["id"]}), "999999999999"),
        (_grant({"AWS": OTHERS["root"]}, Effect="Deny"), ""),
        (_grant({"AWS": "arn:aws:iam::333333333333:role/own"}), ""),
        (_grant({"Service": "cloudtrail.amazonaws.com"}), ""),
        (_grant({"CanonicalUser": "0" * 64}), "canonical user"),
        ({"Effect": "Allow", "NotPrincipal": {"AWS": OTHERS["root"]}, "Action": "*"}, "everyone"),
    ],
)
def test_a_bucket_policy_says_whom_it_lets_in(
    statement: Record, expected: str, tmp_path: Path
) -> None:
    assert one(tmp_path, "bucket-exposure", _policy(statement))["opened_to"] == expected


def test_a_policy_is_read_however_it_is_written(tmp_path: Path) -> None:
    text = json.dumps({"Statement": _grant("*")}, indent=4)
    found = record("s3:PutBucketPolicy", requestParameters={"Bucket": "b", "bucketPolicy": text})
    row = one(tmp_path, "bucket-exposure", found)
    assert (row["target"], row["opened_to"]) == ("b", "everyone")


@pytest.mark.parametrize("value", [["public-read"], "public-read-write", ["authenticated-read"]])
@pytest.mark.parametrize("action", ["s3:PutBucketAcl", "s3:PutObjectAcl", "s3:CreateBucket"])
def test_a_canned_acl_opens(value: Any, action: str, tmp_path: Path) -> None:
    found = record(action, requestParameters={"bucketName": "b", "x-amz-acl": value})
    assert one(tmp_path, "bucket-exposure", found)["opened_to"] == "everyone"


def test_a_private_acl_opens_nothing(tmp_path: Path) -> None:
    asked = {"bucketName": "b", "x-amz-acl": ["private"]}
    row = one(tmp_path, "bucket-exposure", record("s3:PutBucketAcl", requestParameters=asked))
    assert row["opened_to"] == ""
    write_log(tmp_path, [record("s3:CreateBucket", requestParameters=asked)], name="b")
    assert len(ask(tmp_path, "bucket-exposure")) == 1


# -- privileges


def _inline(statements: Any, **more: Any) -> Record:
    document = json.dumps({"Version": "2012-10-17", "Statement": statements}, **more)
    return record(
        "iam:PutRolePolicy",
        requestParameters={"roleName": "r", "policyName": "p", "policyDocument": document},
    )


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([ALLOW_ALL], True),
        (ALLOW_ALL, True),
        ([ALLOW_ALL | {"Action": ["s3:Get*", "ec2:*", "*"]}], True),
        ([ALLOW_ALL | {"Action": ["*"], "Resource": ["*"]}], True),
        ([ALLOW_ALL | {"Action": "iam:*"}], True),
        ([{"Effect": "Allow", "NotAction": "organizations:*", "Resource": "*"}], True),
        ([ALLOW_ALL | {"Effect": "Deny", "Action": ["*"]}], False),
        ([ALLOW_ALL | {"Action": "s3:*"}], False),
        ([ALLOW_ALL | {"Resource": "arn:aws:s3:::b/*"}], False),
        ([ALLOW_ALL | {"Action": ["s3:*"]}, ALLOW_ALL | {"Effect": "Deny"}], False),
    ],
)
@pytest.mark.parametrize("indent", [None, 4])
def test_administrator_is_what_the_statements_say(
    statements: Any,
    expected: bool,
    indent: int | None,
    tmp_path: Path,
) -> None:
    found = _inline(statements, indent=indent)
    assert one(tmp_path, "privilege-changes", found)["administrator"] is expected


def test_taking_rights_away_makes_no_administrator(tmp_path: Path) -> None:
    arn = {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess", "userName": "bob"}
    both = [record(f"iam:{a}UserPolicy", requestParameters=arn) for a in ("Attach", "Detach")]
    write_log(tmp_path, both)
    rows = {
        each["event_name"]: each["administrator"] for each in ask(tmp_path, "privilege-changes")
    }
    assert rows == {"AttachUserPolicy": True, "DetachUserPolicy": False}


def test_what_is_too_large_is_marked(tmp_path: Path) -> None:
    hidden = {"omitted": True, "originalSize": 300000, "reason": "requestParameters too large"}
    row = one(tmp_path, "privilege-changes", record("iam:PutRolePolicy", requestParameters=hidden))
    assert (row["omitted"], row["administrator"]) == (True, False)


def test_leaving_a_group_is_told(tmp_path: Path) -> None:
    asked = {"groupName": "auditors", "userName": "bob"}
    found = record("iam:RemoveUserFromGroup", requestParameters=asked)
    assert one(tmp_path, "privilege-changes", found)["event_name"] == "RemoveUserFromGroup"


def test_a_role_that_trusts_another_account_is_told(tmp_path: Path) -> None:
    document = json.dumps({"Statement": [_grant({"AWS": OTHERS["root"]}, Action="sts:AssumeRole")]})
    found = record(
        "iam:UpdateAssumeRolePolicy",
        requestParameters={"roleName": "r", "policyDocument": document},
    )
    assert one(tmp_path, "privilege-changes", found)["trusts"] == "999999999999"


@pytest.mark.parametrize("document", ["{broken", "[]", '"x"', "null", '{"Statement": null}'])
def test_a_broken_policy_stops_nothing(document: str, tmp_path: Path) -> None:
    found = record("iam:PutRolePolicy", requestParameters={"policyDocument": document})
    row = one(tmp_path, "privilege-changes", found)
    assert (row["administrator"], row["trusts"]) == (False, "")


# -- the archive


@pytest.mark.parametrize("name", ["PutBucketObjectLockConfiguration", "PutObjectLockConfiguration"])
@pytest.mark.parametrize("parameter", ["bucketName", "Bucket"])
def test_the_lock_of_the_archive_has_two_names(name: str, parameter: str, tmp_path: Path) -> None:
    found = record(f"s3:{name}", requestParameters={parameter: BUCKET})
    assert one(tmp_path, "log-bucket-tampering", found)["target"] == BUCKET


def test_a_log_written_in_parts_is_told(tmp_path: Path) -> None:
    asked = {"bucketName": BUCKET, "key": LOG, "uploadId": "u"}
    found = record("s3:CompleteMultipartUpload", requestParameters=asked)
    assert one(tmp_path, "log-object-tampering", found)["target"] == LOG


@pytest.mark.parametrize("service", ["cloudtrail", "config", "delivery.logs"])
def test_deliveries_are_not_tampering(service: str, tmp_path: Path) -> None:
    caller = {"type": "AWSService", "invokedBy": f"{service}.amazonaws.com"}
    asked = {"bucketName": "any-other", "key": LOG}
    delivered = record(
        "s3:PutObject", requestParameters=asked, userIdentity=caller,
        sourceIPAddress=f"{service}.amazonaws.com",
    )  # fmt: skip
    write_log(tmp_path, [delivered])
    assert ask(tmp_path, "log-object-tampering", {"archive": ""}) == []


# -- who


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        (
            {"type": "WebIdentityUser", "principalId": "arn:aws:iam::1:oidc-provider/t:a:s",
             "userName": "repo:org/fork:ref:refs/heads/main", "identityProvider": "t"},
            "repo:org/fork:ref:refs/heads/main",
        ),
        ({"type": "WebIdentityUser", "principalId": "accounts.google.com:app:4711"},
         "accounts.google.com:app:4711"),
        ({"type": "SAMLUser", "principalId": "x=:ana@example.com", "userName": "ana@example.com"},
         "ana@example.com"),
        ({"type": "AWSAccount", "principalId": "AROAX:ana", "accountId": "999999999999"},
         "999999999999/AROAX:ana"),
        ({"type": "AWSAccount", "accountId": "999999999999"}, "999999999999"),
        ({"type": "IdentityCenterUser", "accountId": "333333333333", "credentialId": "c",
          "onBehalfOf": {"userId": "94482488-3041", "identityStoreArn": "arn:aws:x"}},
         "94482488-3041"),
        ({"type": "IAMUser", "accountId": "333333333333", "userName": "bob"}, "bob"),
        ({"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}, "ec2.amazonaws.com"),
        ({"type": "Unknown"}, "Unknown"),
    ],
)  # fmt: skip
def test_a_caller_without_an_arn_has_a_name(
    identity: Record, expected: str, tmp_path: Path
) -> None:
    found = record("s3:ListBuckets", userIdentity=identity)
    assert one(tmp_path, "account-activity", found)["principal"] == expected


def test_a_federated_caller_has_a_first_role(tmp_path: Path) -> None:
    identity = {"type": "WebIdentityUser", "userName": "repo:org/fork:ref:refs/heads/main"}
    asked = {"roleArn": "arn:aws:iam::333333333333:role/deploy"}
    found = record("sts:AssumeRoleWithWebIdentity", userIdentity=identity, requestParameters=asked)
    assert one(tmp_path, "first-time-roles", found)["caller"] == identity["userName"]


# -- on what


TABLE = "arn:aws:dynamodb:us-east-1:333333333333:table/patients"
SECRET = "arn:aws:secretsmanager:us-east-1:333333333333:secret:prod/db-a1B2c3"
KEY = "arn:aws:kms:us-east-1:333333333333:key/11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize(
    ("resource", "action", "changes"),
    [
        ("patients", "dynamodb:BatchGetItem", {"requestParameters": {"requestItems": {"patients": {}}}}),
        ("patients", "dynamodb:ExecuteStatement",
         {"requestParameters": {"statement": 'SELECT * FROM "patients" WHERE id = 1'}}),
        ("patients", "dynamodb:Scan", {"resources": [{"ARN": TABLE}]}),
        (TABLE, "dynamodb:Scan", {"requestParameters": {"tableName": "patients"}}),
        ("prod/db", "secretsmanager:GetSecretValue", {"requestParameters": {"secretId": SECRET}}),
        (SECRET, "secretsmanager:GetSecretValue", {"requestParameters": {"secretId": "prod/db"}}),
        ("prod/db", "secretsmanager:BatchGetSecretValue",
         {"requestParameters": {"secretIdList": ["other", "prod/db"]}}),
        (KEY, "kms:Decrypt", {"requestParameters": {"keyId": KEY.rpartition("/")[2]}}),
        (KEY.rpartition("/")[2], "kms:Decrypt", {"resources": [{"ARN": KEY}]}),
        ("alias/prod", "kms:Decrypt", {"requestParameters": {"keyId": "alias/prod"}}),
        (TABLE, "dynamodb:Scan", REFUSED | {"errorMessage": f"not allowed on resource: {TABLE} because"}),
        ("b", "s3:GetBucketPolicy", {"requestParameters": {"Bucket": "b"}}),
        ("/prod/x", "ssm:GetParameters", {"requestParameters": {"names": ["/prod/x", "/prod/y"]}}),
    ],
)  # fmt: skip
def test_a_resource_is_found_however_it_is_named(
    resource: str, action: str, changes: dict[str, Any], tmp_path: Path
) -> None:
    row = one(tmp_path, "resource-access", record(action, **changes), {"resource": resource})
    assert row["event_name"] == action.partition(":")[2]


@pytest.mark.parametrize("name", ["patients2", "old-patients", "patient"])
def test_a_resource_of_a_longer_name_is_another(name: str, tmp_path: Path) -> None:
    write_log(tmp_path, [record("dynamodb:Scan", requestParameters={"tableName": name})])
    assert ask(tmp_path, "resource-access", {"resource": "patients"}) == []


@pytest.mark.parametrize(
    "asked",
    [
        {"requestItems": {"patients": {}, "staff": {}}},
        {"statement": 'SELECT * FROM "patients" WHERE id = ?'},
        {"statement": "delete from patients where id = 1"},
        {"transactItems": [{"get": {"tableName": "patients"}}]},
        {"statements": [{"statement": "SELECT name FROM patients"}]},
    ],
)
def test_a_table_is_found_in_every_kind_of_call(asked: Record, tmp_path: Path) -> None:
    found = record("dynamodb:BatchExecuteStatement", requestParameters=asked)
    row = one(tmp_path, "dynamodb-access", found, {"tables": "patients"})
    assert "patients" in row["table_name"].split(",")


# -- lists of names that were too short


@pytest.mark.parametrize(
    "code",
    ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Client.UnauthorizedOperation",
     "UnauthorizedException", "ForbiddenException", "Forbidden", "VpceAccessDenied",
     "AuthorizationErrorException", "AuthorizationError", "NotAuthorized", "NotAuthorizedException",
     "UnauthorizedAccess", "InsufficientPrivilegesException", "AllAccessDisabled",
     "AccessDeniedForDependencyException"],
)  # fmt: skip
def test_every_code_of_refusal_counts(code: str, tmp_path: Path) -> None:
    assert (
        one(tmp_path, "denied-calls", record("ec2:RunInstances", errorCode=code))["refusals"] == 1
    )


@pytest.mark.parametrize(
    "code",
    ["NoSuchKey", "AuthorizationAlreadyExists", "AuthorizationHeaderMalformed", "Throttling"],
)
def test_other_errors_are_no_refusals(code: str, tmp_path: Path) -> None:
    write_log(tmp_path, [record("ec2:RunInstances", errorCode=code)])
    assert ask(tmp_path, "denied-calls") == []


def test_the_email_of_a_root_user_is_changed_from_the_management_account(tmp_path: Path) -> None:
    found = record(
        "account:AcceptPrimaryEmailUpdate", requestParameters={"accountId": "444444444444"}
    )
    assert one(tmp_path, "root-credentials", found)["target"] == "444444444444"


def test_a_deleted_root_key_is_told(tmp_path: Path) -> None:
    root = {"type": "Root", "arn": "arn:aws:iam::333333333333:root", "accountId": "333333333333"}
    found = record(
        "iam:DeleteAccessKey", userIdentity=root, requestParameters={"accessKeyId": "AKIA"}
    )
    assert one(tmp_path, "root-credentials", found)["event_name"] == "DeleteAccessKey"


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("identity-center-changes", "identitystore:CreateGroupMembership"),
        ("identity-center-changes", "identitystore:DeleteGroupMembership"),
        ("security-services-stopped", "route53resolver:DeleteResolverQueryLogConfig"),
        ("security-services-stopped", "route53resolver:DisassociateResolverQueryLogConfig"),
        ("new-credentials", "iam:ChangePassword"),
        ("trail-tampering", "cloudtrail:PutEventConfiguration"),
    ],
)
def test_what_was_missing_is_there(name: str, action: str, tmp_path: Path) -> None:
    assert one(tmp_path, name, record(action))["event_name"] == action.partition(":")[2]


@pytest.mark.parametrize(
    "allowed",
    ["arn:aws:iam::333333333333:role/audit/orgtrail-auditor",
     "arn:aws:iam::333333333333:role/other,arn:aws:iam::333333333333:role/orgtrail-auditor"],
)  # fmt: skip
@pytest.mark.parametrize("issuer", [True, False])
def test_an_expected_role_covers_its_sessions(
    allowed: str,
    issuer: bool,
    tmp_path: Path,
) -> None:
    identity: Record = {
        "type": "AssumedRole", "accountId": "333333333333",
        "arn": "arn:aws:sts::333333333333:assumed-role/orgtrail-auditor/ana",
    }  # fmt: skip
    if issuer:
        identity["sessionContext"] = {"sessionIssuer": {"arn": allowed.rsplit(",", maxsplit=1)[-1]}}
    write_log(tmp_path, [record("iam:CreateUser", userIdentity=identity)])
    assert ask(tmp_path, "logging-account-access", {"allowed": allowed}) == []
    other = allowed.replace("orgtrail-auditor", "somebody")
    assert len(ask(tmp_path, "logging-account-access", {"allowed": other})) == 1


def test_a_record_without_a_recipient_is_of_its_folder(tmp_path: Path) -> None:
    found = record("iam:CreateUser")
    del found["recipientAccountId"]
    assert one(tmp_path, "logging-account-access", found)["successes"] == 1


@pytest.mark.parametrize(
    ("time", "there"),
    [("2026-11-20T09:00:00.000Z", True), ("2026-11-20T09:00:00.123Z", True),
     ("2026-11-20T08:59:59.999Z", False), ("2026-11-20T10:59:59.999Z", True),
     ("2026-11-20T11:00:00.000Z", False), ("2026-11-20T11:00:00.500Z", False)],
)  # fmt: skip
def test_milliseconds_are_within_the_period_or_not(
    time: str,
    there: bool,
    tmp_path: Path,
) -> None:
    write_log(tmp_path, [record("ec2:RunInstances", eventTime=time)])
    assert len(ask(tmp_path, "account-activity")) == there


# -- chains


def _assumed(n: int, **changes: Any) -> Record:
    identity = record("x:y")["userIdentity"] | {"accessKeyId": f"KEY{n - 1}"}
    return record(
        "sts:AssumeRole",
        **{
            "eventID": f"e{n}", "userIdentity": identity,
            "requestParameters": {"roleArn": f"arn:aws:iam::333333333333:role/r{n}"},
            "responseElements": {"credentials": {"accessKeyId": f"KEY{n}"}}, **changes,
        },
    )  # fmt: skip


def test_a_chain_is_told_up_to_six_roles(tmp_path: Path) -> None:
    write_log(tmp_path, [_assumed(n) for n in range(1, 9)])
    rows = ask(tmp_path, "role-chain")
    assert [each["depth"] for each in sorted(rows, key=lambda each: str(each["last_key"]))] == [
        2, 3, 4, 5, 6, 6, 6,
    ]  # fmt: skip
    (third,) = [each for each in rows if each["last_key"] == "KEY3"]
    assert third["path"] == " > ".join(f"arn:aws:iam::333333333333:role/r{n}" for n in (1, 2, 3))
    assert third["origin"] == "arn:aws:iam::333333333333:user/eve"


def test_a_person_is_followed_through_roles(tmp_path: Path) -> None:
    def session(n: int) -> Record:
        return {
            "type": "AssumedRole", "accountId": "333333333333", "accessKeyId": f"KEY{n}",
            "arn": f"arn:aws:sts::333333333333:assumed-role/r{n}/s{n}",
        }  # fmt: skip

    records = [_assumed(1)]
    records += [_assumed(n, userIdentity=session(n - 1)) for n in (2, 3, 4)]
    records += [record("ec2:RunInstances", userIdentity=session(n)) for n in (1, 2, 3, 4)]
    records.append(record("ec2:RunInstances", userIdentity={"type": "IAMUser", "accessKeyId": "Z"}))
    write_log(tmp_path, records)
    rows = ask(tmp_path, "principal-activity", {"principal": "eve"})
    keys = sorted((each["access_key"], each["via"]) for each in rows)
    assert keys == [
        ("KEY0", "own"), ("KEY1", "followed"), ("KEY1", "followed"), ("KEY2", "followed"),
        ("KEY2", "followed"), ("KEY3", "followed"), ("KEY3", "followed"),
    ]  # fmt: skip
    assert all(each["first_time"] <= each["event_time"] <= each["last_time"] for each in rows)


@pytest.mark.parametrize("wanted", ["94482488-3041", "repo:org/fork:ref:refs/heads/main"])
def test_a_person_of_a_provider_is_followed(wanted: str, tmp_path: Path) -> None:
    write_log(
        tmp_path,
        [
            record("s3:ListBuckets", userIdentity={"type": "IdentityCenterUser",
                   "onBehalfOf": {"userId": "94482488-3041"}}),
            record("s3:ListBuckets", userIdentity={"type": "WebIdentityUser",
                   "userName": "repo:org/fork:ref:refs/heads/main"}),
        ],
    )  # fmt: skip
    (row,) = ask(tmp_path, "principal-activity", {"principal": wanted})
    assert row["principal"] == wanted


# -- every row can be proven


def test_a_policy_of_the_organization_that_is_too_large_is_marked(tmp_path: Path) -> None:
    found = record("organizations:UpdatePolicy", requestParameters={"omitted": True})
    assert one(tmp_path, "organization-policies", found)["omitted"] is True


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"eventSelectors": [{"excludeManagementEventSources": ["kms.amazonaws.com"]}]},
         '"kms.amazonaws.com"'),
        ({"advancedEventSelectors": [{"fieldSelectors": [
            {"field": "eventCategory", "equals": ["Management"]},
            {"field": "eventSource", "notEquals": ["iam.amazonaws.com"]}]}]},
         '"iam.amazonaws.com"'),
    ],
)  # fmt: skip
def test_selectors_that_leave_a_service_out_narrow(
    asked: Record, expected: str, tmp_path: Path
) -> None:
    found = record("cloudtrail:PutEventSelectors", requestParameters=asked)
    assert one(tmp_path, "trail-narrowed", found)["left_out"].strip() == expected


def test_data_events_alone_leave_management_out(tmp_path: Path) -> None:
    only = [{"fieldSelectors": [{"field": "eventCategory", "equals": ["Data"]}]}]
    found = record(
        "cloudtrail:PutEventSelectors", requestParameters={"advancedEventSelectors": only}
    )
    assert one(tmp_path, "trail-narrowed", found)["management_events"] == "false"


# -- what an attacker found


@pytest.mark.parametrize(
    ("action", "changes"),
    [
        ("ec2:CreateLaunchTemplate", {"requestParameters": {
            "CreateLaunchTemplateRequest": {"LaunchTemplateData": {"InstanceType": "g5.xlarge"}}}}),
        ("ec2:RunInstances", {"requestParameters": {"launchTemplate": {"launchTemplateId": "lt-1"}},
            "responseElements": {"instancesSet": {"items": [{"instanceType": "p5.48xlarge"}]}}}),
        ("sagemaker:CreateEndpointConfig", {"requestParameters": {
            "productionVariants": [{"instanceType": "ml.g5.48xlarge"}]}}),
        ("eks:CreateNodegroup", {"requestParameters": {"instanceTypes": ["p4d.24xlarge"]}}),
    ],
)  # fmt: skip
def test_unusual_types_are_found_wherever_they_stand(
    action: str, changes: dict[str, Any], tmp_path: Path
) -> None:
    assert one(tmp_path, "unusual-instances", record(action, **changes))


def test_without_regions_nobody_says_which_are_in_use(tmp_path: Path) -> None:
    found = record("ec2:RunInstances", requestParameters={"instanceType": "p5.48xlarge"})
    assert one(tmp_path, "unusual-instances", found, {"allowed": ""})["region_not_in_use"] is None


GITHUB = "arn:aws:iam::333333333333:oidc-provider/token.actions.githubusercontent.com"
SUBJECT = {"StringEquals": {"token.actions.githubusercontent.com:sub": "repo:o/r:ref:x"}}


@pytest.mark.parametrize(
    ("principal", "condition", "expected"),
    [
        ({"Federated": GITHUB}, None, "everyone"),
        ({"Federated": GITHUB}, {}, "everyone"),
        ({"Federated": GITHUB}, SUBJECT, "conditional"),
        ({"Federated": "cognito-identity.amazonaws.com"}, None, "everyone"),
        ({"Federated": "arn:aws:iam::333333333333:saml-provider/corp"}, None, ""),
    ],
)
def test_a_trust_in_the_worlds_provider_is_open(
    principal: Any, condition: Any, expected: str, tmp_path: Path
) -> None:
    statement = _grant(principal, Action="sts:AssumeRoleWithWebIdentity")
    if condition is not None:
        statement["Condition"] = condition
    asked = {"roleName": "r", "policyDocument": json.dumps({"Statement": [statement]})}
    found = record("iam:UpdateAssumeRolePolicy", requestParameters=asked)
    assert one(tmp_path, "privilege-changes", found)["trusts"] == expected


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (ALLOW_ALL | {"Action": "iam:*", "Resource": "arn:aws:iam::*:*"}, True),
        (ALLOW_ALL | {"Action": "iam:*", "Resource": "arn:aws:iam::333333333333:*"}, True),
        (ALLOW_ALL | {"Resource": "arn:aws:*:*:*:*"}, True),
        (ALLOW_ALL | {"Action": "**", "Resource": "**"}, True),
        (ALLOW_ALL | {"Action": ["iam:Put*", "iam:Attach*"]}, True),
        ({"Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"}, False),
        ({"Effect": "Allow", "NotAction": "*", "Resource": "*"}, False),
        ({"Effect": "Allow", "Action": "*", "NotResource": "*"}, False),
        (ALLOW_ALL | {"Action": "iam:Get*"}, False),
    ],
)
def test_administrator_follows_wildcards(statement: Any, expected: bool, tmp_path: Path) -> None:
    assert one(tmp_path, "privilege-changes", _inline([statement]))["administrator"] is expected


def test_a_boundary_gives_nothing(tmp_path: Path) -> None:
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    asked = {"userName": "bob", "permissionsBoundary": arn}
    found = record("iam:PutUserPermissionsBoundary", requestParameters=asked)
    row = one(tmp_path, "privilege-changes", found)
    assert (row["policy"], row["administrator"]) == (arn, False)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"AccessControlPolicy": {"Owner": {"ID": "me"}, "AccessControlList": {"Grant": [
            {"Grantee": {"ID": "other"}, "Permission": "FULL_CONTROL"}]}}}, "canonical user"),
        ({"AccessControlPolicy": {"Owner": {"ID": "me"}, "AccessControlList": {"Grant": [
            {"Grantee": {"ID": "me"}, "Permission": "FULL_CONTROL"}]}}}, ""),
        ({"x-amz-grant-full-control": "id=abc"}, "canonical user"),
    ],
)  # fmt: skip
def test_an_acl_says_whom_it_lets_in(asked: Record, expected: str, tmp_path: Path) -> None:
    found = record("s3:PutBucketAcl", requestParameters={"bucketName": "b"} | asked)
    assert one(tmp_path, "bucket-exposure", found)["opened_to"] == expected


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"BlockPublicAcls": True}, "unblocked"),
        (dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls",
                        "RestrictPublicBuckets"), True), ""),
    ],
)  # fmt: skip
def test_what_a_block_leaves_out_is_off(block: Record, expected: str, tmp_path: Path) -> None:
    asked = {"bucketName": "b", "PublicAccessBlockConfiguration": block}
    found = record("s3:PutBucketPublicAccessBlock", requestParameters=asked)
    assert one(tmp_path, "bucket-exposure", found)["opened_to"] == expected


@pytest.mark.parametrize("action", ["CopyObject", "UploadPartCopy"])
@pytest.mark.parametrize("source", [f"/{BUCKET}/{LOG}", f"{BUCKET}/{LOG}".replace("/", "%2F")])
def test_a_copy_of_a_log_file_reads_it(action: str, source: str, tmp_path: Path) -> None:
    asked = {"bucketName": "mine", "key": "x", "x-amz-copy-source": source}
    row = one(tmp_path, "log-readers", record(f"s3:{action}", requestParameters=asked))
    assert row["bucket"] == BUCKET


def test_the_archive_is_known_behind_an_access_point(tmp_path: Path) -> None:
    arns = [{"ARN": f"arn:aws:s3:::{BUCKET}/{LOG}"}, {"ARN": f"arn:aws:s3:::{BUCKET}"}]
    asked = {"bucketName": "ap-xyz-s3alias", "key": LOG}
    found = record("s3:DeleteObject", requestParameters=asked, resources=arns)
    assert one(tmp_path, "log-object-tampering", found)["bucket"] == BUCKET


def test_an_access_point_of_the_archive_is_told(tmp_path: Path) -> None:
    asked = {"name": "ap", "CreateAccessPointRequest": {"Bucket": BUCKET}}
    found = record("s3:CreateAccessPoint", requestParameters=asked)
    assert one(tmp_path, "log-bucket-tampering", found)["target"] == BUCKET


def test_the_name_of_a_selector_is_no_category(tmp_path: Path) -> None:
    only = [
        {"name": "Management", "fieldSelectors": [{"field": "eventCategory", "equals": ["Data"]}]}
    ]
    found = record(
        "cloudtrail:PutEventSelectors", requestParameters={"advancedEventSelectors": only}
    )
    assert one(tmp_path, "trail-narrowed", found)["management_events"] == "false"


@pytest.mark.parametrize(
    "statement", ['SELECT *\nFROM "patients"', 'SELECT * FROM"patients"', "UPDATE patients SET x=1"]
)
def test_a_statement_is_read_however_it_is_written(statement: str, tmp_path: Path) -> None:
    found = record("dynamodb:ExecuteStatement", requestParameters={"statement": statement})
    assert (
        one(tmp_path, "dynamodb-access", found, {"tables": "patients"})["table_name"] == "patients"
    )


@pytest.mark.parametrize(
    ("action", "asked"),
    [
        ("guardduty:UpdateDetector", {"detectorId": "d", "enable": True}),
        ("logs:PutRetentionPolicy", {"logGroupName": "g", "retentionInDays": 3653}),
        ("events:PutRule", {"name": "r", "state": "ENABLED"}),
    ],
)
def test_what_is_switched_on_is_not_stopped(action: str, asked: Record, tmp_path: Path) -> None:
    write_log(tmp_path, [record(action, requestParameters=asked)])
    assert ask(tmp_path, "security-services-stopped") == []


def test_an_organization_alone_may_call_a_function(tmp_path: Path) -> None:
    asked = {"functionName": "f", "principal": "*", "principalOrgID": "o-abcd"}
    found = record("lambda:AddPermission20150331v2", requestParameters=asked)
    assert one(tmp_path, "lambda-changes", found)["opened_to"] == "conditional"


def test_a_throttled_call_is_no_failed_authentication(tmp_path: Path) -> None:
    write_log(tmp_path, [record("sts:AssumeRole", errorCode="ThrottlingException")])
    assert ask(tmp_path, "failed-authentication") == []
