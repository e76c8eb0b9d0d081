"""A plan that turns on trusted access itself, and does not list the accounts."""

from __future__ import annotations

import pytest

from tests.e2e.cloud import Cloud, Organization
from tests.e2e.terraform import Project

ASKED = "  enable_trusted_access = true\n  list_accounts = false\n"
LISTS = {"ListAccounts", "ListRoots"}


@pytest.fixture(scope="module")
def trusting(here: Cloud, bank: Organization, project: Project) -> Project:
    """Let nobody trust CloudTrail yet, and the file ask for it."""
    client = here.client(bank.management, "organizations")
    client.disable_aws_service_access(ServicePrincipal="cloudtrail.amazonaws.com")
    text = project.file.read_text()
    changed = text.replace("organization = {\n", f"organization = {{\n{ASKED}")
    assert changed != text
    project.write(changed)
    return project


def test_the_trail_is_made_where_nothing_trusted_cloudtrail(
    here: Cloud, bank: Organization, trusting: Project
) -> None:
    stack = trusting.synthesize(here)
    stack.must("init")
    start = len(here.calls())
    stack.plan()
    planned = {call.operation for call in here.calls(start) if call.service == "organizations"}
    assert "DescribeOrganization" in planned
    assert not planned & LISTS
    stack.apply()
    client = here.client(bank.management, "organizations")
    trusted = client.list_aws_service_access_for_organization()["EnabledServicePrincipals"]
    assert [each["ServicePrincipal"] for each in trusted] == ["cloudtrail.amazonaws.com"]
    assert stack.plan().changes == {}
