"""The module has what an environment file gives, with variables in the place of its values."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from orgtrail import OrgtrailError
from orgtrail.module import module_files, write_module
from orgtrail.regions import partition_of
from orgtrail.settings.archive import Adoption
from orgtrail.settings.environment import Environment

from tests import golden
from tests.conftest import MINIMAL, ROOT, Json, at_most, environment, orgtrail, synthesized, tfvars
from tests.strategies import extended

ENVIRONMENTS = {
    # Terraform takes import blocks in the root module alone.
    each.name: each.model_copy(update={"adopt": Adoption()})
    if each.adopt.is_imported("bucket")
    else each
    for each in golden.environments()
    if each.name != "adopted"
}
SAID = {
    "organization.id": "organization_id",
    "accounts.management.id": "management_account_id",
    "accounts in the environment file": "member_account_ids",
}
"""What messages of a stack name, and what those of a module name instead."""
VARIABLE = re.compile(r"\$\{var\.([\w-]+)\}")


def in_json(env: Environment | None = None) -> dict[str, str]:
    """Return the files of the module in Terraform's JSON."""
    return module_files(env, as_json=True)


def parts(files: dict[str, str]) -> Json:
    """Return all of a module's JSON together."""
    return {
        key: value
        for name, text in files.items()
        if name.endswith(".tf.json")
        for key, value in json.loads(text).items()
    }


def called(module: Json) -> Json:
    """Return what a module makes where its variables are at their defaults, as Terraform would.

    Only the forms that the module is written in; anything else stays, and differs.
    """
    values = {name: each["default"] for name, each in module["variable"].items()}
    local = _locals(module, values)

    def filled(value: Any) -> Any:
        match value:
            case dict():
                return {name: filled(each) for name, each in value.items()}
            case list():
                return [filled(each) for each in value]
            case str():
                return _filled(value, values, local)
            case _:
                return value

    made: Json = {
        name: filled(module[name]) for name in ("data", "check", "resource") if name in module
    }
    # An environment's own providers refuse another account.
    callers = made["data"].pop("aws_caller_identity")
    assert {each["provider"] for each in callers.values()} == {
        *module["terraform"]["required_providers"]["aws"]["configuration_aliases"]
    }
    return _attached(made, local)


def _locals(module: Json, values: Json) -> Json:
    local = dict(module["locals"])
    accounts = re.findall(r"var\.([\w-]+_account_id)\b", local["account_ids"])
    local["account_ids"] = sorted(
        {*(values[name] for name in accounts), *values["member_account_ids"]}
    )
    for name, expression in local.items():
        if match := re.fullmatch(
            r'\$\{var\.[\w-]+ == null \? "(.*)" : var\.[\w-]+\}', str(expression)
        ):
            derived = VARIABLE.sub(lambda found: values[found[1]], match[1])
            local[name] = derived if values[name] is None else values[name]
    if "policy_targets" in values:
        root = [values["organization_root_id"]]
        given_targets = values["policy_targets"]
        local["policy_targets"] = root if given_targets is None else given_targets
    region = values.get("home_region", "")
    local["partition"] = partition_of(region).name
    local["dns_suffix"] = partition_of(region).suffix
    prefix = values.get("key_prefix")
    local["key_prefix"] = f"{prefix}/" if prefix else ""
    return local


def _filled(text: str, values: Json, local: Json) -> Any:
    if text == '${var.key_prefix == "" ? null : var.key_prefix}':
        return values["key_prefix"] or None
    whole = VARIABLE.fullmatch(text)
    if whole and isinstance(values[whole[1]], int):
        return values[whole[1]]
    ids = local["account_ids"]
    text = text.replace('${join(",", local.account_ids)}', ",".join(ids))
    expected = '${join(" ", [for each in local.account_ids : "--expect ${each}"])}'
    text = text.replace(expected, " ".join(f"--expect {each}" for each in ids))
    text = text.replace("local.account_ids", json.dumps(ids))
    roles = '","'.join(values.get("exempt_roles", ()))
    text = text.replace('${join("\\",\\"", var.exempt_roles)}', roles)
    text = VARIABLE.sub(lambda found: str(values[found[1]]), text)
    return re.sub(r"\$\{local\.(\w+)\}", lambda found: str(local[found[1]]), text)


def _attached(made: Json, local: Json) -> Json:
    attachments = made["resource"].get("aws_organizations_policy_attachment", {})
    for name, attachment in list(attachments.items()):
        del attachments[name]
        if attachment.pop("for_each", None):
            for target in local["policy_targets"]:
                attachments[f"{name}_{target}"] = {**attachment, "target_id": target}
        else:
            attachments[f"{name}_{attachment['target_id']}"] = attachment
    if not attachments:
        made["resource"].pop("aws_organizations_policy_attachment", None)
    return made


def plain(stack: Json) -> Json:
    """Return what a stack makes, with the order of lists of accounts and nulls made alike."""

    def without_comments(value: Any, key: str = "") -> Any:
        match value:
            case str() if key == "error_message":
                for setting, variable in SAID.items():
                    value = value.replace(setting, variable)
                return value
            case dict():
                return {
                    name: without_comments(each, name)
                    for name, each in value.items()
                    if name != "//" and each is not None
                }
            case list():
                return [without_comments(each) for each in value]
            case _:
                return value

    made: Json = without_comments(
        {name: stack[name] for name in ("data", "check", "resource") if name in stack}
    )
    ordered: Json = alike(made)
    return ordered


