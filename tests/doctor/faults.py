"""One injected fault for each check, with what the doctor has to say of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.conftest import Json
from tests.doctor.conftest import Patient, fresh_digests, with_digests

ARCHIVE = "example-bank-archive"
RESULTS = f"{ARCHIVE}-athena-results"
TRAIL = "organization-trail"
LONG_AGO = datetime(2026, 1, 31, 4, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """A fault.

    Args:
        check: the check that finds it.
        cause: what it says, in part.
        inject: brings it about.
        restore: the resources to set again afterwards.
        undo: what else to do then.

    """

    check: str
    cause: str
    inject: Callable[[Patient], Any]
    restore: tuple[str, ...] = ()
    undo: Callable[[Patient], Any] = lambda _: None

    @property
    def changes_deployment(self) -> bool:
        """Whether the deployment is changed, and not only what it answers."""
        return bool(self.restore) or self.undo is not Case.undo


def answered(
    account: str, service: str, operation: str, **changes: Any
) -> Callable[[Patient], None]:
    """Change fields of an answer; `...` takes one away, a function gets what was answered."""

    def inject(patient: Patient) -> None:
        def change(ask: Callable[[], Any], _: Json) -> Any:
            return _changed(ask(), changes)

        patient.seam.changes[account, service, operation] = change

    return inject


def _changed(answer: Json, changes: Json) -> Json:
    made = dict(answer)
    for name, value in changes.items():
        if value is ...:
            made.pop(name, None)
        elif callable(value):
            made[name] = value(made.get(name))
        elif isinstance(value, dict) and isinstance(made.get(name), dict):
            made[name] = _changed(made[name], value)
        else:
            made[name] = value
    return made


def status(**changes: Any) -> Callable[[Patient], None]:
    """Change what GetTrailStatus says."""
    return answered("management", "cloudtrail", "get_trail_status", **changes)


def about_trail(**changes: Any) -> Callable[[Patient], None]:
    """Change what GetTrail says."""
    return answered("management", "cloudtrail", "get_trail", Trail=changes)


def asked(account: str, service: str, operation: str, **given: Any) -> Callable[[Patient], Any]:
    """Make a call that brings the fault about."""

    def inject(patient: Patient) -> Any:
        return getattr(patient.deployment.client(account, service), operation)(**given)

    return inject


def bucket_policy(change: Callable[[str], str]) -> Callable[[Patient], None]:
    """Rewrite the archive's policy."""

    def inject(patient: Patient) -> None:
        s3 = patient.deployment.client("logging", "s3")
        has = s3.get_bucket_policy(Bucket=ARCHIVE)["Policy"]
        s3.put_bucket_policy(Bucket=ARCHIVE, Policy=change(has))

    return inject


def without(policy: str, *sids: str) -> str:
    """Take statements out of a policy."""
    read = json.loads(policy)
    read["Statement"] = [each for each in read["Statement"] if each["Sid"] not in sids]
    return json.dumps(read)


def key_policy(*sids: str) -> Callable[[Patient], None]:
    """Take statements out of the key's policy."""

    def inject(patient: Patient) -> None:
        kms = patient.deployment.client("logging", "kms")
        key = patient.deployment.made["aws_kms_key.key"]["key_id"]
        has = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=without(has, *sids))

    return inject


def on_key(operation: str, **given: Any) -> Callable[[Patient], Any]:
    """Do something to the key."""

    def inject(patient: Patient) -> Any:
        kms = patient.deployment.client("logging", "kms")
        key = patient.deployment.made["aws_kms_key.key"]["key_id"]
        return getattr(kms, operation)(KeyId=key, **given)

    return inject


def role_policy(role: str, name: str, *sids: str) -> Callable[[Patient], None]:
    """Take statements out of a role's policy."""

    def inject(patient: Patient) -> None:
        iam = patient.deployment.client("logging", "iam")
        has = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        iam.put_role_policy(
            RoleName=role, PolicyName=name, PolicyDocument=without(json.dumps(has), *sids)
        )

    return inject


def detached(patient: Patient) -> None:
    """Detach the service control policy from the root."""
    patient.deployment.client("management", "organizations").detach_policy(
        PolicyId=patient.deployment.made["aws_organizations_policy.guardrails_scp"]["id"],
        TargetId=patient.env.organization.root_id,
    )


def emptied(patient: Patient) -> None:
    """Have the service control policy deny one thing alone."""
    content = patient.deployment.stack["resource"]["aws_organizations_policy"]["guardrails_scp"]
    policy = json.loads(content["content"].replace("$${", "${"))
    policy["Statement"] = policy["Statement"][-1:]
    patient.deployment.client("management", "organizations").update_policy(
        PolicyId=patient.deployment.made["aws_organizations_policy.guardrails_scp"]["id"],
        Content=json.dumps(policy),
    )


def joined(patient: Patient) -> None:
    """Have the organization one account more."""
    answered(
        "management", "organizations", "list_accounts",
        Accounts=lambda has: [*has, {"Id": "777777777777", "Name": "newcomer"}],
    )(patient)  # fmt: skip


