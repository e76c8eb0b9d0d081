"""The attacks of the access matrix: everything that would stop, change or open the audit trail."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from orgtrail.check import actions
from orgtrail.check.attack import (
    CALLER_ACCOUNT,
    Attack,
    Context,
    each_action,
    nobody,
)
from orgtrail.check.attacks_on_keys import on_keys
from orgtrail.check.attacks_on_readers import on_readers
from orgtrail.check.attacks_on_storage import on_storage
from orgtrail.check.intent import Intent
from orgtrail.check.model import DetectionService, Model
from orgtrail.check.principals import FOREIGN_ORGANIZATION, Principal
from orgtrail.naming import CLOUDTRAIL

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
        *on_storage(context),
        *on_keys(context),
        *on_readers(context),
        *_on_organization(context),
        *_on_roles(context),
        *_on_sign_in(context),
        *_on_detection(context),
    ]


def _on_trail(context: Context) -> Iterator[Attack]:
    def may_change(who: Principal) -> bool:
        delegated = who.caller.account == context.intent.delegated_administrator and who.is_exempt
        return context.manages(who) or (who.is_administrator and delegated)

    # The delegated administrator acts on the trail as its owner does.
    trail = context.trail
    yield from each_action(
        actions.TRAIL_ACTIONS, "cloudtrail", trail.arn, trail.account, may_change
    )


def _on_organization(context: Context) -> Iterator[Attack]:
    management, manages = context.model.management, context.manages
    for title, action in actions.MEMBER_ACTIONS.items():
        service, resource = _MEMBER_RESOURCES.get(action, ("", ""))
        arn = context.arn(service, "", CALLER_ACCOUNT, resource) if service else "*"
        yield Attack(title, ((action, arn),), None, nobody, applies_to=context.is_member)
    if context.model.scps:
        policy = f"policy/{context.model.organization}/service_control_policy/p-protects0"
        arn = context.arn("organizations", "", management, policy)
        yield from each_action(
            actions.ORGANIZATION_ACTIONS, "organizations", arn, management, manages
        )
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
        yield from each_action(
            actions.ROLE_ACTIONS, "iam", arn, logging, context.configures, suffix=f" {name}"
        )
    for pattern in context.intent.break_glass_roles:
        arn = pattern.replace("::*:", f"::{logging}:").replace("*", "any").replace("?", "x")
        # IAM Identity Center alone can change the roles that it makes.
        is_reserved = ":role/aws-reserved/" in arn
        if arn not in roles and f"::{logging}:role/" in arn and not is_reserved:
            # Whoever can rewrite it can delete evidence, the deploying role too.
            yield from each_action(
                actions.ROLE_ACTIONS, "iam", arn, logging, context.breaks_glass,
                suffix=f" break-glass role {arn.rpartition('/')[2]}",
            )  # fmt: skip


def _on_sign_in(context: Context) -> Iterator[Attack]:
    """Yield the attacks on identity providers and on the permissions boundary of roles."""
    logging = context.model.logging
    for title, action in actions.SIGN_IN_ACTIONS.items():
        kind = "saml-provider/any" if "SAML" in action else "oidc-provider/any.example.com"
        arn = context.arn("iam", "", logging, kind)
        yield Attack(title, ((f"iam:{action}", arn),), logging, context.configures)
    boundaries = {each.boundary for each in context.model.roles if each.account == logging}
    for boundary in sorted(boundaries - {""}):
        yield from each_action(
            actions.BOUNDARY_ACTIONS, "iam", boundary, logging, context.configures
        )


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
            yield from each_action(
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
