"""Acts on what reads the evidence: catalog, workgroup, roles, feed and verification."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.naming import DEAD_LETTER_SUFFIX
from orgtrail.proof.acts.act import Act, Ground
from orgtrail.proof.iam.policy import Policy
from orgtrail.proof.principals import Principal

CATALOG_ACTS = {
    "delete the table": "DeleteTable",
    "delete the table among others": "BatchDeleteTable",
    "delete an old version of the table": "DeleteTableVersion",
    "delete old versions of the table": "BatchDeleteTableVersion",
    "give the table another name": "RenameTable",
    "change the table": "UpdateTable",
}
DATABASE_ACTS = {
    "delete the table's database": "DeleteDatabase",
    "change the table's database": "UpdateDatabase",
}
WORKGROUP_ACTS = {
    "delete the workgroup": "DeleteWorkGroup",
    "change the workgroup": "UpdateWorkGroup",
    "rewrite a saved query": "UpdateNamedQuery",
    "delete a saved query": "DeleteNamedQuery",
    "rewrite a prepared statement": "UpdatePreparedStatement",
    "delete a prepared statement": "DeletePreparedStatement",
}
SHARING_ACTS = {
    "change who may read the whole catalog": "glue:PutResourcePolicy",
    "take away who may read the whole catalog": "glue:DeleteResourcePolicy",
    "encrypt the catalog with another key": "glue:PutDataCatalogEncryptionSettings",
}
LAKE_ACTS = {
    "hand the catalog to Lake Formation": "PutDataLakeSettings",
    "put the archive under Lake Formation": "RegisterResource",
    "take the archive from Lake Formation": "DeregisterResource",
    "have Lake Formation read with another role": "UpdateResource",
    "grant the table by Lake Formation": "GrantPermissions",
    "grant tables by Lake Formation": "BatchGrantPermissions",
    "revoke the table by Lake Formation": "RevokePermissions",
    "revoke tables by Lake Formation": "BatchRevokePermissions",
    "leave rows out of answers by Lake Formation": "CreateDataCellsFilter",
    "change which rows Lake Formation leaves out": "UpdateDataCellsFilter",
}
ROLE_ACTS = {
    "change who may assume": "UpdateAssumeRolePolicy",
    "write a policy into": "PutRolePolicy",
    "attach a policy to": "AttachRolePolicy",
    "take a policy out of": "DeleteRolePolicy",
    "detach a policy from": "DetachRolePolicy",
    "put a boundary on": "PutRolePermissionsBoundary",
    "take the boundary off": "DeleteRolePermissionsBoundary",
    "change the session of": "UpdateRole",
    "delete": "DeleteRole",
    "make": "CreateRole",
    "hand to a service of one's own": "PassRole",
}
"""What makes somebody as good as a role, or the role good for nothing."""
SIGN_IN_ACTS = {
    "change who vouches for sign-ins": "UpdateSAMLProvider",
    "delete who vouches for sign-ins": "DeleteSAMLProvider",
    "delete who vouches for pipelines": "DeleteOpenIDConnectProvider",
    "change who vouches for pipelines": "UpdateOpenIDConnectProviderThumbprint",
    "let pipelines in for another audience": "AddClientIDToOpenIDConnectProvider",
    "keep pipelines out": "RemoveClientIDFromOpenIDConnectProvider",
}
"""What the trust of roles rests on that people and pipelines sign in to."""
BOUNDARY_ACTS = {
    "rewrite the boundary of roles": "CreatePolicyVersion",
    "put back an old boundary of roles": "SetDefaultPolicyVersion",
    "delete a version of the boundary of roles": "DeletePolicyVersion",
    "delete the boundary of roles": "DeletePolicy",
}
TOPIC_ACTS = {
    "let others use the feed's topic": "AddPermission",
    "take permissions from the feed's topic": "RemovePermission",
    "filter what the feed's topic passes on": "PutDataProtectionPolicy",
    "change the feed's topic": "SetTopicAttributes",
    "change a subscription of the feed's topic": "SetSubscriptionAttributes",
    "end a subscription of the feed's topic": "Unsubscribe",
    "delete the feed's topic": "DeleteTopic",
    "tell the feed's topic of a file that is none": "Publish",
}
QUEUE_ACTS = {
    "let others use": "AddPermission",
    "take permissions from": "RemovePermission",
    "change": "SetQueueAttributes",
    "empty": "PurgeQueue",
    "move the messages of": "StartMessageMoveTask",
    "put a false message into": "SendMessage",
    "delete": "DeleteQueue",
}
MESSAGE_ACTS = {
    "read messages of": "ReceiveMessage",
    "take messages out of": "DeleteMessage",
    "hide messages of": "ChangeMessageVisibility",
}
PROJECT_ACTS = {
    "run commands as the verifier": "StartBuild",
    "stop a verification": "StopBuild",
    "change the verification": "UpdateProject",
    "delete the verification": "DeleteProject",
}
_TAKE = "sqs:ReceiveMessage"
SCHEDULE_ACTS = {"change the schedule": "UpdateSchedule", "delete the schedule": "DeleteSchedule"}


def of_catalog(ground: Ground) -> Iterator[Act]:
    """Yield the acts on the table, its catalog, and the workgroup."""
    for table in ground.estate.tables[:1]:
        arn = ground.arn("glue", table.region, table.account,
                        f"table/{table.database}/{table.name}")  # fmt: skip
        for title, action in CATALOG_ACTS.items():
            yield Act(title, ((f"glue:{action}", arn),), table.account, ground.configures)
        database = ground.arn("glue", table.region, table.account, f"database/{table.database}")
        for title, action in DATABASE_ACTS.items():
            yield Act(title, ((f"glue:{action}", database),), table.account, ground.configures)
        catalog = ground.arn("glue", table.region, table.account, "catalog")
        for title, action in SHARING_ACTS.items():
            yield Act(title, ((action, catalog),), table.account, ground.configures)
        for title, action in LAKE_ACTS.items():
            steps = ((f"lakeformation:{action}", "*"),)
            yield Act(title, steps, table.account, ground.configures, of=ground.is_of_logging)
    for group in ground.estate.workgroups[:1]:
        arn = ground.arn("athena", group.region, group.account, f"workgroup/{group.name}")
        for title, action in WORKGROUP_ACTS.items():
            yield Act(title, ((f"athena:{action}", arn),), group.account, ground.configures)


def of_feed(ground: Ground) -> Iterator[Act]:
    """Yield the acts on the feed's topic and queues: to stop, falsify or drain it."""
    logging = ground.estate.logging
    has_reader = any(_allow(each.policies, _TAKE) for each in ground.estate.roles)

    def may_take(who: Principal) -> bool:
        by_iam = not has_reader and ground.is_of_logging(who)
        return ground.configures(who) or by_iam or _is_for(ground, who, _TAKE)

    for each in ground.estate.attached:
        if each.account != logging or each.setting not in ("topic", "queue"):
            continue
        resources = [arn for one in each.policy.statements for arn in one.resources or ()]
        arn = next((one for one in resources if f":{logging}:" in one), "")
        name = arn.rpartition(":")[2]
        if each.setting == "topic" and arn:
            for title, action in TOPIC_ACTS.items():
                steps = ((f"sns:{action}", arn),)
                yield Act(title, steps, logging, ground.configures, each.policy)
        elif arn:
            for title, action in QUEUE_ACTS.items():
                steps = ((f"sqs:{action}", arn),)
                yield Act(f"{title} queue {name}", steps, logging, ground.configures, each.policy)
            if not name.endswith(DEAD_LETTER_SUFFIX):
                for title, action in MESSAGE_ACTS.items():
                    steps = ((f"sqs:{action}", arn),)
                    yield Act(f"{title} queue {name}", steps, logging, may_take, each.policy)


