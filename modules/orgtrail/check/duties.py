"""The duties of a stack's roles: what each has to be able to do, by what the stack uses it for.

https://docs.aws.amazon.com/athena/latest/ug/workgroups-access.html
https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from orgtrail.check.asking import Asker
from orgtrail.check.attack import DIGESTS
from orgtrail.check.delivery import Delivery, Sender, through
from orgtrail.check.findings import Severity
from orgtrail.check.model import Flow, FlowKind, IamRole, Model
from orgtrail.check.principals import members
from orgtrail.iam.request import Caller, Kind
from orgtrail.naming import LOGS
from orgtrail.trail.policy import CONTEXT

_ASK = (
    "athena:BatchGetNamedQuery", "athena:BatchGetQueryExecution", "athena:GetNamedQuery",
    "athena:GetPreparedStatement", "athena:GetQueryExecution", "athena:GetQueryResults",
    "athena:GetQueryResultsStream", "athena:GetWorkGroup", "athena:ListNamedQueries",
    "athena:ListPreparedStatements", "athena:ListQueryExecutions", "athena:StartQueryExecution",
    "athena:StopQueryExecution",
)  # fmt: skip
_BROWSE = (
    "athena:GetDataCatalog", "athena:GetDatabase", "athena:GetTableMetadata",
    "athena:ListDatabases", "athena:ListTableMetadata",
)  # fmt: skip
_CONSOLE = ("athena:ListDataCatalogs", "athena:ListWorkGroups")
_TAKE = (
    "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl", "sqs:ReceiveMessage",
)  # fmt: skip
_LOOK_AT_ALARMS = (
    "cloudwatch:DescribeAlarmHistory", "cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData",
    "cloudwatch:GetMetricWidgetImage",
)  # fmt: skip
_FIND, _FIND_PARTS = ("s3:GetBucketLocation", "s3:ListBucket"), "s3:ListBucketMultipartUploads"
_WRITE = ("s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject")


class Purpose(Enum):
    """What a stack uses a role for."""

    AUDITOR = "auditor"
    CONSUMER = "consumer"
    READER = "reader"
    COMPACTION = "compaction"
    VERIFIER = "verifier"
    STARTER = "starter"
    DELIVERY = "delivery"
    CHAT = "chat"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Duty:
    """The place of a role's duties: the role, its purpose, and the flow that uses it."""

    role: IamRole
    purpose: Purpose
    flow: Flow | None = None


def duties(model: Model) -> list[Duty]:
    """Return each role of a model with its purpose."""
    used = {each.role: each for each in model.flows if each.role}
    return [Duty(each, _purpose(model, each, used.get(each.arn)), used.get(each.arn))
            for each in model.roles]  # fmt: skip


def _purpose(model: Model, role: IamRole, flow: Flow | None) -> Purpose:
    if flow:
        return {
            FlowKind.LOG_STREAMS: Purpose.DELIVERY,
            FlowKind.BUILD: Purpose.VERIFIER,
            FlowKind.CHAT: Purpose.CHAT,
            FlowKind.SCHEDULE: Purpose.STARTER
            if flow.target.startswith("codebuild:")
            else Purpose.COMPACTION,
        }.get(flow.kind, Purpose.UNKNOWN)
    people = any(each.principals_of("AWS") for each in role.trust.statements if each.allows)
    if not people or not role.account or role.account != model.logging:
        return Purpose.UNKNOWN
    if _allows(role, "athena:") or _allows(role, "glue:"):
        return Purpose.AUDITOR
    if not _allows(role, "s3:") and not _allows(role, "sqs:"):
        return Purpose.UNKNOWN
    return Purpose.CONSUMER if _feed(model) else Purpose.READER


def _allows(role: IamRole, prefix: str) -> bool:
    return any(
        action.lower().startswith(prefix)
        for policy in role.policies
        for each in policy.statements
        if each.allows and not each.doubt
        for action in each.actions
    )


def _feed(model: Model) -> list[str]:
    """Return the ARNs of the queues that notices of log files reach."""
    made = {each.arn for each in model.queues}
    sent = (FlowKind.SUBSCRIPTION, FlowKind.NOTIFICATION)
    found = (each.target for each in model.flows if each.kind in sent and each.target in made)
    return list(dict.fromkeys(found))


def role_deliveries(asker: Asker) -> Iterator[Delivery]:
    """Yield what each role has to be able to do."""
    model = asker.model
    for duty in duties(model):
        if any(each.doubt for policy in duty.role.policies for each in policy.statements):
            continue  # what it may do is attached from elsewhere
        yield from _Duties(model, duty).deliveries()


