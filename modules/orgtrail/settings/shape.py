"""The shape of an environment: all of its sections, and what follows from them together."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from orgtrail.settings.accounts import Account, Organization
from orgtrail.settings.archive import Archive
from orgtrail.settings.backend import Backend, LocalBackend
from orgtrail.settings.catalog import Catalog
from orgtrail.settings.guardrails import Guardrails
from orgtrail.settings.trail import Delivery, Key, Trail
from orgtrail.settings.types import Name, Region, Section, Text, setting


class Shape(Section):
    """What one environment file says; every default is safe to deploy."""

    name: Name = setting("Name of the environment and of its stack; by default the file's name.")
    home_region: Region = setting("The region of the trail, the archive, the key and the catalog.")
    organization: Organization = setting("The organization.")
    accounts: Annotated[dict[Name, Account], Field(min_length=2)] = setting(
        "All accounts by name, `management` and `logging` among them."
    )
    tags: dict[Text, Text] = setting("Tags of every resource.", {"ManagedBy": "orgtrail"})
    trail: Trail = setting("The organization trail.", Trail())
    archive: Archive = setting("The archive bucket.")
    key: Key = setting("The encryption key.", Key())
    delivery: Delivery = setting("Delivery to CloudWatch Logs.", Delivery())
    guardrails: Guardrails = setting("Service and resource control policies.", Guardrails())
    catalog: Catalog = setting("The Athena catalog.", Catalog())
    backend: Backend = setting("Where Terraform keeps its state.", LocalBackend())

    @property
    def management(self) -> Account:
        """The management account, which owns the organization and the trail."""
        return self.accounts["management"]

    @property
    def logging(self) -> Account:
        """The logging account, which keeps the evidence."""
        return self.accounts["logging"]

    @property
    def account_ids(self) -> list[str]:
        """The ids of all accounts, in order."""
        return sorted(account.id for account in self.accounts.values())

    @property
    def result_bucket(self) -> str:
        """The bucket that Athena writes results to."""
        return self.catalog.result_bucket or f"{self.archive.bucket}-athena-results"

    @property
    def policy_targets(self) -> tuple[str, ...]:
        """The root, units and accounts that the SCP is attached to."""
        given = self.guardrails.targets
        return (self.organization.root_id,) if given is None else given

    @property
    def exempt_roles(self) -> tuple[str, ...]:
        """The roles in member accounts that the SCP does not bind."""
        given = self.guardrails.exempt_roles
        if given is not None:
            return given
        return (self.logging.role_arn,) if self.logging.role_arn else ()
