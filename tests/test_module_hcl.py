"""The module in HCL is as Terraform formats it, and says what its JSON form says."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import hcl2
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from orgtrail.module import module_files
from orgtrail.module.configuration import shapes
from orgtrail.module.expressions import value
from orgtrail.module.hcl import Attribute, Block
from orgtrail.module.parts import BY_KIND, BY_NAME, LOCALS, PARTS, part_of
from orgtrail.module.writer import write
from orgtrail.settings.environment import Environment

from tests.conftest import Json, at_most
from tests.forms import TERRAFORM, evaluated, items, run
from tests.strategies import extended
from tests.test_module import ENVIRONMENTS, in_json, parts

needs_terraform = pytest.mark.skipif(
    TERRAFORM is None, reason="neither terraform nor tofu is on PATH"
)
REGISTRY = ("main.tf", "variables.tf", "outputs.tf", "versions.tf", "README.md")
"""What the Terraform registry and its readers look for.
https://developer.hashicorp.com/terraform/language/modules/develop/structure"""
CALLED: Json = {
    "management_account_id": "111111111111",
    "logging_account_id": "222222222222",
    "member_account_ids": ["333333333333"],
    "organization_id": "o-examplebank",
    "organization_root_id": "r-bank",
    "home_region": "eu-isoe-west-1",
    "archive_bucket": "example-bank-archive",
    "exempt_roles": [
        "arn:aws-iso-e:iam::222222222222:role/deploy",
        "arn:aws-iso-e:iam::222222222222:role/other",
    ],
    "key_prefix": "audit",
    "policy_targets": ["ou-bank-abcdefgh", "333333333333"],
    "expire_after_days": 400,
}
"""A call of the module of default settings, in another partition."""
# Terraform evaluates the saved queries of the JSON form slowly, so that one module has them.
EVALUATED = (None, "everything", "china", "control-tower", "referred", "shared", "sovereign")


def in_hcl(name: str | None) -> dict[str, str]:
    return module_files(ENVIRONMENTS[name] if name else None)


def put(files: Mapping[str, str], folder: Path) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", [None, *ENVIRONMENTS])
def test_it_has_what_a_module_of_the_registry_has(name: str | None) -> None:
    files = in_hcl(name)
    assert files.keys() >= {*REGISTRY, "examples/organization/main.tf", "tests/module.tftest.hcl"}
    module = parts(in_json(ENVIRONMENTS[name] if name else None))
    readme = files["README.md"]
    for section in ("Usage", "Requirements", "Providers", "Resources", "Inputs", "Outputs"):
        assert f"\n## {section}\n" in readme
    for listed in (*module["variable"], *module["output"]):
        assert f"\n| `{listed}` |" in readme
    for section in ("resource", "data"):
        for kind, named in module[section].items():
            for each in named:
                prefix = "data." if section == "data" else ""
                assert f"\n| [`{prefix}{kind}.{each}`](" in readme


@needs_terraform
def test_terraform_fmt_leaves_every_module_alone(tmp_path: Path) -> None:
    for name in (None, *ENVIRONMENTS):
        put(in_hcl(name), tmp_path / str(name))
    drawn: list[Environment] = []

    @given(env=extended())
    @examples(
        max_examples=at_most(40),
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate),
        database=None,
    )
    def draw(env: Environment) -> None:
        put(module_files(env), tmp_path / f"drawn-{len(drawn)}")
        drawn.append(env)

    draw()
    assert run(tmp_path, "fmt", "-check", "-diff", "-recursive") == ""


@needs_terraform
@pytest.mark.parametrize("name", EVALUATED)
def test_terraform_reads_the_same_from_both_forms(tmp_path: Path, name: str | None) -> None:
    env = ENVIRONMENTS[name] if name else None
    values = {} if name else CALLED
    made = evaluated(tmp_path, {"hcl": (module_files(env), values), "json": (in_json(env), values)})
    assert made["hcl"].keys() == made["json"].keys()
    for address, each in made["json"].items():
        assert made["hcl"][address] == each, address


@needs_terraform
def test_no_module_refuses_its_own_defaults(tmp_path: Path) -> None:
    for name in ENVIRONMENTS:
        put({"main.tf": in_hcl(name)["variables.tf"]}, tmp_path / name)
    modules = {name: {"source": f"./{name}"} for name in ENVIRONMENTS}
    (tmp_path / "main.tf.json").write_text(json.dumps({"module": modules}))
    run(tmp_path, "init", "-input=false")
    run(tmp_path, "plan", "-input=false")


@pytest.mark.parametrize("name", [None, *ENVIRONMENTS])
def test_both_forms_have_the_same_blocks_and_arguments(name: str | None) -> None:
    module = parts(in_json(ENVIRONMENTS[name] if name else None))
    expected = {
        (section, kind, each): set(_names(given, shapes()[_kind(section, kind)]))
        for section in ("resource", "data")
        for kind, named in module.get(section, {}).items()
        for each, given in named.items()
    }
    found = {}
    for file, text in in_hcl(name).items():
        if not file.endswith(".tf"):
            continue
        # An independent reader takes it too.
        hcl2.loads(text)
        for section, labels, body in items(text.splitlines()):
            if section in ("resource", "data"):
                assert labels
                found[section, labels[0], labels[1]] = set(_written(body))
    assert found == expected