def put(key: str) -> Callable[[Patient], Any]:
    """Put an object into the archive."""
    return asked("logging", "s3", "put_object", Bucket=ARCHIVE, Key=key, Body=b"x")


def logs_of(account: str, region: str) -> Callable[[Patient], None]:
    """Have log files of an account and region lie in the archive."""

    def inject(patient: Patient) -> None:
        root = f"AWSLogs/{patient.env.organization.id}/"

        def change(ask: Callable[[], Any], given: Json) -> Any:
            name = {root: account, f"{root}{account}/CloudTrail/": region}.get(given["Prefix"])
            if name is None:
                return ask()
            return {"CommonPrefixes": [{"Prefix": f"{given['Prefix']}{name}/"}]}

        patient.seam.changes["logging", "s3", "list_objects_v2"] = change

    return inject


def prefixes(*names: str) -> Callable[[Patient], None]:
    """Have log files are below AWSLogs/ and names of accounts."""

    def inject(patient: Patient) -> None:
        accounts = {name: each.id for name, each in patient.env.accounts.items()}

        def change(ask: Callable[[], Any], given: Json) -> Any:
            if given["Prefix"] != "AWSLogs/":
                return ask()
            return {"CommonPrefixes": [
                {"Prefix": f"AWSLogs/{accounts.get(name, name)}/"} for name in names
            ]}  # fmt: skip

        patient.seam.changes["logging", "s3", "list_objects_v2"] = change

    return inject


def table(**parameters: str) -> Callable[[Patient], None]:
    """Change parameters of the table."""
    given = {name.replace("_", "."): value for name, value in parameters.items()}
    return answered("logging", "glue", "get_table", Table={"Parameters": given})


def workgroup(**changes: Any) -> Callable[[Patient], None]:
    """Change the workgroup's configuration."""
    return answered("logging", "athena", "get_work_group", WorkGroup={"Configuration": changes})


def pending(patient: Patient) -> None:
    """Have the e-mail address not confirmed."""
    answered(
        "management", "sns", "list_subscriptions_by_topic",
        Subscriptions=lambda has: [
            {**each, "SubscriptionArn": "PendingConfirmation"} for each in has
        ],
    )(patient)  # fmt: skip


def told(another: str = "", prefix: str = "") -> Callable[[Patient], None]:
    """Have the archive tell another topic too, or the feed of files below another prefix."""

    def change(has: list[Json]) -> list[Json]:
        if another:
            return [*has, {"TopicArn": another, "Events": ["s3:ObjectCreated:*"]}]
        rules = [{"Name": "prefix", "Value": prefix}]
        return [*has[:-1], {**has[-1], "Filter": {"Key": {"FilterRules": rules}}}]

    return answered(
        "logging", "s3", "get_bucket_notification_configuration", TopicConfigurations=change
    )


def queue(name: str, **attributes: str) -> Callable[[Patient], None]:
    """Change attributes of one queue."""

    def inject(patient: Patient) -> None:
        def change(ask: Callable[[], Any], given: Json) -> Any:
            if not given["QueueUrl"].endswith(f"/{name}"):
                return ask()
            return _changed(ask(), {"Attributes": attributes})

        patient.seam.changes["logging", "sqs", "get_queue_attributes"] = change

    return inject


def absent_queue(patient: Patient) -> None:
    """Have the queue be gone."""

    def change(ask: Callable[[], Any], given: Json) -> Any:
        if given["QueueName"].endswith("-dead"):
            return ask()
        raise refusal("AWS.SimpleQueueService.NonExistentQueue", "GetQueueUrl")

    patient.seam.changes["logging", "sqs", "get_queue_url"] = change


def refusal(code: str, operation: str = "Any", message: str = "said AWS") -> Exception:
    """Return what boto3 raises where AWS refuses."""
    from botocore.exceptions import ClientError

    made: Exception = ClientError({"Error": {"Code": code, "Message": message}}, operation)
    return made


def refused(account: str, service: str, operation: str, code: str) -> Callable[[Patient], None]:
    """Have AWS refuse a call."""

    def inject(patient: Patient) -> None:
        def change(*_: Any) -> Any:
            raise refusal(code, operation)

        patient.seam.changes[account, service, operation] = change

    return inject


def denied(account: str, service: str, operation: str, message: str) -> Callable[[Patient], None]:
    """Have AWS deny a call in some words."""

    def inject(patient: Patient) -> None:
        def change(*_: Any) -> Any:
            raise refusal("AccessDenied", operation, message)

        patient.seam.changes[account, service, operation] = change

    return inject


