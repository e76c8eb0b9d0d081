"""The attacks of the access matrix: everything that would stop, change or open the audit trail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from orgtrail.check import actions
from orgtrail.check.asking import key_arn
from orgtrail.check.attack import CALLER_ACCOUNT, DIGESTS, Attack, Context, PrincipalTest, nobody
from orgtrail.check.intent import Intent
from orgtrail.check.model import DetectionService, FlowKind, KmsKey, Model
from orgtrail.check.principals import FOREIGN_ORGANIZATION, Principal, members
from orgtrail.iam.policy import Policy
from orgtrail.iam.request import Kind, RequestContext
from orgtrail.naming import CLOUDTRAIL, DEAD_LETTER_SUFFIX, LOGS
from orgtrail.trail.policy import CONTEXT

_RECEIVE = "sqs:ReceiveMessage"
_MEMBER_RESOURCES = {
    "organizations:AcceptHandshake": (
        "organizations",
        f"handshake/{FOREIGN_ORGANIZATION}/invite/h-example1",
    ),
    "account:CloseAccount": ("account", "account"),
    "account:DisableRegion": ("account", "account"),
}


def attacks(model: Model, intent: Intent) -> list[Attack]:
    """Return every attack on the model's resources; none if its accounts are unknown."""
    trail, archive = model.trail, model.archive
    if not trail or not archive or not model.is_known:
        return []
    context = Context(model, intent, trail, archive)
    return [
        *_on_trail(context),
        *_on_files(context),
        *_on_buckets(context),
        *_on_kept_files(context),
        *_on_key(context),
        *_on_other_keys(context),
        *_on_catalog(context),
        *_on_feed(context),
        *_on_automations(context),
        *_on_log_groups(context),
        *_on_account_logs(context),
        *_on_organization(context),
        *_on_roles(context),
        *_on_sign_in(context),
        *_on_detection(context),
    ]


def _each(
    table: Mapping[str, str],
    service: str,
    arn: str,
    account: str,
    intended_for: PrincipalTest,
    policy: Policy | None = None,
    *,
    suffix: str = "",
) -> Iterator[Attack]:
    """Yield a one-step attack for each action of a table, all on the same resource."""
    for title, action in table.items():
        steps = ((f"{service}:{action}", arn),)
        yield Attack(f"{title}{suffix}", steps, account, intended_for, policy)


def _on_trail(context: Context) -> Iterator[Attack]:
    def may_change(who: Principal) -> bool:
        delegated = who.caller.account == context.intent.delegated_administrator and who.is_exempt
        return context.manages(who) or (who.is_administrator and delegated)

    # The delegated administrator acts on the trail as its owner does.
    trail = context.trail
    yield from _each(actions.TRAIL_ACTIONS, "cloudtrail", trail.arn, trail.account, may_change)


def _on_files(context: Context) -> Iterator[Attack]:
    """Yield the attacks on log files and digests."""
    model, readers = context.model, context.intent.reader_accounts
    member, other = members(model)
    if readers:
        member = readers[0]
        other = next(
            each for each in (*members(model), model.management) if each not in readers
        )  # fmt: skip
    log, digest = context.key_of(member, LOGS), context.key_of(member, DIGESTS)
    ours = context.is_cloudtrail
    root, home = model.logs_prefix, context.key_of(model.management, LOGS)
    own = f"{root}{home.removeprefix(f'{root}{model.organization}/')}"
    foreign = log.replace(model.organization, FOREIGN_ORGANIZATION)
    for title, key, algorithm, intended_for in (
        ("write or overwrite a log file", log, "aws:kms", ours),
        ("write or overwrite a digest", digest, "AES256", ours),
        ("write the management account's log file", home, "aws:kms", ours),
        ("write a log file for another organization", foreign, "aws:kms", context.breaks_glass),
        ("write a log file under the management account's own prefix", own, "aws:kms", ours),
    ):
        headers = {
            "s3:x-amz-acl": "bucket-owner-full-control",
            "s3:x-amz-server-side-encryption": algorithm,
        }
        yield _on_object(context, title, ("PutObject",), key, intended_for, headers)
    for title, action in actions.FORGING_ACTIONS.items():
        yield _on_object(context, title, (action,), log, nobody)
    for title, key, intended_for in (
        ("read a member's log file", log, context.reads_own),
        ("read a member's digest", digest, context.reads_own),
        ("read another account's log file", context.key_of(other, LOGS), context.reads),
    ):
        yield _on_object(context, title, ("GetObject",), key, intended_for)
    for title, account, intended_for in (
        ("list a member's log files", member, context.reads_own),
        ("list another account's log files", other, context.reads),
    ):
        yield Attack(
            title,
            (("s3:ListBucket", context.bucket_arn()),),
            context.archive.account,
            intended_for,
            context.archive.policy,
            {"s3:prefix": context.prefix_of(account)},
        )
    yield from _deletions(context, log, digest)


