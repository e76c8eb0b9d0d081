"""The acts of the access matrix: everything that would stop, change or open the audit trail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from orgtrail.layout import CLOUDTRAIL, LOGS
from orgtrail.policies.document import CONTEXT
from orgtrail.proof.estate import Bucket, Estate, Key, Trail
from orgtrail.proof.intent import Intent
from orgtrail.proof.policy import Policy
from orgtrail.proof.principals import STRANGERS, Principal, members
from orgtrail.proof.request import Context, Kind

May = Callable[[Principal], bool]

DIGESTS = "CloudTrail-Digest"
"""Folder of digest files under each account's prefix.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html"""

_BUCKET_ACTS = {
    "change the archive's policy": "PutBucketPolicy",
    "delete the archive's policy": "DeleteBucketPolicy",
    "change the archive's lifecycle, and so shorten retention": "PutLifecycleConfiguration",
    "suspend the archive's versioning": "PutBucketVersioning",
    "change the archive's lock": "PutBucketObjectLockConfiguration",
    "change the archive's encryption": "PutEncryptionConfiguration",
    "open the archive to the public": "PutBucketPublicAccessBlock",
    "change the archive's ACL": "PutBucketAcl",
    "give objects of the archive another owner": "PutBucketOwnershipControls",
    "replicate the archive elsewhere": "PutReplicationConfiguration",
    "stop the archive's access log": "PutBucketLogging",
    "make the requester pay, which stops delivery": "PutBucketRequestPayment",
    "delete the archive": "DeleteBucket",
}
_KEY_ACTS = {
    "schedule the key's deletion": "ScheduleKeyDeletion",
    "disable the key": "DisableKey",
    "change the key's policy": "PutKeyPolicy",
    "stop the key's rotation": "DisableKeyRotation",
}
_TRAIL_ACTS = {
    "stop the trail": "StopLogging",
    "delete the trail": "DeleteTrail",
    "update the trail": "UpdateTrail",
    "narrow what the trail records": "PutEventSelectors",
    "change what its events hold": "PutEventConfiguration",
    "stop the trail's insights": "PutInsightSelectors",
}
_CATALOG_ACTS = {"delete the table": "DeleteTable", "change the table": "UpdateTable"}
_WORKGROUP_ACTS = {
    "delete the workgroup": "DeleteWorkGroup",
    "change the workgroup": "UpdateWorkGroup",
}
_LOG_GROUP_ACTS = {
    "delete the log group": "DeleteLogGroup",
    "shorten the log group's retention": "PutRetentionPolicy",
}
_ORGANIZATION_ACTS = {
    "detach the service control policy": "DetachPolicy",
    "change the service control policy": "UpdatePolicy",
}


@dataclass(frozen=True)
class Act:
    """One column of the matrix.

    Args:
        title: what is done, in words.
        steps: the actions that it takes, with the resource of each; all must be allowed.
        account: who owns the resources; None for the account of who asks.
        may: who is meant to do it.
        policy: the resources' own policy, if they can have one.
        context: condition keys of the request.
        of: whom it can be asked of at all.
        impossible: why nobody can, whatever policies say; empty where they decide.

    """

    title: str
    steps: tuple[tuple[str, str], ...]
    account: str | None
    may: May
    policy: Policy | None = None
    context: Context = field(default_factory=dict)
    of: May = lambda _: True
    impossible: str = ""


def acts(estate: Estate, intent: Intent) -> list[Act]:
    """Return every act that the estate has something to do with."""
    trail, archive = estate.trail, estate.archive
    if not trail or not archive:
        return []
    made = _Acts(estate, intent, trail, archive)
    return [*made.of_trail(), *made.of_files(), *made.of_archive(), *made.of_key(),
            *made.of_catalog(), *made.of_organization(), *made.of_roles()]  # fmt: skip


