"""The arguments of `python main.py`; without any, as CDKTF runs it, this is not imported."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from orgtrail.errors import OrgtrailError
from orgtrail.notes import set_quiet

_DESCRIPTION = """\
Synthesize environment files: write the Terraform JSON of each as
cdktf.out/stacks/NAME/cdk.tf.json, and cdktf.out/manifest.json. All files are
written, or none."""
_EPILOG = """\
environment variables:
  ORGTRAIL_ENVS  the folder of environment files if none is named; by default envs
  CDKTF_OUTDIR   the folder to write to; by default cdktf.out

Exit codes: 0, everything is written; 2, nothing is."""


class _Parser(ArgumentParser):
    """A parser that raises what our commands raise."""

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments."""
        raise OrgtrailError(f"{message}\nSee python main.py --help.")


def files_to_synthesize(arguments: Sequence[str]) -> list[Path] | None:
    """Return the files and folders that the arguments name; None if they asked for help alone.

    Raises:
        OrgtrailError: an option is unknown, or a name is empty.

    """
    parser = _Parser(
        prog="python main.py",
        usage="python main.py [OPTIONS] [FILE|DIR ...]",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE|DIR",
        help="environment files, or folders of them: synthesize these alone",
    )
    parser.add_argument("-h", "--help", action="store_true", help="show this text")
    parser.add_argument("--version", action="store_true", help="print the version")
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="only errors: no warnings and no progress"
    )
    given = parser.parse_args(arguments)
    set_quiet(given.quiet)
    if given.help:
        sys.stdout.write(parser.format_help())
        return None
    if given.version:
        from importlib.metadata import version

        sys.stdout.write(f"orgtrail {version('orgtrail')}\n")
        return None
    if "" in given.files:
        raise OrgtrailError("FILE: is empty: name a file or a folder")
    return [Path(each) for each in given.files]