def _deletions(context: Context, log: str, digest: str) -> Iterator[Attack]:
    intended_for = context.breaks_glass
    mode = context.archive.lock_mode
    locked = f"the COMPLIANCE lock of {context.archive.lock_days} days: nobody, root included"
    impossible = locked if mode == "COMPLIANCE" else ""
    version = ("DeleteObjectVersion", *(["BypassGovernanceRetention"] if mode else []))
    for title, action in actions.DELETING_ACTIONS.items():
        yield _on_object(context, title, (action,), log, intended_for)
    yield _on_object(context, "delete a digest", ("DeleteObject",), digest, intended_for)
    for title, steps in (
        ("delete an old version of a log file", version),
        ("shorten the lock of a log file", ("PutObjectRetention", "BypassGovernanceRetention")),
    ):
        if mode or steps is version:
            who = nobody if impossible else intended_for
            yield _on_object(context, title, steps, log, who, impossible=impossible)
    if mode:
        for title, action in actions.HOLDING_ACTIONS.items():
            yield _on_object(context, title, (action,), log, intended_for)


def _on_object(
    context: Context,
    title: str,
    steps: tuple[str, ...],
    key: str,
    intended_for: PrincipalTest,
    request_context: RequestContext | None = None,
    impossible: str = "",
) -> Attack:
    arn = f"{context.bucket_arn()}/{key}"
    return Attack(
        title,
        tuple((f"s3:{action}", arn) for action in steps),
        context.archive.account,
        intended_for,
        context.archive.policy,
        request_context or {},
        impossible=impossible,
    )


def _on_buckets(context: Context) -> Iterator[Attack]:
    """Yield the attacks on every bucket's configuration, those on the archive first."""
    archive = context.archive
    for bucket in sorted(context.model.buckets, key=lambda each: each is not archive):
        if bucket.account not in (context.model.logging, context.model.management):
            continue
        arn = context.arn("s3", "", "", bucket.name)
        owner = context.owner(bucket.account)
        for title, action in actions.BUCKET_ACTIONS.items():
            named = title
            if bucket is not archive:
                named = title.replace("the archive", f"bucket {bucket.name}")
            steps = ((f"s3:{action}", arn),)
            yield Attack(named, steps, bucket.account, owner, bucket.policy)


def _on_kept_files(context: Context) -> Iterator[Attack]:
    """Yield the attacks on the files of the other buckets: access logs, findings, answers."""
    model = context.model
    logs = {each.logs_to for each in model.buckets}
    found = {each.target.rpartition(":")[2] for each in model.flows
             if each.kind is FlowKind.FINDINGS}  # fmt: skip
    answers = {each.results.removeprefix("s3://").partition("/")[0]: each.results
               for each in model.workgroups if each.results}  # fmt: skip
    for bucket in model.buckets:
        if bucket is context.archive or bucket.account != model.logging:
            continue
        tables = {**actions.KEEPING_ACTIONS, **actions.EVIDENCE_ACTIONS}
        folder, intended_for = "", context.configures
        if bucket.name in logs | found:
            intended_for = context.breaks_glass
        elif bucket.name in answers:
            tables = actions.KEEPING_ACTIONS
            folder = answers[bucket.name].removeprefix("s3://").partition("/")[2]
        elif not bucket.holds_iceberg_table:
            continue
        arn = context.arn("s3", "", "", f"{bucket.name}/{folder}any")
        encrypted = {"s3:x-amz-server-side-encryption": bucket.algorithm or "AES256"}
        for title, action in tables.items():
            who = intended_for
            if bucket.holds_iceberg_table and action in _REWRITING_TABLE:
                who = partial(_rewrites_table, context)
            named, steps = f"{title} bucket {bucket.name}", ((f"s3:{action}", arn),)
            yield Attack(named, steps, bucket.account, who, bucket.policy, encrypted)


