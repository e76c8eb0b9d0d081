"""The organization policies: service control policies, and the logging account's own (RCP).

Each SCP holds what protects one thing, so that each stays within AWS's size and can be read by
itself. No SCP binds the management account or a service-linked role.
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
"""

from __future__ import annotations

from orgtrail.policies.document import Document, document
from orgtrail.policies.guardrails import detection, evidence, readers
from orgtrail.policies.guardrails.resources import resource_control
from orgtrail.settings.environment import Environment

__all__ = ["resource_control", "service_control"]


def service_control(env: Environment) -> dict[str, Document]:
    """Return the SCPs: in a member account only the exempt roles may touch the audit trail.

    Returns:
        each by what stands behind `guardrails.policy_name` in its name: nothing for trail and
        evidence, `readers` for what reads the evidence and tells of it, `detection` for the
        services that look for threats, where there are any.

    """
    kinds = {
        "": evidence.statements(env),
        "readers": readers.statements(env),
        "detection": detection.statements(env),
    }
    documents = {name: document(*statements) for name, statements in kinds.items()}
    return {name: each for name, each in documents.items() if each["Statement"]}
