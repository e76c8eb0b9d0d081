"""Which kit makes the stacks: CDKTF, or its successor CDK Terrain (`cdktn`)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache

from orgtrail.errors import OrgtrailError
from orgtrail.extras import MissingExtraError, how_to_install, is_installed

SWITCH = "ORGTRAIL_CDK"
"""Environment variable that names the kit, `cdktf` or `cdktn`, where both are installed."""
HCL_OUTPUT = "SYNTH_HCL_OUTPUT"
"""What `cdktf synth --hcl` and `cdktn synth --hcl` set for the app."""


@dataclass(frozen=True, slots=True)
class Kit:
    """A kit, by the names of its packages.

    Args:
        package: its Python package, which is also the name of our extra.
        provider: the Python package of its bindings of the AWS provider.
        node: the same package's name in Node.

    """

    package: str
    provider: str
    node: tuple[str, str]

    @property
    def is_installed(self) -> bool:
        """Whether both of its packages are installed."""
        return is_installed(self.package) and is_installed(self.provider)


CDKTF = Kit("cdktf", "cdktf_cdktf_provider_aws", ("@cdktf", "provider-aws"))
CDKTN = Kit("cdktn", "cdktn_provider_aws", ("@cdktn", "provider-aws"))
KITS = (CDKTF, CDKTN)
"""The kits, the default first."""


@cache
def kit() -> Kit:
    """Return the kit to use: the one that `ORGTRAIL_CDK` names, else the first that is installed.

    Raises:
        OrgtrailError: `ORGTRAIL_CDK` names no kit.
        MissingExtraError: that kit is not installed, or none is.

    """
    asked = os.environ.get(SWITCH)
    names = [each.package for each in KITS]
    if asked and asked not in names:
        raise OrgtrailError(f"{SWITCH} must be {' or '.join(names)}; got {asked}")
    for each in KITS:
        if each.is_installed and asked in (None, "", each.package):
            return each
    if asked:
        raise MissingExtraError(
            f"{SWITCH} names {asked}, which is not installed: {how_to_install(asked)}"
        )
    others = " or ".join(how_to_install(name) for name in names)
    raise MissingExtraError(f"making stacks needs CDKTF or CDK Terrain: {others}")


def refuse_hcl_output() -> None:
    """Raise an error where the CLI asks the kit for HCL.

    Both kits then write blocks that Terraform does not read, and end as if all were well.

    Raises:
        OrgtrailError: `SYNTH_HCL_OUTPUT` is on.

    """
    given = os.environ.get(HCL_OUTPUT)
    if given in ("true", "1"):
        raise OrgtrailError(
            f"synth --hcl ({HCL_OUTPUT}={given}) must be left out: {kit().package} writes HCL "
            "that Terraform cannot read; orgtrail module DIR --env FILE writes a module in HCL"
        )