@dataclass(frozen=True)
class _Acts:
    estate: Estate
    intent: Intent
    trail: Trail
    archive: Bucket

    def of_trail(self) -> Iterator[Act]:
        def may(who: Principal) -> bool:
            delegated = who.caller.account == self.intent.delegated and who.is_exempt
            return self._manages(who) or (who.is_administrator and delegated)

        for title, action in _TRAIL_ACTS.items():
            # Its delegated administrator acts on the trail as its owner does.
            yield Act(title, ((f"cloudtrail:{action}", self.trail.arn),), self.trail.account, may)

    def of_files(self) -> Iterator[Act]:
        member, other = members(self.estate)
        if self.intent.reader_accounts:
            member = self.intent.reader_accounts[0]
            other = next(each for each in (*members(self.estate), self.estate.management)
                         if each not in self.intent.reader_accounts)  # fmt: skip
        log, digest = self._key_of(member, LOGS), self._key_of(member, DIGESTS)
        ours = self._is_ours
        for title, key, algorithm, may in (
            ("write or overwrite a log file", log, "aws:kms", ours),
            ("write or overwrite a digest", digest, "AES256", ours),
            ("write the management account's log file",
             self._key_of(self.estate.management, LOGS), "aws:kms", ours),
            ("write a log file for another organization",
             log.replace(self.estate.organization, STRANGERS), "aws:kms", _nobody),
            ("write a log file outside the trail's prefix",
             f"{self.estate.logs_prefix}forged/{LOGS}/log.json.gz", "aws:kms", _nobody),
        ):  # fmt: skip
            headers = {
                "s3:x-amz-acl": "bucket-owner-full-control",
                "s3:x-amz-server-side-encryption": algorithm,
            }
            yield self._on_object(title, ("PutObject",), key, may, headers)
        for title, action in {
            "write a log file by replication": "ReplicateObject",
            "encrypt a log file with another key": "UpdateObjectEncryption",
        }.items():
            yield self._on_object(title, (action,), log, _nobody)
        yield self._on_object("read a member's log file", ("GetObject",), log, self._reads_own)
        yield self._on_object("read a member's digest", ("GetObject",), digest, self._reads_own)
        yield self._on_object(
            "read another account's log file", ("GetObject",), self._key_of(other, LOGS),
            self._reads,
        )  # fmt: skip
        yield from self._deletions(log, digest)

    def of_archive(self) -> Iterator[Act]:
        arn = self._bucket_arn()
        for title, action in _BUCKET_ACTS.items():
            yield self._on_archive(title, (f"s3:{action}",), arn, self._configures)

    def of_key(self) -> Iterator[Act]:
        key = self.estate.key
        if not key:
            return
        for title, action in _KEY_ACTS.items():
            yield self._on_key(title, key, ((action, False),), self._administers_key)
        for title, action in (("delete the key's alias", "DeleteAlias"),
                              ("give the key's alias to another key", "UpdateAlias")):  # fmt: skip
            yield self._on_key(title, key, ((action, True), (action, False)), self._administers_key)
        yield self._on_key("grant the use of the key", key, (("CreateGrant", False),), _nobody)
        through_s3 = {"kms:ViaService": f"s3.{key.region}.{self._domain()}"}
        yield self._on_key(
            "decrypt a log file", key, (("Decrypt", False),), self._decrypts,
            {CONTEXT: self.trail.arn, **through_s3},
        )  # fmt: skip
        yield self._on_key(
            "decrypt without CloudTrail's context", key, (("Decrypt", False),), _nobody
        )
        yield self._on_key(
            "encrypt a log file", key, (("GenerateDataKey", False),), self._is_ours,
            {CONTEXT: self.trail.arn},
        )  # fmt: skip

    def of_catalog(self) -> Iterator[Act]:
        for table in self.estate.tables[:1]:
            arn = self._arn("glue", table.region, table.account,
                            f"table/{table.database}/{table.name}")  # fmt: skip
            for title, action in _CATALOG_ACTS.items():
                yield Act(title, ((f"glue:{action}", arn),), table.account, self._configures)
        for group in self.estate.workgroups[:1]:
            arn = self._arn("athena", group.region, group.account, f"workgroup/{group.name}")
            for title, action in _WORKGROUP_ACTS.items():
                yield Act(title, ((f"athena:{action}", arn),), group.account, self._configures)
        for logs in self.estate.log_groups:
            if f":log-group:{logs.name}:" in self.trail.log_group:
                arn = self._arn("logs", logs.region, logs.account, f"log-group:{logs.name}")
                for title, action in _LOG_GROUP_ACTS.items():
                    yield Act(title, ((f"logs:{action}", arn),), logs.account, self._manages)

    def of_organization(self) -> Iterator[Act]:
        management = self.estate.management
        yield Act(
            "leave the organization", (("organizations:LeaveOrganization", "*"),), None, _nobody,
            of=self._is_member,
        )  # fmt: skip
        if any(each.kind == "SCP" for each in self.estate.controls):
            policy = self._arn(
                "organizations", "", management,
                f"policy/{self.estate.organization}/service_control_policy/p-protects0",
            )  # fmt: skip
            for title, action in _ORGANIZATION_ACTS.items():
                steps = ((f"organizations:{action}", policy),)
                yield Act(title, steps, management, self._manages)
        yield Act(
            "end the organization's trust in CloudTrail",
            (("organizations:DisableAWSServiceAccess", "*"),),
            management,
            self._manages,
            context={"organizations:ServicePrincipal": CLOUDTRAIL},
        )

    def of_roles(self) -> Iterator[Act]:
        """Whoever can rewrite the trust of a role is as good as that role."""
        deploy = self.estate.deploy_role(self.estate.logging)
        roles = {deploy: "the deploy role"} if deploy else {}
        for each in self.estate.roles:
            if each.account == self.estate.logging:
                roles[each.arn] = f"role {each.arn.rpartition('/')[2]}"
        for arn, name in roles.items():
            steps = (("iam:UpdateAssumeRolePolicy", arn),)
            yield Act(f"change who may assume {name}", steps, self.estate.logging, self._configures)

    def _deletions(self, log: str, digest: str) -> Iterator[Act]:
        def may(who: Principal) -> bool:
            return self._is_of_logging(who) and who.breaks_glass

        mode = self.archive.lock_mode
        locked = f"the COMPLIANCE lock of {self.archive.lock_days} days: nobody, root included"
        impossible = locked if mode == "COMPLIANCE" else ""
        version = ("DeleteObjectVersion", *(["BypassGovernanceRetention"] if mode else []))
        yield self._on_object("delete a log file", ("DeleteObject",), log, may)
        yield self._on_object("delete a digest", ("DeleteObject",), digest, may)
        yield self._on_object("delete a log file by replication", ("ReplicateDelete",), log, may)
        for title, steps in (
            ("delete an old version of a log file", version),
            ("shorten the lock of a log file", ("PutObjectRetention", "BypassGovernanceRetention")),
        ):
            if mode or "lock" not in title.split():
                who = _nobody if impossible else may
                yield self._on_object(title, steps, log, who, impossible=impossible)

    def _on_object(
        self,
        title: str,
        actions: tuple[str, ...],
        key: str,
        may: May,
        context: Context | None = None,
        impossible: str = "",
    ) -> Act:
        arn = f"{self._bucket_arn()}/{key}"
        return self._on_archive(
            title, tuple(f"s3:{each}" for each in actions), arn, may, context, impossible
        )

    def _on_archive(
        self,
        title: str,
        actions: tuple[str, ...],
        arn: str,
        may: May,
        context: Context | None = None,
        impossible: str = "",
    ) -> Act:
        return Act(
            title,
            tuple((action, arn) for action in actions),
            self.archive.account,
            may,
            self.archive.policy,
            context or {},
            impossible=impossible,
        )

    def _on_key(
        self,
        title: str,
        key: Key,
        steps: tuple[tuple[str, bool], ...],
        may: May,
        context: Context | None = None,
    ) -> Act:
        arn = self._arn("kms", key.region, key.account, "key/00000000-0000-0000-0000-000000000000")
        alias = self._arn("kms", key.region, key.account, key.alias)
        return Act(
            title,
            tuple((f"kms:{action}", alias if on_alias else arn) for action, on_alias in steps),
            key.account,
            may,
            key.policy,
            {"kms:ResourceAliases": (key.alias,), **(context or {})},
        )

    def _arn(self, service: str, region: str, account: str, resource: str) -> str:
        return f"arn:{self.estate.partition}:{service}:{region}:{account}:{resource}"

    def _bucket_arn(self) -> str:
        return self._arn("s3", "", "", self.archive.name)

    def _domain(self) -> str:
        return "amazonaws.com.cn" if self.estate.partition == "aws-cn" else "amazonaws.com"

    def _key_of(self, account: str, folder: str) -> str:
        """Return the key of a file that CloudTrail delivers."""
        region = self.trail.region
        name = f"{account}_{folder}_{region}_20260131T0000Z_0a1b2c3d4e5f6a7b.json.gz"
        if folder == DIGESTS:
            name = (
                f"{account}_{folder}_{region}_{self.trail.name}_{region}_20260131T000000Z.json.gz"
            )
        prefix = f"{self.estate.logs_prefix}{self.estate.organization}/{account}"
        return f"{prefix}/{folder}/{region}/2026/01/31/{name}"

    def _manages(self, who: Principal) -> bool:
        return who.is_administrator and who.caller.account == self.estate.management

    def _is_of_logging(self, who: Principal) -> bool:
        return who.is_administrator and who.caller.account == self.estate.logging

    def _configures(self, who: Principal) -> bool:
        return self._is_of_logging(who) and who.is_exempt

    def _administers_key(self, who: Principal) -> bool:
        return self._configures(who) and who.administers_key

    def _reads(self, who: Principal) -> bool:
        return who.reads or self._is_of_logging(who)

    def _reads_own(self, who: Principal) -> bool:
        return self._reads(who) or self._is_member_reader(who)

    def _decrypts(self, who: Principal) -> bool:
        return self._reads_own(who) or self._is_ours(who)

    def _is_member_reader(self, who: Principal) -> bool:
        return bool(self.intent.member_reader) and who.id == "member-reader"

    def _is_ours(self, who: Principal) -> bool:
        """Tell whether it is CloudTrail, for this trail alone."""
        return (
            who.caller.kind is Kind.SERVICE and who.context.get("aws:SourceArn") == self.trail.arn
        )

    def _is_member(self, who: Principal) -> bool:
        return (
            who.caller.organization == self.estate.organization
            and who.caller.account != self.estate.management
        )


def _nobody(_: Principal) -> bool:
    return False
