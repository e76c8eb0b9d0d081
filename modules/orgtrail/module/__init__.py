"""A plain Terraform module with the same resources, for those who write HCL.

The stack of an environment is synthesized once, with a value of its own in the place of all that
a caller chooses; each of these is then replaced by a variable. So the module cannot differ from
what an environment file gives.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from orgtrail.app import synthesize
from orgtrail.errors import OrgtrailError
from orgtrail.module.choices import choices
from orgtrail.module.handbook import example, readme
from orgtrail.module.interface import variables, versions
from orgtrail.module.template import body, stand_in
from orgtrail.output import atomic_output
from orgtrail.settings.environment import Environment

EXAMPLE = Path("examples", "organization", "main.tf")


def write_module(out: Path, env: Environment | None = None) -> list[Path]:
    """Write a module; what is in the folder already and bears other names stays.

    Args:
        out: the folder.
        env: what the module is made of, and its variables' defaults; None is the trail with
            every setting at its default, and no default where none can be right.

    Returns:
        the files.

    Raises:
        OrgtrailError: the folder cannot be written or has other Terraform files, or the
            environment cannot be made a module.

    """
    files = module_files(env)
    strangers = [each.name for each in sorted(out.glob("*.tf*")) if each.name not in files]
    if strangers:
        raise OrgtrailError(
            f"{out}: has {', '.join(strangers)}, which would become part of the module; "
            "name another folder"
        )
    with atomic_output(out) as draft:
        for name, text in files.items():
            path = draft / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return [out / name for name in files]


def module_files(env: Environment | None = None) -> dict[str, str]:
    """Return the files of a module by their path in it.

    Raises:
        OrgtrailError: the environment cannot be made a module.

    """
    source = env or _every_default()
    _refuse_imports(source)
    chosen = choices(source, given=env is not None)
    bare = stand_in(source, chosen)
    content = _synthesized(bare)
    parts, used = body(content, bare, chosen)
    face, outputs = variables(source, used), parts["outputs.tf.json"]["output"]
    providers = content["provider"]["aws"]
    call = example(used, content["terraform"], providers)
    written = {
        **{name: _text(each) for name, each in parts.items()},
        "variables.tf.json": _text(face),
        "versions.tf.json": _text(versions(content)),
        "README.md": readme(face["variable"], outputs, providers, call),
        EXAMPLE.as_posix(): call,
    }
    return dict(sorted(written.items()))


def _every_default() -> Environment:
    """Return an environment that says nothing but what it must: made-up values, for examples."""
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


def _synthesized(env: Environment) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        (made,) = synthesize([env], Path(folder))
        content: dict[str, Any] = json.loads(made.path.read_text(encoding="utf-8"))
    return content


def _text(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, sort_keys=True) + "\n"
