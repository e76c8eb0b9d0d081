"""Rules of accounts, the roles that reach them, and the roles that read the audit trail."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from orgtrail.errors import Fault, SettingPath
from orgtrail.settings.types import account_of, case_duplicates

if TYPE_CHECKING:
    from orgtrail.settings.environment import Environment


def require_member(env: Environment, setting: SettingPath, name: str) -> Iterator[Fault]:
    """Yield a fault if a name is not the name of a member account."""
    if name == "management" or name not in env.accounts:
        yield Fault(setting, "must be the name of a member account in accounts", name)


def what_is_not_listed_is_in_the_file(env: Environment) -> Iterator[Fault]:
    """A plan that lists no accounts and no trusted services neither needs nor checks them."""
    if env.organization.list_accounts:
        return
    if not env.organization.enable_trusted_access:
        yield Fault(
            ("organization", "enable_trusted_access"),
            "must be true where organization.list_accounts is false: nothing else would prove that "
            "the organization trusts CloudTrail",
            False,
        )
    if env.catalog.accounts != "file":
        yield Fault(
            ("catalog", "accounts"),
            'must be "file" where organization.list_accounts is false: a plan does not know the '
            "others",
            env.catalog.accounts,
        )


def accounts_differ(env: Environment) -> Iterator[Fault]:
    """Every account has one name, and the two of the trail must be there and differ."""
    for name in ("management", "logging"):
        if name not in env.accounts:
            yield Fault(("accounts", name), "is required")
    names: dict[str, str] = {}
    for name, account in env.accounts.items():
        first = names.setdefault(account.id, name)
        if first == name:
            continue
        rule = f"must not be the id of accounts.{first}"
        if {first, name} == {"management", "logging"}:
            rule += ": logs must be out of the reach of the management account's administrators"
        yield Fault(("accounts", name, "id"), rule, account.id)


def deployed_accounts_are_reachable(env: Environment) -> Iterator[Fault]:
    """Accounts that are deployed to, or were, are reached by a profile or a role of their own."""
    for name, account in env.accounts.items():
        here = ("accounts", name)
        if name not in env.provider_accounts:
            for setting in (
                "profile", "role_arn", "external_id", "session_role", "permissions_boundary",
            ):  # fmt: skip
                if (given := getattr(account, setting)) is not None:
                    yield Fault(
                        (*here, setting),
                        "must be left out: only management, logging and delegated "
                        "administrators are deployed to",
                        given,
                        "name a former administrator in retired.accounts",
                    )
            continue
        reachable = account.profile or account.role_arn or env.backend.type == "cloud"
        if name != "management" and not reachable:
            yield Fault(
                here, "needs profile or role_arn: one set of credentials cannot reach two accounts"
            )


def retired_accounts_are_members(env: Environment) -> Iterator[Fault]:
    """A retired account is a member that nothing is deployed to any more."""
    for index, name in enumerate(env.retired.accounts):
        here = ("retired", "accounts", index)
        if name not in env.deployed_accounts:
            yield from require_member(env, here, name)
            continue
        users = [
            f"{section}.administrator names it"
            for section, settings in env.detection.items()
            if settings.administrator == name
        ]
        reason = "it always is" if name in ("management", "logging") else " and ".join(users)
        yield Fault(here, f"must be an account that is no longer deployed to: {reason}", name)


def account_has_one_access(env: Environment) -> Iterator[Fault]:
    """An account is reached in one way, with a role of its own."""
    for name, account in env.accounts.items():
        here = ("accounts", name)
        if account.profile and account.role_arn:
            yield Fault(
                (*here, "profile"), "must not be set together with role_arn", account.profile
            )
        if account.external_id and not account.role_arn:
            yield Fault((*here, "external_id"), "needs role_arn", account.external_id)
        for setting in ("role_arn", "session_role"):
            role = getattr(account, setting)
            if role and account_of(role) != account.id:
                yield Fault((*here, setting), f"must be a role of account {account.id}", role)
        if account.session_role and account.role_arn and env.backend.type != "cloud":
            yield Fault(
                (*here, "session_role"),
                "must be left out where role_arn is set, which is the role, unless runs in HCP "
                "Terraform have another one",
                account.session_role,
            )


def logging_role_is_exempt(env: Environment) -> Iterator[Fault]:
    """The SCP binds the logging account, so the role that deploys to it is exempt."""
    if "logging" not in env.accounts or not env.policy_targets:
        return
    yield from _require_exemption(env, "logging", "deploys to the logging account")


def exempt_roles_are_members(env: Environment) -> Iterator[Fault]:
    """Exempt and break-glass roles are of member accounts: any other would be a hole."""
    members = {account.id for name, account in env.accounts.items() if name != "management"}
    named = (
        (("guardrails", "exempt_roles"), env.guardrails.exempt_roles or ()),
        (("archive", "break_glass_roles"), env.archive.break_glass_roles),
    )
    for here, roles in named:
        for index, role in enumerate(roles):
            if account_of(role) not in members | {"*"}:
                yield Fault((*here, index), "must be a role of a member account in accounts", role)


def administrator_roles_are_exempt(env: Environment) -> Iterator[Fault]:
    """The SCP binds administrators, former ones too, so the roles that deploy there are exempt."""
    if not env.policy_targets or not env.detection:
        return
    users = {section.administrator: name for name, section in env.detection.items()}
    for name in env.provider_accounts[2:]:
        account = env.accounts.get(name)
        # A role that Terraform assumes is always exempt from the policy that protects detection.
        if account and not account.role_arn and (account.profile or account.session_role):
            does = f"deploys {users[name]} to" if name in users else "removes detection from"
            yield from _require_exemption(env, name, f"{does} account {name}")


def _require_exemption(env: Environment, name: str, does: str) -> Iterator[Fault]:
    """Yield a fault if the SCP would lock out the role that deploys to an account.

    It compares roles, not accounts. If the file does not name the deploying role, some role of the
    account has to be exempt, and `orgtrail check` reports the exemption as unproven.
    """
    account, here = env.accounts[name], ("guardrails", "exempt_roles")
    exempt = env.exempt_roles
    for setting in ("role_arn", "session_role"):
        role = getattr(account, setting)
        if role and not any(fnmatchcase(role, each) for each in exempt):
            yield Fault(
                here,
                f"must include accounts.{name}.{setting} ({role}): the policy would lock the "
                "deploying role out",
                list(exempt),
            )
    if not account.deploy_roles and not any(
        account_of(each) in ("*", account.id) for each in exempt
    ):
        yield Fault(
            here,
            f"must include the role that {does} ({account.id}): the policy would lock it out",
            list(exempt),
        )


def units_form_one_tree(env: Environment) -> Iterator[Fault]:
    """Paths of units start at the organization's root, and a unit is in one place only.

    A unit's id has that of its root in it.
    https://docs.aws.amazon.com/organizations/latest/APIReference/API_OrganizationalUnit.html
    """
    above: dict[str, tuple[str, str]] = {}
    for name, account in env.accounts.items():
        if account.ou is None:
            continue
        here, units = ("accounts", name, "ou"), account.ou.split("/")
        root = env.organization.root_id
        if units[0] != root:
            yield Fault(here, f"must begin with organization.root_id ({root})", account.ou)
            continue
        for place, unit in enumerate(units[1:], start=1):
            if not unit.startswith(f"ou-{root.removeprefix('r-')}-"):
                rule = f"must have units of the root {root} alone, whose ids have its own in them"
                yield Fault(here, f"{rule}; {unit} is of another", account.ou)
                break
            parent = units[place - 1]
            first, other = above.setdefault(unit, (name, parent))
            if parent != other:
                rule = f"must have {unit} below {other}, as accounts.{first}.ou has it"
                yield Fault(here, rule, account.ou)
                break


def auditors_prove_identity(env: Environment) -> Iterator[Fault]:
    """Who assumes the auditors' role shows MFA, an external id or a source identity.

    A role's session never has aws:MultiFactorAuthPresent:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    auditor, here = env.access.auditor, ("access", "auditor")
    if not auditor:
        return
    others = auditor.external_id is not None or bool(auditor.source_identity)
    if auditor.mfa and auditor.trusted_roles:
        yield Fault(
            (*here, "mfa"),
            f"must be left out where access.auditor.trusted names a role "
            f"({auditor.trusted_roles[0]}): no session of a role carries "
            "aws:MultiFactorAuthPresent, so that nobody could assume the auditors' role",
            True,
            "set access.auditor.external_id or source_identity",
        )
    elif not auditor.requires_mfa and not others and auditor.trusted_roles:
        yield Fault(
            here,
            "needs external_id or source_identity where trusted names a role "
            f"({auditor.trusted_roles[0]}): MFA cannot be asked of it",
        )
    elif not auditor.requires_mfa and not others:
        yield Fault(
            (*here, "mfa"),
            "must be true where neither access.auditor.external_id nor source_identity is set",
            False,
        )


def readers_are_known_accounts(env: Environment) -> Iterator[Fault]:
    """Member readers are of accounts that the file names."""
    readers = env.access.member_readers
    for index, name in enumerate((readers and readers.accounts) or ()):
        if name not in env.accounts:
            yield Fault(
                ("access", "member_readers", "accounts", index), "must be a name in accounts", name
            )


def auditor_and_siem_roles_differ(env: Environment) -> Iterator[Fault]:
    """The auditors' role and the SIEM's are two."""
    auditor = env.access.auditor
    reader = env.siem.reader if env.siem else None
    if auditor and reader and auditor.role_name == reader.role_name:
        yield Fault(
            ("siem", "reader", "role_name"),
            "must not be access.auditor.role_name",
            reader.role_name,
        )


def tag_keys_differ(env: Environment) -> Iterator[Fault]:
    """Keys of tags differ by more than the case of their letters: IAM takes such two for one."""
    for key, earlier in case_duplicates(env.tags).items():
        yield Fault(
            ("tags", key), f"must differ from tags.{earlier} by more than case; keep one", key
        )
