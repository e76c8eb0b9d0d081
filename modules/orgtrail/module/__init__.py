"""`orgtrail module`: writes a plain Terraform module with the same resources, for users of HCL.

The module is rendered from the stack of an environment, with variables in place of the values that
a caller chooses, so that it cannot diverge from the stack.
"""

from __future__ import annotations

import json
from pathlib import Path

from orgtrail.errors import OrgtrailError
from orgtrail.module.checks import checks
from orgtrail.module.example import example
from orgtrail.module.files import HEADER, variables_file, versions
from orgtrail.module.hcl_files import hcl_files
from orgtrail.module.readme import readme
from orgtrail.module.template import Template, template
from orgtrail.module.variables import variables
from orgtrail.output import atomic_output
from orgtrail.settings.environment import Environment
from orgtrail.trail.resource import Json

EXAMPLE = "examples/organization/main.tf"
_BEFORE_HEADER = 20
"""More characters than a comment has before its text, in HCL and in JSON."""
TESTS = "tests/module.tftest.hcl"


def write_module(out: Path, env: Environment | None = None, *, as_json: bool = False) -> list[Path]:
    """Write a module.

    Other files in the folder are kept, except those of a configuration that an earlier run wrote
    and this one does not.

    Args:
        out: the folder.
        env: the environment to build the module from, and the variables' defaults. None builds it
            from default settings; variables without a sensible default are then required.
        as_json: whether to write Terraform's JSON in place of HCL.

    Returns:
        the files.

    Raises:
        OrgtrailError: the folder cannot be written or has other Terraform files, or the
            environment cannot become a module.

    """
    files = module_files(env, as_json=as_json)
    others = [each for each in sorted(out.glob("*.tf*")) if each.name not in files]
    former = [each for each in others if _is_ours(each)]
    if strangers := [each.name for each in others if each not in former]:
        raise OrgtrailError(
            f"{out}: has {', '.join(strangers)}, which would become part of the module; "
            "name another folder"
        )
    with atomic_output(out, instead_of=former) as draft:
        for name, text in files.items():
            path = draft / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return [out / name for name in files]


def _is_ours(path: Path) -> bool:
    """Return whether an earlier run has written a file."""
    try:
        return HEADER in path.read_text(encoding="utf-8")[: len(HEADER) + _BEFORE_HEADER]
    except (OSError, UnicodeDecodeError):
        return False


def module_files(env: Environment | None = None, *, as_json: bool = False) -> dict[str, str]:
    """Return the text of a module's files, by path.

    Raises:
        OrgtrailError: the environment cannot become a module.

    """
    source = env or _default_environment()
    _refuse_imports(source)
    made = template(source, variables(source, given=env is not None))
    face = variables_file(source, made.variables)
    form = _json_files if as_json else hcl_files
    written = {
        **form(made, versions(source)["terraform"], face["variable"]),
        "README.md": readme(source, made, face["variable"], EXAMPLE),
        EXAMPLE: example(source, made.variables),
        TESTS: checks(source, made),
    }
    return dict(sorted(written.items()))


def _json_files(made: Template, required: Json, face: Json) -> dict[str, str]:
    written = {
        "main": {"locals": made.locals, **made.content},
        "outputs": {"output": made.outputs},
        "variables": {"variable": face},
        "versions": {"terraform": required},
    }
    return {
        f"{name}.tf.json": json.dumps({"//": HEADER, **content}, indent=2, sort_keys=True) + "\n"
        for name, content in written.items()
    }


def _default_environment() -> Environment:
    """Return an environment that has only the required settings, with made-up example values."""
    return Environment.model_validate(
        {
            "name": "module",
            "home_region": "us-east-1",
            "organization": {"id": "o-example1234", "root_id": "r-exam"},
            "accounts": {
                "management": {"id": "111111111111"},
                "logging": {"id": "222222222222", "profile": "logging"},
            },
            "archive": {"bucket": "example-audit-trail"},
            "guardrails": {"exempt_roles": ["arn:aws:iam::222222222222:role/orgtrail-deploy"]},
        }
    )


def _refuse_imports(env: Environment) -> None:
    managed = [name for name in type(env.adopt).model_fields if env.adopt.is_imported(name)]
    if managed:
        raise OrgtrailError(
            f"adopt.{managed[0]} must be left out of a module, or have manage = false: Terraform "
            "takes import blocks in the root module alone; write them there"
        )