@dataclass(frozen=True)
class _Duties:
    """Writes the deliveries of one role."""

    model: Model
    duty: Duty

    def deliveries(self) -> Iterator[Delivery]:
        match self.duty.purpose:
            case Purpose.AUDITOR:
                yield from self._asks()
                yield from self._reads(versions=True)
                yield from self._does("digests cannot be verified").asks(
                    "*", "cloudtrail:ListPublicKeys"
                )
            case Purpose.CONSUMER:
                yield from self._consumes()
                yield from self._reads()
            case Purpose.READER:
                yield from self._reads()
            case Purpose.COMPACTION:
                yield from self._compacts()
                yield from self._reads()
            case Purpose.VERIFIER:
                yield from self._verifies()
            case Purpose.STARTER:
                flow = self.duty.flow
                assert flow
                project = self._arn("codebuild", f"project/{flow.detail}")
                yield from self._does("nothing is verified").asks(project, "codebuild:StartBuild")
            case Purpose.CHAT:
                yield from self._does("the chat channel shows no alarm").asks("*", *_LOOK_AT_ALARMS)

    def _does(self, lost: str, severity: Severity = Severity.MEDIUM, **context: str) -> Sender:
        role, sections = self.duty.role, _SECTIONS[self.duty.purpose]
        caller = Caller(Kind.ROLE, role.arn, role.account, self.model.organization)
        who = f"the role {role.arn.rpartition('/')[2]}"
        return Sender(self.model, role.address, sections, who, lost, caller, role.policies,
                      {key.replace("_", ":"): value for key, value in context.items()},
                      severity)  # fmt: skip

    def _arn(self, service: str, resource: str) -> str:
        role = self.duty.role
        region = self.model.archive.region if self.model.archive else role.region
        return f"arn:{self.model.partition}:{service}:{region}:{role.account}:{resource}"

    def _bucket(self, name: str) -> str:
        return f"arn:{self.model.partition}:s3:::{name}"

    def _reads(self, *, versions: bool = False) -> Iterator[Delivery]:
        """Yield what reading the log files takes, of every account, as S3 and KMS ask for it."""
        model, archive = self.model, self.model.archive
        if not archive or not model.is_known:
            return
        bucket = self._bucket(archive.name)
        sender = self._does("it cannot read the log files", Severity.HIGH)
        look = (*_FIND, *(("s3:ListBucketVersions",) if versions else ()))
        yield from sender.asks(bucket, *look, context={"s3:prefix": model.logs_prefix})
        for account in (members(model)[0], model.management):
            for folder in (LOGS, DIGESTS):
                key = f"{model.logs_prefix}{model.organization}/{account}/{folder}/any.json.gz"
                yield from sender.asks(f"{bucket}/{key}", "s3:GetObject", "s3:GetObjectVersion")
        if model.key and model.trail:
            context = {CONTEXT: model.trail.arn, **through("s3", archive.region)}
            yield from sender.uses_key(model.key.address, "kms:Decrypt", context=context)

    def _asks(self) -> Iterator[Delivery]:
        """Yield what a question to Athena takes: workgroup, catalog, table and results."""
        sender = self._does("it cannot ask Athena", Severity.HIGH)
        for group in self.model.workgroups[:1]:
            yield from sender.asks(self._arn("athena", f"workgroup/{group.name}"), *_ASK)
        browsing = self._does("the console shows neither catalog nor workgroup", Severity.LOW)
        yield from browsing.asks(self._arn("athena", "datacatalog/AwsDataCatalog"), *_BROWSE)
        yield from browsing.asks("*", *_CONSOLE)
        yield from self._schema("s")
        yield from self._keeps_results()
        yield from self._compacted(_FIND, ("s3:GetObject",), ("kms:Decrypt",))

    def _schema(self, plural: str) -> Iterator[Delivery]:
        sender = self._does("it cannot read the table's schema", Severity.HIGH)
        for table in self.model.tables[:1]:
            catalog, database = self._arn("glue", "catalog"), f"database/{table.database}"
            of_database = ["glue:GetDatabase", *(["glue:GetDatabases"] if plural else [])]
            of_table = ["glue:GetPartition", "glue:GetPartitions", "glue:GetTable"]
            of_table += ["glue:GetTables"] if plural else []
            yield from sender.asks(catalog, *of_database, *of_table)
            yield from sender.asks(self._arn("glue", database), *of_database, *of_table)
            name = self._arn("glue", f"table/{table.database}/{table.name}")
            yield from sender.asks(name, *of_table)

    def _keeps_results(self) -> Iterator[Delivery]:
        for group in self.model.workgroups[:1]:
            name, _, prefix = group.results.removeprefix("s3://").partition("/")
            context = {"aws:ViaAWSService": "true"}
            sender = self._does("it cannot keep or read results of Athena", Severity.HIGH)
            yield from self._on_bucket(
                sender, name, prefix, (*_FIND, _FIND_PARTS), _WRITE, context,
                ("kms:Decrypt", "kms:GenerateDataKey"),
            )  # fmt: skip

    def _compacted(
        self, find: tuple[str, ...], use: tuple[str, ...], with_key: tuple[str, ...]
    ) -> Iterator[Delivery]:
        for bucket in self.model.buckets:
            if bucket.holds_iceberg_table:
                sender = self._does("it cannot use the compacted table", Severity.HIGH)
                context = {"aws:ViaAWSService": "true"}
                yield from self._on_bucket(
                    sender, bucket.name, "data/", find, use, context, with_key
                )

    def _on_bucket(
        self, sender: Sender, name: str, prefix: str, find: tuple[str, ...], use: tuple[str, ...],
        context: dict[str, str], with_key: tuple[str, ...],
    ) -> Iterator[Delivery]:  # fmt: skip
        bucket = next((each for each in self.model.buckets if each.name == name), None)
        if not bucket:
            return
        arn = self._bucket(name)
        yield from sender.asks(arn, *find, context=context)
        yield from sender.asks(f"{arn}/{prefix}any", *use, context=context)
        of_s3 = {
            "kms:EncryptionContext:aws:s3:arn": arn,
            **through("s3", bucket.region),
        }
        if bucket.algorithm == "aws:kms":
            yield from sender.uses_key(bucket.key, *with_key, context=of_s3)

    def _consumes(self) -> Iterator[Delivery]:
        sender = self._does("it cannot take messages from the queue", Severity.HIGH)
        for queue in self.model.queues:
            if queue.arn in _feed(self.model):
                yield from sender.asks(queue.arn, *_TAKE)
                of_sqs = through("sqs", queue.region)
                yield from sender.uses_key(queue.key, "kms:Decrypt", context=of_sqs)

    def _compacts(self) -> Iterator[Delivery]:
        sender = self._does("the compacted table does not grow", Severity.HIGH)
        for group in self.model.workgroups[:1]:
            arn = self._arn("athena", f"workgroup/{group.name}")
            yield from sender.asks(arn, "athena:GetWorkGroup", "athena:StartQueryExecution")
        catalog = self._arn("athena", "datacatalog/AwsDataCatalog")
        yield from sender.asks(catalog, "athena:GetDataCatalog")
        yield from self._schema("")
        for database, table in self.model.iceberg_tables:
            for name in ("catalog", f"database/{database}", f"table/{database}/{table}"):
                yield from sender.asks(self._arn("glue", name), "glue:UpdateTable")
        yield from self._keeps_results()
        yield from self._compacted(
            (*_FIND, _FIND_PARTS), (*_WRITE, "s3:DeleteObject"),
            ("kms:Decrypt", "kms:GenerateDataKey"),
        )  # fmt: skip

    def _verifies(self) -> Iterator[Delivery]:
        flow = self.duty.flow
        assert flow
        if flow.target:
            sender = self._does("no report of a build is kept", Severity.HIGH)
            stream = f"{flow.target}:log-stream:any"
            yield from sender.asks(stream, "logs:CreateLogStream", "logs:PutLogEvents")
        archive = self.model.archive
        if archive and archive.name in flow.detail:
            yield from self._reads(versions=True)
            sender = self._does("digests cannot be verified", Severity.HIGH)
            yield from sender.asks("*", "cloudtrail:ListPublicKeys")
        for topic in self.model.topics:
            if topic.arn in flow.detail:
                sender = self._does("nobody hears that a verification failed", Severity.HIGH)
                yield from sender.asks(topic.arn, "sns:Publish")
                of_sns = through("sns", topic.region)
                keys = ("kms:Decrypt", "kms:GenerateDataKey")
                yield from sender.uses_key(topic.key, *keys, context=of_sns)


_SECTIONS = {
    Purpose.AUDITOR: "access.auditor",
    Purpose.CONSUMER: "siem.reader",
    Purpose.READER: "access",
    Purpose.COMPACTION: "catalog.compaction",
    Purpose.VERIFIER: "verification",
    Purpose.STARTER: "verification",
    Purpose.DELIVERY: "delivery",
    Purpose.CHAT: "alarms.subscribers",
    Purpose.UNKNOWN: "access",
}