_REWRITING_TABLE = ("DeleteObject", "PutObject")
"""How Athena changes the files of an Iceberg table."""


def _rewrites_table(context: Context, who: Principal) -> bool:
    """Return whether a principal is intended to change the files of an Iceberg table."""
    return context.configures(who) or _is_made_for(context, who, "glue:UpdateTable")


def _on_key(context: Context) -> Iterator[Attack]:
    key = context.model.key
    if not key:
        return
    yield from _of_material(context, key, "the key")
    for title, action in actions.KEY_ACTIONS.items():
        yield _with_key(context, title, key, action, context.breaks_glass)
    for title, action in actions.ALIAS_ACTIONS.items():
        yield _with_key(context, title, key, action, context.breaks_glass, on_alias=True)
    administers, ours = context.administers_key, context.is_cloudtrail
    of_trail = {CONTEXT: context.trail.arn}
    through_s3 = {"kms:ViaService": f"s3.{key.region}.{context.domain()}"}
    for title, action, intended_for, request_context in (
        ("stop the key's rotation", "DisableKeyRotation", administers, {}),
        ("grant the use of the key", "CreateGrant", nobody, {}),
        ("decrypt a log file", "Decrypt", context.decrypts, {**of_trail, **through_s3}),
        ("decrypt without CloudTrail's context", "Decrypt", nobody, {}),
        ("decrypt through S3 what is no log file", "Decrypt", nobody, through_s3),
        ("encrypt a log file", "GenerateDataKey", ours, of_trail),
        ("encrypt without CloudTrail's context", "GenerateDataKey", nobody, {}),
    ):
        yield _with_key(context, title, key, action, intended_for, request_context)


def _on_other_keys(context: Context) -> Iterator[Attack]:
    """Yield the attacks on the other keys: those of the feed, of findings and of alarms."""
    for key in context.model.keys:
        if key is context.model.key or not key.alias:
            continue
        name = f"key {key.alias.removeprefix('alias/')}"
        owner = context.manages
        if key.account == context.model.logging:
            owner = context.administers_key
        elif key.account != context.model.management:
            continue
        tables = {**actions.KEY_ACTIONS, "stop the key's rotation": "DisableKeyRotation"}
        if key.account == context.model.logging:
            yield from _of_material(context, key, name)
            for title, action in actions.ALIAS_ACTIONS.items():
                named = title.replace("the key", name)
                yield _with_key(context, named, key, action, owner, on_alias=True)
        for title, action in tables.items():
            yield _with_key(context, title.replace("the key", name), key, action, owner)
        for title, action in (
            (f"grant the use of {name}", "CreateGrant"),
            (f"decrypt with {name} but through no service", "Decrypt"),
        ):
            attack = _with_key(context, title, key, action, nobody)
            yield replace(attack, applies_to=lambda who: who.caller.kind is not Kind.SERVICE)


def _of_material(context: Context, key: KmsKey, name: str) -> Iterator[Attack]:
    """Yield the attack on imported material; whoever administers a key may be allowed it or not."""

    def has_no_duty(who: Principal) -> bool:
        return not context.configures(who) and not context.breaks_glass(who)

    for title, action in actions.IMPORTED_KEY_ACTIONS.items():
        attack = _with_key(context, title.replace("the key", name), key, action, nobody)
        yield replace(attack, applies_to=has_no_duty)


def _with_key(
    context: Context,
    title: str,
    key: KmsKey,
    action: str,
    intended_for: PrincipalTest,
    request_context: RequestContext | None = None,
    *,
    on_alias: bool = False,
) -> Attack:
    """Return an attack on a key; one on its alias needs permission on both alias and key."""
    arns = [key_arn(context.model, key)]
    if on_alias:
        arns.insert(0, context.arn("kms", key.region, key.account, key.alias))
    return Attack(
        title,
        tuple((f"kms:{action}", arn) for arn in arns),
        key.account,
        intended_for,
        key.policy,
        {"kms:ResourceAliases": (key.alias,), **(request_context or {})},
    )


