"""For each question: records that it must find, and near misses that it must not."""

from __future__ import annotations

from typing import Any

from tests.log_records import Record, record

_BUCKET = {"bucketName": "example-bank-archive"}
_LOG = _BUCKET | {"key": "AWSLogs/o-x/333333333333/CloudTrail/a.json.gz"}
_SERVICE = {"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"}
_TRAIL_ITSELF = {"userIdentity": _SERVICE, "sourceIPAddress": "cloudtrail.amazonaws.com"}
_ROLE = {"roleArn": "arn:aws:iam::333333333333:role/admin", "roleSessionName": "eve"}
_ROOT = {"type": "Root", "arn": "arn:aws:iam::333333333333:root", "accountId": "333333333333"}


def _login(result: str, kind: str = "IAMUser", mfa: str = "No", **changes: Any) -> Record:
    identity = {"type": kind, "accountId": "333333333333", "userName": "eve"}
    return record(
        "signin:ConsoleLogin",
        **{
            "userIdentity": identity,
            "responseElements": {"ConsoleLogin": result},
            "additionalEventData": {"MFAUsed": mfa},
            **({"errorMessage": "Failed authentication"} if result == "Failure" else {}),
            **changes,
        },
    )


def _person(**context: Any) -> Record:
    return {
        "type": "AssumedRole",
        "principalId": "AROAX:ana",
        "arn": "arn:aws:sts::333333333333:assumed-role/AWSReservedSSO_Admin_1/ana",
        "accountId": "333333333333",
        "accessKeyId": "ASIAANA",
        "sessionContext": {"sessionIssuer": {"userName": "AWSReservedSSO_Admin_1"}, **context},
    }


def _assumed(key: str, caller: str, role: str, **changes: Any) -> Record:
    identity = record("sts:AssumeRole")["userIdentity"] | {"accessKeyId": caller}
    return record(
        "sts:AssumeRole",
        **{
            "userIdentity": identity,
            "requestParameters": {"roleArn": f"arn:aws:iam::333333333333:role/{role}"},
            "responseElements": {"credentials": {"accessKeyId": key}},
            "readOnly": True,
            **changes,
        },
    )


def _instance(address: str, key: str = "ASIAI", **changes: Any) -> Record:
    identity = {
        "type": "AssumedRole", "accountId": "333333333333", "accessKeyId": key,
        "arn": "arn:aws:sts::333333333333:assumed-role/web/i-0123456789abcdef0",
        "principalId": "AROAX:i-0123456789abcdef0", "sessionContext": {"ec2RoleDelivery": "2.0"},
    }  # fmt: skip
    return record(
        "s3:ListBuckets", userIdentity=identity, sourceIPAddress=address, readOnly=True, **changes
    )


def _large(kind: str, **changes: Any) -> Record:
    asked = {"instanceType": kind, "instancesSet": {"items": [{"minCount": 1, "maxCount": 9}]}}
    return record("ec2:RunInstances", requestParameters=asked, **changes)


