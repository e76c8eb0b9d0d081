"""The whole of an environment: one AWS Organization and its audit trail."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from orgtrail.settings import rules
from orgtrail.settings.accounts import Account, Organization
from orgtrail.settings.archive import Archive
from orgtrail.settings.backend import Backend, LocalBackend
from orgtrail.settings.catalog import Catalog
from orgtrail.settings.guardrails import Guardrails
from orgtrail.settings.trail import Delivery, Key, Trail
from orgtrail.settings.types import Name, Region, Section, Text, setting


class Environment(Section):
    """What one environment file says; every default is safe to deploy.

    Raises:
        pydantic.ValidationError: a value breaks a rule; all broken rules are in it.

    """

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

    @model_validator(mode="after")
    def _keeps_the_rules(self) -> Environment:
        faults = [
            InitErrorDetails(
                type=PydanticCustomError("rule", "{rule}", {"rule": fault.rule}),
                loc=fault.setting,
                input=fault.given,
            )
            for fault in rules.broken(self, set(type(self).model_fields))
        ]
        if faults:
            raise ValidationError.from_exception_data("Environment", faults)
        return self

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