def _on_catalog(context: Context) -> Iterator[Attack]:
    """Yield the attacks on the table, its catalog and the workgroup."""
    configures = context.configures
    for table in context.model.tables[:1]:
        account = table.account
        for titles, resource in (
            (actions.CATALOG_ACTIONS, f"table/{table.database}/{table.name}"),
            (actions.DATABASE_ACTIONS, f"database/{table.database}"),
            (actions.SHARING_ACTIONS, "catalog"),
        ):
            arn = context.arn("glue", table.region, account, resource)
            yield from _each(titles, "glue", arn, account, configures)
        for title, action in actions.LAKE_ACTIONS.items():
            steps = ((f"lakeformation:{action}", "*"),)
            yield Attack(title, steps, account, configures, applies_to=context.is_of_logging)
    for group in context.model.workgroups[:1]:
        arn = context.arn("athena", group.region, group.account, f"workgroup/{group.name}")
        yield from _each(actions.WORKGROUP_ACTIONS, "athena", arn, group.account, configures)


def _on_feed(context: Context) -> Iterator[Attack]:
    """Yield the attacks on the feed's topic and queues: to stop, falsify or drain it."""
    logging, configures = context.model.logging, context.configures
    has_reader = any(_allow(each.policies, _RECEIVE) for each in context.model.roles)

    def may_receive(who: Principal) -> bool:
        by_iam = not has_reader and context.is_of_logging(who)
        return configures(who) or by_iam or _is_made_for(context, who, _RECEIVE)

    for topic in context.model.topics:
        if topic.account == logging:
            arn = topic.arn
            yield from _each(actions.TOPIC_ACTIONS, "sns", arn, logging, configures, topic.policy)
    for each in context.model.queues:
        if each.account != logging:
            continue
        arn, name = each.arn, each.arn.rpartition(":")[2]
        for table, intended_for in (
            (actions.QUEUE_ACTIONS, configures),
            (actions.MESSAGE_ACTIONS, may_receive),
        ):
            if table is actions.QUEUE_ACTIONS or not name.endswith(DEAD_LETTER_SUFFIX):
                suffix = f" queue {name}"
                yield from _each(
                    table, "sqs", arn, logging, intended_for, each.policy, suffix=suffix
                )


def _on_automations(context: Context) -> Iterator[Attack]:
    """Yield the attacks on CodeBuild projects and schedules, which use roles unattended."""

    def may_start(who: Principal) -> bool:
        return context.configures(who) or _is_made_for(context, who, "codebuild:StartBuild")

    for each in context.model.automations:
        if each.kind == "aws_codebuild_project":
            arn = context.arn("codebuild", each.region, each.account, f"project/{each.name}")
            for title, action in actions.PROJECT_ACTIONS.items():
                intended_for = may_start if action == "StartBuild" else context.configures
                yield Attack(title, ((f"codebuild:{action}", arn),), each.account, intended_for)
        else:
            name = f"schedule/default/{each.name}"
            arn = context.arn("scheduler", each.region, each.account, name)
            yield from _each(
                actions.SCHEDULE_ACTIONS, "scheduler", arn, each.account, context.configures,
                suffix=f" {each.name}",
            )  # fmt: skip


def _on_log_groups(context: Context) -> Iterator[Attack]:
    """Yield the attacks on the trail's log group, and on those of the logging account."""
    for group in context.model.log_groups:
        intended_for, name = context.manages, "the log group"
        if f":log-group:{group.name}:" not in context.trail.log_group:
            if group.account != context.model.logging:
                continue
            intended_for, name = context.configures, f"log group {group.name}"
        arn = context.arn("logs", group.region, group.account, f"log-group:{group.name}")
        for title, action in actions.LOG_GROUP_ACTIONS.items():
            named = title.replace("the log group", name)
            yield Attack(named, ((f"logs:{action}", arn),), group.account, intended_for)
        if group.account == context.model.logging:
            may_write = partial(_writes_reports, context)
            stream = f"{arn}:log-stream:any"
            for title, action in actions.FORGED_STREAM_ACTIONS.items():
                named = title.replace("the log group", name)
                yield Attack(named, ((f"logs:{action}", stream),), group.account, may_write)


def _on_account_logs(context: Context) -> Iterator[Attack]:
    """Yield the attack on all log groups of the logging account, if the stack has one there."""
    groups = [one for one in context.model.log_groups if one.account == context.model.logging]
    for title, action in actions.ACCOUNT_LOG_ACTIONS.items() if groups else ():
        yield Attack(
            title, ((f"logs:{action}", "*"),), context.model.logging, context.configures,
            applies_to=context.is_of_logging,
        )  # fmt: skip


def _writes_reports(context: Context, who: Principal) -> bool:
    """Return whether a principal is intended to write into a log group of the logging account."""
    return context.configures(who) or _is_made_for(context, who, "logs:PutLogEvents")