def of_runs(ground: Ground) -> Iterator[Act]:
    """Yield the acts on what runs by itself with a role of the stack."""

    def may_start(who: Principal) -> bool:
        return ground.configures(who) or _is_for(ground, who, "codebuild:StartBuild")

    for each in ground.estate.runs:
        builds = each.kind == "aws_codebuild_project"
        service, acts = ("codebuild", PROJECT_ACTS) if builds else ("scheduler", SCHEDULE_ACTS)
        resource = f"project/{each.name}" if builds else f"schedule/default/{each.name}"
        arn = ground.arn(service, each.region, each.account, resource)
        for title, action in acts.items():
            may = may_start if action == "StartBuild" else ground.configures
            named = title if builds else f"{title} {each.name}"
            yield Act(named, ((f"{service}:{action}", arn),), each.account, may)


def of_roles(ground: Ground) -> Iterator[Act]:
    """Yield the acts on roles: whoever can rewrite a role is as good as that role."""
    deploy = ground.estate.deploy_role(ground.estate.logging)
    roles = {deploy: "the deploy role"} if deploy else {}
    for each in ground.estate.roles:
        if each.account == ground.estate.logging:
            roles[each.arn] = f"role {each.arn.rpartition('/')[2]}"
    for arn, name in roles.items():
        for title, action in ROLE_ACTS.items():
            steps = ((f"iam:{action}", arn),)
            yield Act(f"{title} {name}", steps, ground.estate.logging, ground.configures)


def of_sign_in(ground: Ground) -> Iterator[Act]:
    """Yield the acts on what roles rest on: who vouches for sign-ins, and their boundary."""
    logging = ground.estate.logging
    for title, action in SIGN_IN_ACTS.items():
        kind = "saml-provider/any" if "SAML" in action else "oidc-provider/any.example.com"
        arn = ground.arn("iam", "", logging, kind)
        yield Act(title, ((f"iam:{action}", arn),), logging, ground.configures)
    limits = {each.boundary for each in ground.estate.roles if each.account == logging}
    for limit in sorted(limits - {""}):
        for title, action in BOUNDARY_ACTS.items():
            yield Act(title, ((f"iam:{action}", limit),), logging, ground.configures)


def _is_for(ground: Ground, who: Principal, action: str) -> bool:
    """Tell whether a role of the stack is made for an action: its own policy allows it."""
    is_made = not who.is_administrator and who.caller.account == ground.estate.logging
    return is_made and _allow(who.policies, action)


def _allow(policies: tuple[Policy, ...], action: str) -> bool:
    return any(
        each.allows and each.is_about(action) for policy in policies for each in policy.statements
    )