HITS: dict[str, list[list[Record]]] = {
    "access-key-history": [[record("ec2:RunInstances")]],
    "account-activity": [[record("ec2:RunInstances")]],
    "address-activity": [[record("ec2:RunInstances")]],
    "account-lifecycle": [
        [record("organizations:LeaveOrganization")], [record("organizations:MoveAccount")],
    ],
    "athena-guardrails": [
        [record("athena:UpdateWorkGroup", requestParameters={"workGroup": "w"})],
        [record("glue:DeleteTable", requestParameters={"databaseName": "cloudtrail", "name": "t"})],
    ],
    "athena-queries": [
        [record("athena:StartQueryExecution", requestParameters={"queryString": "SELECT 1"})],
    ],
    "bedrock-use": [
        [record("bedrock:InvokeModel", requestParameters={"modelId": "m"}, readOnly=True)],
        [record("bedrock:DeleteModelInvocationLoggingConfiguration")],
    ],
    "bucket-exposure": [
        [record("s3:PutBucketPolicy", requestParameters={"bucketName": "b"})],
        [record("s3:PutAccountPublicAccessBlock")],
    ],
    "central-root-sessions": [
        [record("sts:AssumeRoot")],
        [record("iam:GetUser", userIdentity=_ROOT | {"sessionContext": {"assumedRoot": "true"}})],
    ],
    "console-changes": [
        [record("ec2:RunInstances", sessionCredentialFromConsole="true")],
        [record("ec2:RunInstances", sessionCredentialFromConsole=True, readOnly="false")],
    ],
    "console-login-failures": [[_login("Failure")]],
    "console-login-without-mfa": [[_login("Success")], [_login("Success", "Root")]],
    "coverage": [[record("ec2:RunInstances")]],
    "cross-account-roles": [
        [record("sts:AssumeRole", recipientAccountId="222222222222", requestParameters=_ROLE)],
    ],
    "delegated-administration": [
        [record("organizations:RegisterDelegatedAdministrator")],
        [record("cloudtrail:DeregisterOrganizationDelegatedAdmin")],
    ],
    "denied-calls": [
        [record("ec2:RunInstances", errorCode="Client.UnauthorizedOperation")],
        [record("s3:GetObject", errorCode="AccessDenied")],
        [record("kms:Decrypt", errorCode="AccessDeniedException")],
    ],
    "dynamodb-access": [
        [record("dynamodb:Scan", requestParameters={"tableName": "patients"})],
        [record("dynamodb:BatchGetItem", requestParameters={"requestItems": {"patients": {}}})],
        [record("dynamodb:ExecuteStatement", requestParameters={"statement": 'SELECT * FROM "patients"'})],
    ],
    "failed-authentication": [
        [_login("Failure")], [record("sts:AssumeRole", errorCode="AccessDenied")],
        [record("ec2:RunInstances", errorCode="Client.AuthFailure")],
    ],
    "federation-tokens": [
        [record("sts:GetFederationToken", requestParameters={"name": "bob"}, readOnly=False)],
        [_login("Success", "FederatedUser")],
        [record("signin:GetSigninToken")],
    ],
    "instance-access": [
        [record("ssm:SendCommand", requestParameters={"instanceIds": ["i-1"]})],
        [record("ssm:StartSession", requestParameters={"target": "i-1"})],
        [record("ec2-instance-connect:SendSSHPublicKey", requestParameters={"instanceId": "i-1"})],
        [record("ec2-instance-connect:SendSerialConsoleSSHPublicKey")],
        [record("ec2:EnableSerialConsoleAccess")],
        [record("ec2:GetPasswordData", readOnly=True, requestParameters={"instanceId": "i-1"})],
    ],
    "instance-credentials": [
        [_instance("198.51.100.7"), _instance("203.0.113.9")],
        [_instance("10.0.0.4"), _instance("172.31.0.9")],
        [_instance("2001:db8:1::5"), _instance("2001:db8:2::5")],
        [_instance("2001:db8::5"), _instance("2001:db9::5")],
    ],
    "lambda-changes": [
        [record("lambda:UpdateFunctionCode20150331v2", requestParameters={"functionName": "f"})],
        [record("lambda:AddPermission20150331v2", requestParameters={"principal": "*"})],
        [record("lambda:UpdateFunctionConfiguration20150331v2", requestParameters={
            "functionName": "f", "layers": ["arn:aws:lambda:us-east-1:999999999999:layer:x:1"]})],
        [record("lambda:PublishLayerVersion20181031")],
    ],
    "unusual-instances": [
        [_large("p4d.24xlarge")], [_large("g5.xlarge")], [_large("m5.metal")],
        [_large("c5.18xlarge", errorCode="Client.InstanceLimitExceeded")],
        [_large("t3.micro", awsRegion="ap-south-1")],
        [record("ec2:ModifyInstanceAttribute", requestParameters={
            "instanceId": "i-1", "instanceType": {"value": "p5.48xlarge"}})],
    ],
    "user-data": [
        [record("ec2:ModifyInstanceAttribute", requestParameters={
            "instanceId": "i-1", "userData": "<sensitiveDataRemoved>"})],
        [record("ec2:DescribeInstanceAttribute", readOnly=True, requestParameters={
            "instanceId": "i-1", "attribute": "userData"})],
    ],
    "federation-changes": [
        [record("iam:CreateSAMLProvider")], [record("rolesanywhere:CreateTrustAnchor")],
    ],
    "first-time-roles": [[_assumed("ASIA1", "AKIAEVE", "admin")]],
    "identity-center-changes": [
        [record("sso:CreateAccountAssignment")], [record("sso:PutInlinePolicyToPermissionSet")],
    ],
    "kms-grants": [
        [record("kms:PutKeyPolicy", requestParameters={"keyId": "k"})],
        [record("kms:CreateGrant", requestParameters={"granteePrincipal": "arn:aws:iam::999999999999:root"})],
    ],
    "kms-key-disabled": [[record("kms:ScheduleKeyDeletion", requestParameters={"keyId": "k"})]],
    "log-bucket-tampering": [[record("s3:PutBucketLifecycle", requestParameters=_BUCKET)]],
    "log-object-tampering": [
        [record("s3:DeleteObject", requestParameters=_LOG)],
        [record("s3:DeleteObjects", requestParameters=_BUCKET)],
        [record("s3:PutObject", requestParameters=_LOG)],
    ],
    "log-readers": [[record("s3:GetObject", requestParameters=_LOG)]],
    "logging-account-access": [
        [_login("Success")], [record("sts:AssumeRole", readOnly=True)], [record("iam:CreateUser")],
    ],
    "mfa-removed": [[record("iam:DeactivateMFADevice", requestParameters={"userName": "eve"})]],
    "network-exposure": [[record("ec2:AuthorizeSecurityGroupIngress")], [record("ec2:CreateVpc")]],
    "new-credentials": [[record("iam:CreateAccessKey")], [record("iam:UpdateLoginProfile")]],
    "old-tls": [
        [record("ec2:DescribeInstances", tlsDetails={"tlsVersion": "TLSv1.1"})],
        [record("s3:GetObject", eventCategory="NetworkActivity", errorCode="VpceAccessDenied")],
    ],
    "organization-policies": [
        [record("organizations:DetachPolicy", errorCode="AccessDenied")],
        [record("organizations:DisablePolicyType")],
    ],
    "people": [[record("ec2:RunInstances", userIdentity=_person())]],
    "principal-activity": [[record("ec2:RunInstances")]],
    "privilege-changes": [[record("iam:AttachRolePolicy")], [record("iam:CreatePolicyVersion")]],
    "resource-access": [
        [record("dynamodb:GetItem", requestParameters={"tableName": "patients"})],
        [record("kms:Decrypt", resources=[{"ARN": "patients"}])],
    ],
    "role-assumptions": [
        [record("sts:AssumeRole", requestParameters=_ROLE)],
        [record("sts:AssumeRoleWithSAML", requestParameters=_ROLE, errorCode="AccessDenied")],
    ],
    "role-chain": [[_assumed("ASIA1", "AKIAEVE", "one"), _assumed("ASIA2", "ASIA1", "two")]],
    "root-credentials": [[record("iam:CreateAccessKey", userIdentity=_ROOT)]],
    "root-use": [[record("ec2:RunInstances", userIdentity=_ROOT)]],
    "secrets-read": [
        [record("secretsmanager:GetSecretValue", requestParameters={"secretId": "s"})],
        [record("ssm:GetParameter", requestParameters={"name": "p", "withDecryption": True})],
    ],
    "security-services-stopped": [
        [record("guardduty:DeleteDetector")], [record("config:StopConfigurationRecorder")],
        [record("ec2:DeleteFlowLogs")],
    ],
    "snapshot-sharing": [
        [record("ec2:ModifySnapshotAttribute", requestParameters={
            "createVolumePermission": {"add": {"items": [{"userId": "999999999999"}]}}})],
        [record("rds:ModifyDBSnapshotAttribute", requestParameters={"valuesToAdd": ["all"]})],
    ],
    "trail-history": [[record("cloudtrail:CreateTrail", requestParameters={"name": "t"})]],
    "trail-narrowed": [
        [record("cloudtrail:UpdateTrail", requestParameters={"name": "t", "isMultiRegionTrail": False})],
        [record("cloudtrail:PutEventSelectors", requestParameters={
            "eventSelectors": [{"includeManagementEvents": False}]})],
    ],
    "trail-tampering": [
        [record("cloudtrail:StopLogging", errorCode="AccessDenied")],
        [record("cloudtrail:DeleteEventDataStore")], [record("cloudtrail:PutEventSelectors")],
    ],
    "unused-regions": [
        [record("ec2:RunInstances", awsRegion="ap-south-1")], [record("account:EnableRegion")],
    ],
}  # fmt: skip

