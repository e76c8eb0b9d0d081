"""Acts on what surrounds the evidence: trail, catalog, log group, organization and roles."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.layout import CLOUDTRAIL
from orgtrail.proof.acts.act import Act, Ground, nobody
from orgtrail.proof.principals import Principal

TRAIL_ACTS = {
    "stop the trail": "StopLogging",
    "delete the trail": "DeleteTrail",
    "update the trail": "UpdateTrail",
    "narrow what the trail records": "PutEventSelectors",
    "change what its events hold": "PutEventConfiguration",
    "stop the trail's insights": "PutInsightSelectors",
}
CATALOG_ACTS = {
    "delete the table": "DeleteTable",
    "delete the table among others": "BatchDeleteTable",
    "delete an old version of the table": "DeleteTableVersion",
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
}
LOG_GROUP_ACTS = {
    "delete the log group": "DeleteLogGroup",
    "shorten the log group's retention": "PutRetentionPolicy",
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
}
"""What makes somebody as good as a role, or the role good for nothing."""
ORGANIZATION_ACTS = {
    "detach the service control policy": "DetachPolicy",
    "change the service control policy": "UpdatePolicy",
}


def of_trail(ground: Ground) -> Iterator[Act]:
    """Yield the acts on the trail."""

    def may(who: Principal) -> bool:
        delegated = who.caller.account == ground.intent.delegated and who.is_exempt
        return ground.manages(who) or (who.is_administrator and delegated)

    for title, action in TRAIL_ACTS.items():
        # Its delegated administrator acts on the trail as its owner does.
        yield Act(title, ((f"cloudtrail:{action}", ground.trail.arn),), ground.trail.account, may)


def of_catalog(ground: Ground) -> Iterator[Act]:
    """Yield the acts on the table, the workgroup and the log group."""
    for table in ground.estate.tables[:1]:
        arn = ground.arn("glue", table.region, table.account,
                        f"table/{table.database}/{table.name}")  # fmt: skip
        for title, action in CATALOG_ACTS.items():
            yield Act(title, ((f"glue:{action}", arn),), table.account, ground.configures)
        database = ground.arn("glue", table.region, table.account, f"database/{table.database}")
        for title, action in DATABASE_ACTS.items():
            yield Act(title, ((f"glue:{action}", database),), table.account, ground.configures)
    for group in ground.estate.workgroups[:1]:
        arn = ground.arn("athena", group.region, group.account, f"workgroup/{group.name}")
        for title, action in WORKGROUP_ACTS.items():
            yield Act(title, ((f"athena:{action}", arn),), group.account, ground.configures)
    for logs in ground.estate.log_groups:
        if f":log-group:{logs.name}:" in ground.trail.log_group:
            arn = ground.arn("logs", logs.region, logs.account, f"log-group:{logs.name}")
            for title, action in LOG_GROUP_ACTS.items():
                yield Act(title, ((f"logs:{action}", arn),), logs.account, ground.manages)


def of_organization(ground: Ground) -> Iterator[Act]:
    """Yield the acts on the organization."""
    management = ground.estate.management
    yield Act(
        "leave the organization", (("organizations:LeaveOrganization", "*"),), None, nobody,
        of=ground.is_member,
    )  # fmt: skip
    if any(each.kind == "SCP" for each in ground.estate.controls):
        policy = ground.arn(
            "organizations", "", management,
            f"policy/{ground.estate.organization}/service_control_policy/p-protects0",
        )  # fmt: skip
        for title, action in ORGANIZATION_ACTS.items():
            steps = ((f"organizations:{action}", policy),)
            yield Act(title, steps, management, ground.manages)
    yield Act(
        "end the organization's trust in CloudTrail",
        (("organizations:DisableAWSServiceAccess", "*"),),
        management,
        ground.manages,
        context={"organizations:ServicePrincipal": CLOUDTRAIL},
    )


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