def above(kind: str, statement: Json, *, error: str = "AccessDenied") -> Callable[[Patient], None]:
    """Have a delivery refused, and attach a control policy to the root."""

    def inject(patient: Patient) -> None:
        root = patient.env.organization.root_id

        def attached(_: Callable[[], Any], given: Json) -> Any:
            if (given["TargetId"], given["Filter"]) != (root, kind):
                return {"Policies": [{"Id": "p-full", "Name": "FullAWSAccess", "AwsManaged": True}]}
            return {"Policies": [{"Id": "p-perimeter", "Name": "perimeter", "AwsManaged": False}]}

        def content(ask: Callable[[], Any], given: Json) -> Any:
            if given["PolicyId"] != "p-perimeter":
                return ask()
            return {"Policy": {"Content": json.dumps({"Statement": [statement]})}}

        status(LatestDeliveryError=error)(patient)
        changes = patient.seam.changes
        changes["management", "organizations", "list_policies_for_target"] = attached
        changes["management", "organizations", "describe_policy"] = content

    return inject


def aged(
    *, days: int, accounts: tuple[str, ...] = (), regions: tuple[str, ...] = (), drop: bool = False
) -> Callable[[Patient], None]:
    """Have the last digests of some accounts or regions be old, or not there."""

    def inject(patient: Patient) -> None:
        env = patient.env
        names = {env.accounts[each].id for each in accounts or env.accounts}
        old, keys = datetime.now(UTC) - timedelta(days=days), []
        for key in fresh_digests(env):
            parts = key.split("/")
            if parts[2] in names and (not regions or parts[4] in regions):
                stem = key.rpartition("_")[0].rpartition("/")[2]
                parts[5:] = [f"{old:%Y}", f"{old:%m}", f"{old:%d}",
                             f"{stem}_{old:%Y%m%dT%H%M%SZ}.json.gz"]  # fmt: skip
                keys += [] if drop else ["/".join(parts)]
            else:
                keys.append(key)
        patient.seam.changes["logging", "s3", "list_objects_v2"] = with_digests(keys)

    return inject


def conditioned(patient: Patient) -> None:
    """Have CloudTrail's statements ask for the organization of a principal."""

    def change(policy: str) -> str:
        read = json.loads(policy)
        for each in read["Statement"]:
            if each["Principal"] == {"Service": "cloudtrail.amazonaws.com"}:
                tests = each["Condition"]["StringEquals"]
                tests["aws:PrincipalOrgID"] = patient.env.organization.id
        return json.dumps(read)

    bucket_policy(change)(patient)


def closed_to_services(patient: Patient) -> None:
    """Have everybody outside the organization denied, services too."""

    def change(policy: str) -> str:
        read = json.loads(policy)
        ours = patient.env.organization.id
        read["Statement"].append({
            "Sid": "Perimeter", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
            "Resource": f"arn:aws:s3:::{ARCHIVE}/*",
            "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": ours}},
        })  # fmt: skip
        return json.dumps(read)

    bucket_policy(change)(patient)


def ended(state: str, reason: str) -> Callable[[Patient], None]:
    """Have Athena's query end so."""
    return answered(
        "logging", "athena", "get_query_execution",
        QueryExecution={"Status": {"State": state, "StateChangeReason": reason}},
    )  # fmt: skip


def build(**changes: Any) -> Callable[[Patient], None]:
    """Change the last build of the verification."""
    return answered(
        "logging", "codebuild", "batch_get_builds",
        builds=lambda has: [{**each, **changes} for each in has],
    )  # fmt: skip


def twin(**about: Any) -> Callable[[Patient], None]:
    """Have a second trail beside ours."""

    def inject(patient: Patient) -> None:
        arn = "arn:aws:cloudtrail:eu-west-1:111111111111:trail/other"
        given = {"TrailARN": arn, "Name": "other", "HomeRegion": "eu-west-1", **about}
        answered("management", "cloudtrail", "list_trails", Trails=lambda has: [*has, given])(
            patient
        )

        def change(ask: Callable[[], Any], asked: Json) -> Any:
            return {"Trail": given} if asked["Name"] == arn else ask()

        patient.seam.changes["management", "cloudtrail", "get_trail"] = change

    return inject


def elsewhere(account: str, region: str) -> Callable[[Patient], None]:
    """Have the trail be at another place."""

    def inject(patient: Patient) -> None:
        owner = patient.env.accounts[account].id
        arn = f"arn:aws:cloudtrail:{region}:{owner}:trail/{TRAIL}"
        found = [{"TrailARN": arn, "Name": TRAIL, "HomeRegion": region}]
        refused("management", "cloudtrail", "get_trail", "TrailNotFoundException")(patient)
        for name in ("management", "logging"):
            trails = found if name == account else []
            patient.seam.changes[name, "cloudtrail", "list_trails"] = lambda *_, trails=trails: {
                "Trails": trails
            }

    return inject


def both(*injections: Callable[[Patient], Any]) -> Callable[[Patient], None]:
    """Bring several things about."""

    def inject(patient: Patient) -> None:
        for each in injections:
            each(patient)

    return inject


def hours_ago(hours: float) -> datetime:
    """Return a time that is past."""
    return datetime.now(UTC) - timedelta(hours=hours)