MISSES: dict[str, list[list[Record]]] = {
    "access-key-history": [
        [record("ec2:RunInstances", userIdentity={"type": "IAMUser", "accessKeyId": "AKIAOTHER"})]
    ],
    "account-activity": [],
    "address-activity": [
        [record("ec2:RunInstances", sourceIPAddress="192.0.2.11")],
        [record("ec2:RunInstances", sourceIPAddress="192.0.2", userAgent="192.0.2.1")],
    ],
    "account-lifecycle": [[record("organizations:ListAccounts")]],
    "athena-guardrails": [
        [record("athena:GetWorkGroup")],
        [record("glue:DeleteTable", requestParameters={"databaseName": "sales", "name": "t"})],
    ],
    "athena-queries": [[record("athena:GetQueryResults")]],
    "bedrock-use": [[record("bedrock:ListFoundationModels", readOnly=True)]],
    "bucket-exposure": [
        [record("s3:GetBucketPolicy")],
        [record("s3:CreateBucket", requestParameters={"bucketName": "b"})],
    ],
    "central-root-sessions": [
        [record("iam:GetUser", userIdentity=_ROOT | {"sessionContext": {"assumedRoot": "false"}})]
    ],
    "console-changes": [
        [record("ec2:RunInstances")],
        [record("ec2:DescribeInstances", sessionCredentialFromConsole="true", readOnly=True)],
        [record("ec2:RunInstances", sessionCredentialFromConsole="true", userAgent="Terraform/1.9")],
    ],
    "console-login-failures": [[_login("Success")]],
    "console-login-without-mfa": [
        [_login("Failure")],
        [_login("Success", mfa="Yes")],
        [_login("Success", "AssumedRole")],
        [_login("Success", additionalEventData={"MFAUsed": "No", "SamlProviderArn": "arn:x"})],
    ],
    "coverage": [],
    "cross-account-roles": [[record("sts:AssumeRole", requestParameters=_ROLE)]],
    "delegated-administration": [[record("organizations:ListDelegatedAdministrators")]],
    "denied-calls": [
        [record("ec2:RunInstances", errorCode="Client.InstanceLimitExceeded")],
        [record("s3:GetObject", errorCode="NoSuchKey")],
        [record("s3:GetObject", errorCode="AccessDenied", userIdentity=_SERVICE)],
    ],
    "dynamodb-access": [
        [record("dynamodb:DescribeTable", requestParameters={"tableName": "patients"})],
    ],
    "failed-authentication": [
        [_login("Success")],
        [record("ec2:RunInstances", errorCode="Client.UnauthorizedOperation")],
    ],
    "federation-tokens": [
        [record("sts:GetSessionToken")], [record("sts:GetCallerIdentity", readOnly=True)],
        [_login("Success")],
        [record("signin:GetSigninToken", userAgent="Jersey/${project.version} (HttpUrlConnection")],
    ],
    "instance-access": [
        [record("ssm:DescribeSessions", readOnly=True)], [record("ec2:DescribeInstances")],
        [record("ssm:SendCommand", userIdentity=_SERVICE)],
    ],
    "instance-credentials": [
        [_instance("198.51.100.7"), _instance("198.51.100.9")],
        [_instance("10.0.0.4"), _instance("198.51.100.7")],
        [_instance("2001:db8:1::5"), _instance("198.51.100.7")],
        [_instance("198.51.100.7"), _instance("203.0.113.9", "ASIALATER")],
        [_instance("198.51.100.7"), _instance("ec2.amazonaws.com")],
        [record("s3:ListBuckets", sourceIPAddress=each) for each in ("192.0.2.1", "203.0.113.9")],
    ],
    "lambda-changes": [
        [record("lambda:GetFunction20150331v2", readOnly=True)],
        [record("lambda:UpdateFunctionConfiguration20150331v2", requestParameters={
            "functionName": "f", "memorySize": 512})],
    ],
    "unusual-instances": [
        [_large("t3.micro")], [_large("m5.4xlarge")], [record("ec2:DescribeInstances")],
    ],
    "user-data": [
        [record("ec2:ModifyInstanceAttribute", requestParameters={
            "instanceId": "i-1", "disableApiTermination": {"value": True}})],
        [record("ec2:DescribeInstanceAttribute", requestParameters={
            "instanceId": "i-1", "attribute": "instanceType"})],
    ],
    "federation-changes": [[record("iam:GetSAMLProvider")]],
    "first-time-roles": [
        [_assumed("ASIA1", "AKIAEVE", "admin", errorCode="AccessDenied")],
    ],
    "identity-center-changes": [[record("sso:ListAccountAssignments")]],
    "kms-grants": [
        [record("kms:CreateGrant", requestParameters={"granteePrincipal": "arn:aws:iam::333333333333:root"})],
        [record("kms:CreateGrant", requestParameters={"granteePrincipal": "rds.us-east-1.amazonaws.com"})],
    ],
    "kms-key-disabled": [[record("kms:EnableKey")]],
    "log-bucket-tampering": [
        [record("s3:PutBucketLifecycle", requestParameters={"bucketName": "other"})],
        [record("s3:GetBucketPolicy", requestParameters=_BUCKET)],
    ],
    "log-object-tampering": [
        [record("s3:PutObject", requestParameters=_LOG, **_TRAIL_ITSELF)],
        [record("s3:GetObject", requestParameters=_LOG)],
        [record("s3:DeleteObject", requestParameters=_BUCKET | {"key": "results/a.csv"})],
    ],
    "log-readers": [
        [record("s3:GetObject", requestParameters=_LOG, **_TRAIL_ITSELF)],
        [record("s3:GetObject", requestParameters=_LOG | {"bucketName": "other"})],
    ],
    "logging-account-access": [
        [_login("Success", recipientAccountId="444444444444")],
        [record("iam:ListUsers", readOnly=True)],
        [record("s3:PutObject", **_TRAIL_ITSELF)],
    ],
    "mfa-removed": [[record("iam:EnableMFADevice")]],
    "network-exposure": [[record("ec2:DescribeVpcs")]],
    "new-credentials": [[record("iam:ListAccessKeys")], [record("iam:DeleteAccessKey")]],
    "old-tls": [[record("ec2:DescribeInstances", tlsDetails={"tlsVersion": "TLSv1.2"})]],
    "organization-policies": [[record("iam:CreatePolicy")]],
    "people": [[record("ec2:RunInstances")]],
    "principal-activity": [
        [record("ec2:RunInstances", userIdentity={"type": "IAMUser", "userName": "evelyn"})]
    ],
    "privilege-changes": [[record("organizations:CreatePolicy")], [record("iam:GetRole")]],
    "resource-access": [[record("dynamodb:GetItem", requestParameters={"tableName": "patients2"})]],
    "role-assumptions": [[record("sts:AssumeRole", userIdentity=_SERVICE)]],
    "role-chain": [[_assumed("ASIA1", "AKIAEVE", "one"), _assumed("ASIA2", "AKIAEVE", "two")]],
    "root-credentials": [
        [record("iam:CreateAccessKey")],
        [record("iam:CreateAccessKey", userIdentity=_ROOT, requestParameters={"userName": "eve"})],
    ],
    "root-use": [
        [record("ec2:RunInstances")],
        [record("s3:GetObject", userIdentity=_ROOT | {"invokedBy": "backup.amazonaws.com"})],
        [record("kms:RotateKey", userIdentity=_ROOT, eventType="AwsServiceEvent")],
    ],
    "secrets-read": [
        [record("ssm:GetParameter", requestParameters={"name": "p", "withDecryption": False})],
        [record("secretsmanager:DescribeSecret", requestParameters={"secretId": "s"})],
    ],
    "security-services-stopped": [[record("guardduty:GetDetector")], [record("ec2:CreateFlowLogs")]],
    "snapshot-sharing": [
        [record("ec2:ModifySnapshotAttribute", requestParameters={
            "createVolumePermission": {"remove": {"items": [{"userId": "999999999999"}]}}})],
        [record("ec2:CreateSnapshot")],
    ],
    "trail-history": [[record("cloudtrail:DescribeTrails")]],
    "trail-narrowed": [
        [record("cloudtrail:UpdateTrail", requestParameters={"name": "t", "isMultiRegionTrail": True})],
    ],
    "trail-tampering": [[record("cloudtrail:GetTrail")], [record("cloudtrail:CreateTrail")]],
    "unused-regions": [
        [record("ec2:RunInstances")],
        [record("ec2:DescribeInstances", awsRegion="ap-south-1", readOnly=True)],
    ],
}  # fmt: skip