def _on_organization(context: Context) -> Iterator[Attack]:
    management, manages = context.model.management, context.manages
    for title, action in actions.MEMBER_ACTIONS.items():
        service, resource = _MEMBER_RESOURCES.get(action, ("", ""))
        arn = context.arn(service, "", CALLER_ACCOUNT, resource) if service else "*"
        yield Attack(title, ((action, arn),), None, nobody, applies_to=context.is_member)
    if context.model.scps:
        policy = f"policy/{context.model.organization}/service_control_policy/p-protects0"
        arn = context.arn("organizations", "", management, policy)
        yield from _each(actions.ORGANIZATION_ACTIONS, "organizations", arn, management, manages)
    yield Attack(
        "end the organization's trust in CloudTrail",
        (("organizations:DisableAWSServiceAccess", "*"),),
        management,
        manages,
        context={"organizations:ServicePrincipal": CLOUDTRAIL},
    )


def _on_roles(context: Context) -> Iterator[Attack]:
    """Yield the attacks on roles: whoever can rewrite a role has all that the role has."""
    logging = context.model.logging
    deploy = context.model.deploy_role(logging)
    roles = {deploy: "the deploy role"} if deploy else {}
    for each in context.model.roles:
        if each.account == logging:
            roles[each.arn] = f"role {each.arn.rpartition('/')[2]}"
    for arn, name in roles.items():
        yield from _each(
            actions.ROLE_ACTIONS, "iam", arn, logging, context.configures, suffix=f" {name}"
        )


def _on_sign_in(context: Context) -> Iterator[Attack]:
    """Yield the attacks on identity providers and on the permissions boundary of roles."""
    logging = context.model.logging
    for title, action in actions.SIGN_IN_ACTIONS.items():
        kind = "saml-provider/any" if "SAML" in action else "oidc-provider/any.example.com"
        arn = context.arn("iam", "", logging, kind)
        yield Attack(title, ((f"iam:{action}", arn),), logging, context.configures)
    boundaries = {each.boundary for each in context.model.roles if each.account == logging}
    for boundary in sorted(boundaries - {""}):
        yield from _each(actions.BOUNDARY_ACTIONS, "iam", boundary, logging, context.configures)


def _on_detection(context: Context) -> Iterator[Attack]:
    """Yield the attacks on each detection service, in one region of its administrator account.

    Then yield the attacks on the roles that deploy these services there.
    """
    seen: set[str] = set()
    for each in context.model.detection_services:
        if each.service in seen:
            continue
        seen.add(each.service)
        name, table = actions.DETECTION_ACTIONS[each.service]
        intended_for, applies_to = partial(_administers, context, each), partial(_in_account, each)
        for title, action in table.items():
            resource = actions.detection_resource(each.service, action)
            arn = "*"
            if resource:
                arn = context.arn(each.service, each.region, each.account, resource)
            steps = ((f"{each.service}:{action}", arn),)
            yield Attack(
                f"{title} ({name})", steps, each.account, intended_for, applies_to=applies_to
            )
    for each in {one.account: one for one in context.model.detection_services}.values():
        role = context.model.deploy_role(each.account)
        if role and each.account != context.model.logging:
            intended_for = partial(_administers, context, each)
            suffix = " the role that deploys detection"
            yield from _each(
                actions.ROLE_ACTIONS, "iam", role, each.account, intended_for, suffix=suffix
            )


def _in_account(detection: DetectionService, who: Principal) -> bool:
    """Return whether a principal is in the service's account; elsewhere it acts on another one."""
    return who.caller.account == detection.account


def _administers(context: Context, detection: DetectionService, who: Principal) -> bool:
    """Return whether a principal is intended to administer a service: exempt, or its deployer."""
    deploys = who.caller.arn == context.model.deploy_role(detection.account)
    is_there = who.is_administrator and who.caller.account == detection.account
    return is_there and (who.is_exempt or deploys)


def _is_made_for(context: Context, who: Principal, action: str) -> bool:
    """Return whether a principal is a role of the stack with a policy that allows an action."""
    is_made = not who.is_administrator and who.caller.account == context.model.logging
    return is_made and _allow(who.policies, action)


def _allow(policies: tuple[Policy, ...], action: str) -> bool:
    return any(
        each.allows and each.is_about(action) for policy in policies for each in policy.statements
    )