def _kind(section: str, kind: str) -> str:
    return f"data.{kind}" if section == "data" else kind


def _names(given: Json, shape: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield the arguments and blocks of the JSON form, a block with braces."""
    shape = {**shape, "lifecycle": {"postcondition": {}}} if not path else shape
    for name, each in given.items():
        if name in shape:
            yield f"{path}{name}{{}}"
            for one in each if isinstance(each, list) else [each]:
                yield from _names(one, shape[name], f"{path}{name}.")
        else:
            yield f"{path}{name}"


def _written(body: list[str], path: str = "") -> Iterator[str]:
    for name, labels, inner in items(body):
        if labels is None:
            yield f"{path}{name}"
        else:
            yield f"{path}{name}{{}}"
            yield from _written(inner, f"{path}{name}.")


@pytest.mark.parametrize("name", [None, *ENVIRONMENTS])
def test_no_expression_stands_in_a_text_of_its_own(name: str | None) -> None:
    for file, text in in_hcl(name).items():
        if file.endswith(".tf"):
            assert not re.search(r'^\s*(?:\S+ +=)? "\$\{[^}"]*\}",?$', text, re.MULTILINE), file
            assert '\\"Version\\"' not in text, file


IDENTITY = "aws_caller_identity"
CASES = {
    "a reference": ("${var.name}", "var.name"),
    "a text with one": ("a-${var.name}", '"a-${var.name}"'),
    "a comparison": ('${self.id == "${var.id}"}', "self.id == var.id"),
    "an escaped sign": ("$${each}", '"$${each}"'),
    "quotes": ('say "no"', r'"say \"no\""'),
    "many quotes": ('"a" and "b"', 'chomp(<<-EOT\n  "a" and "b"\nEOT\n)'),
    "lines": ("a\n  b\n", "<<-EOT\n  a\n    b\nEOT"),
    "lines without a last end": ("a\nb", "chomp(<<-EOT\n  a\n  b\nEOT\n)"),
    "lines that all are indented": ("  a\n  b\n", r'"  a\n  b\n"'),
    "a line like the marker": ("EOT\nb\n", "<<-EOT_\n  EOT\n  b\nEOT_"),
    "a carriage return": ("a\r\nb\n", r'"a\r\nb\n"'),
    "a number": (7, "7"),
    "a flag": (True, "true"),
    "nothing": (None, "null"),
    "no entries": ({}, "{}"),
    "a short object": ({"aws:x": "y"}, '{ "aws:x" = "y" }'),
    "a JSON text": ('{"A":"b","N":1}', 'jsonencode({\n  A = "b"\n  N = 1\n})'),
    "a reference in one": ('{"Id":"${var.id}"}', "jsonencode({ Id = var.id })"),
    "a number in one": ('{"Days":"${var.days}"}', "jsonencode({ Days = tostring(var.days) })"),
    "spliced items": (
        '{"R":["${join("\\",\\"", var.roles)}","${var.role}","b"]}',
        'jsonencode({ R = concat(var.roles, [var.role, "b"]) })',
    ),
    "braces that are no JSON": ("{ $.a = b }", '"{ $.a = b }"'),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_value_in_hcl(case: str) -> None:
    given_value, expected = CASES[case]
    written = write([Attribute("x", value(given_value, numbers={"var.days"}))])
    assert written == f"x = {expected}\n"


TEXTS = st.text() | st.text("a$%{}\"\\ \n\r\t'\u0301~")


@needs_terraform
@given(texts=st.lists(TEXTS, min_size=200, max_size=200))
@examples(
    max_examples=at_most(5),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
)
def test_terraform_reads_every_text_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("texts")
    escaped = [each.replace("${", "$${").replace("%{", "%%{") for each in texts]
    # In a list and in an object, where a heredoc may stand.
    for name, held in (("list", escaped), ("object", dict(enumerate_texts(escaped)))):
        block = Block("output", (name,), [Attribute("value", value(held))])
        (folder / f"{name}.tf").write_text(write([block]), encoding="utf-8", newline="")
    run(folder, "init", "-input=false")
    run(folder, "plan", "-input=false", "-out=plan.bin")
    outputs = json.loads(run(folder, "show", "-json", "plan.bin"))["planned_values"]["outputs"]
    # Terraform normalizes all texts.
    expected = [unicodedata.normalize("NFC", each) for each in texts]
    assert outputs["list"]["value"] == expected
    assert outputs["object"]["value"] == dict(enumerate_texts(expected))


def enumerate_texts(texts: list[str]) -> Iterator[tuple[str, str]]:
    return ((f"text_{number:03}", each) for number, each in enumerate(texts))


def test_every_comment_is_used_and_every_part_is_told() -> None:
    modules = [parts(in_json(env)) for env in (None, *ENVIRONMENTS.values())]
    kinds: set[str] = set()
    names: set[str] = set()
    of_locals: set[str] = set()
    for module in modules:
        of_locals |= module["locals"].keys()
        for section in ("resource", "data"):
            for kind, named in module[section].items():
                kinds.add(_kind(section, kind))
                names |= named.keys() if section == "resource" or kind != IDENTITY else set()
    assert names >= BY_NAME.keys()
    assert kinds >= BY_KIND.keys()
    assert of_locals >= LOCALS.keys()
    assert {part_of(each) for each in names} >= {*PARTS}