def alike(value: Any) -> Any:
    """Put into one order what AWS reads in any: lists and statements of policies, regions."""
    match value:
        case dict():
            return {name: alike(each) for name, each in value.items()}
        case list():
            return [alike(each) for each in value]
        case str() if value.startswith('{"Version"'):
            statements = json.loads(value)["Statement"]
            told = [{key: each[key] for key in each if key != "Sid"} for each in statements]
            return sorted(json.dumps(in_order(each)) for each in told)
        case str() if re.fullmatch(r"[a-z]+-[a-z-]+-\d(,[a-z]+-[a-z-]+-\d)*", value):
            return sorted(value.split(","))
        case _:
            return value


def in_order(value: Any) -> Any:
    match value:
        case dict():
            return {name: in_order(each) for name, each in value.items()}
        case list():
            return sorted(set(value))
        case _:
            return value


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_at_its_defaults_it_is_the_environment(name: str) -> None:
    content = json.loads(golden.fresh()[f"{name}.tf.json"])
    assert plain(called(parts(in_json(ENVIRONMENTS[name])))) == plain(content)


@given(env=extended())
@examples(
    max_examples=at_most(15),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    # Each example is two syntheses: to shrink one would take minutes.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
def test_it_is_for_settings_of_every_shape(env: Environment) -> None:
    assert plain(called(parts(in_json(env)))) == plain(synthesized(env))


def test_without_a_file_the_caller_says_who_he_is() -> None:
    variables = parts(in_json())["variable"]
    assert [name for name, each in variables.items() if "default" not in each] == [
        "archive_bucket",
        "exempt_roles",
        "home_region",
        "logging_account_id",
        "management_account_id",
        "organization_id",
        "organization_root_id",
    ]
    assert variables["expire_after_days"]["default"] == 2557
    assert variables["member_account_ids"]["default"] == []


@pytest.mark.parametrize("name", [None, *ENVIRONMENTS])
def test_no_placeholder_is_left(name: str | None) -> None:
    env = ENVIRONMENTS[name] if name else None
    for text in (*in_json(env).values(), *module_files(env).values()):
        assert not re.search(r"zz@|@\{", text)


@pytest.mark.parametrize("name", [None, *ENVIRONMENTS])
def test_every_variable_is_typed_told_checked_and_used(name: str | None) -> None:
    module = parts(in_json(ENVIRONMENTS[name] if name else None))
    body = json.dumps({key: module[key] for key in ("locals", "data", "resource", "output")})
    for variable, each in module["variable"].items():
        assert each["type"] in ("string", "number", "list(string)")
        assert each["description"].endswith(".")
        assert each["validation"], variable
        assert re.search(rf"\bvar\.{re.escape(variable)}\b", body), variable


def test_it_takes_a_provider_for_every_place() -> None:
    module = parts(in_json(ENVIRONMENTS["fintech"]))
    aliases = module["terraform"]["required_providers"]["aws"]["configuration_aliases"]
    used = {
        resource["provider"]
        for kind in ("data", "resource")
        for named in module[kind].values()
        for resource in named.values()
    }
    assert used == set(aliases)
    assert "provider" not in module
    assert "backend" not in module["terraform"]


def written(folder: Path) -> dict[str, str]:
    """Return the files of a folder, by path."""
    return {
        each.relative_to(folder).as_posix(): each.read_text()
        for each in folder.rglob("*")
        if each.is_file()
    }


def test_what_would_be_imported_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OrgtrailError) as raised:
        write_module(tmp_path / "module", environment(adopt={"trail": {}}))
    assert str(raised.value) == (
        "adopt.trail must be left out of a module, or have manage = false: Terraform takes import "
        "blocks in the root module alone; write them there"
    )
    assert not (tmp_path / "module").exists()


def test_other_files_would_become_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "mine.tf").write_text("")
    with pytest.raises(OrgtrailError) as raised:
        write_module(tmp_path)
    assert str(raised.value) == (
        f"{tmp_path}: has mine.tf, which would become part of the module; name another folder"
    )
    assert [each.name for each in tmp_path.iterdir()] == ["mine.tf"]


def test_the_command_writes_it_whole_and_again(tmp_path: Path) -> None:
    (tmp_path / "bank.tfvars").write_text(tfvars(MINIMAL))
    expected = module_files(environment())
    for _ in range(2):
        done = orgtrail("module", "module", "--env", "bank.tfvars", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr == f"module: {len(expected)} files; README.md tells how to call it\n"
    assert written(tmp_path / "module") == expected


def test_the_command_writes_json_if_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "bank.tfvars").write_text(tfvars(MINIMAL))
    done = orgtrail("module", "module", "--env", "bank.tfvars", "--json", cwd=tmp_path)
    assert done.returncode == 0
    assert written(tmp_path / "module") == in_json(environment())


@pytest.mark.parametrize("as_json", [False, True], ids=["HCL", "JSON"])
def test_files_of_an_earlier_run_go(tmp_path: Path, *, as_json: bool) -> None:
    (tmp_path / "NOTES.md").write_text("ours")
    write_module(tmp_path, ENVIRONMENTS["everything"], as_json=not as_json)
    write_module(tmp_path, environment(), as_json=as_json)
    kept = {
        name for name in written(tmp_path) if name.endswith((".tf", ".tf.json")) and "/" not in name
    }
    expected = module_files(environment(), as_json=as_json)
    assert kept == {name for name in expected if ".tf" in name and "/" not in name}
    assert (tmp_path / "NOTES.md").read_text() == "ours"


def test_a_fault_of_the_file_is_told_in_one_line(tmp_path: Path) -> None:
    done = orgtrail("module", "out", "--env", "none.tfvars", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("none.tfvars: ")
    assert not (tmp_path / "out").exists()
    assert str(ROOT) not in done.stderr
