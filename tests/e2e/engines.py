"""The engines that plan a stack: Terraform, and OpenTofu.

`ORGTRAIL_TERRAFORM` names the one of the end-to-end tests: `terraform`, `tofu`, or a path.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from tests.conftest import ROOT


def _opentofu() -> str | None:
    built = ROOT / ".tools" / "tofu" / "tofu"
    return shutil.which("tofu") or (str(built) if built.exists() else None)


OPENTOFU = _opentofu()
"""OpenTofu from PATH, else as `make tofu` builds it."""


def _engine() -> str | None:
    name = os.environ.get("ORGTRAIL_TERRAFORM", "")
    if name == "tofu":
        return OPENTOFU
    return shutil.which(name) if name else shutil.which("terraform") or OPENTOFU


TERRAFORM = _engine()
"""The engine of the end-to-end tests."""
PLUGINS = Path.home() / ".terraform.d" / "plugins"
_MIRROR = """provider_installation {
  filesystem_mirror {
    path    = %s
    include = ["registry.opentofu.org/hashicorp/*"]
  }
  direct {
    exclude = ["registry.opentofu.org/hashicorp/*"]
  }
}
"""


@cache
def _providers_for_opentofu() -> tempfile.TemporaryDirectory[str]:
    """Lay out Terraform's local providers by the name of OpenTofu's registry, and a file for it.

    Where Terraform has none either, the file is empty, and OpenTofu fetches the provider.
    """
    made = tempfile.TemporaryDirectory(prefix="orgtrail-providers-")
    mirror, text = Path(made.name) / "mirror", ""
    for each in PLUGINS.glob("registry.terraform.io/hashicorp/*/*/*/"):
        target = (
            mirror / "registry.opentofu.org" / each.relative_to(PLUGINS / "registry.terraform.io")
        )
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(each)
        text = _MIRROR % json.dumps(str(mirror))
    (Path(made.name) / "tofu.rc").write_text(text)
    return made


def cli_configuration(engine: str) -> str:
    """Return the CLI configuration file of an engine: the user's own where there is one."""
    own = os.environ.get("TF_CLI_CONFIG_FILE", "")
    if Path(own).is_file():
        return own
    if engine == OPENTOFU:
        return str(Path(_providers_for_opentofu().name) / "tofu.rc")
    # A machine whose variable names a missing file plans nothing, with exit code 0.
    return os.devnull
