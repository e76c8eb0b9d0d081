"""Commands as Typer makes them, with what all of ours share: `--quiet`, `-h`, and their help."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext, redirect_stdout
from functools import wraps
from typing import Annotated, Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.exceptions import Exit

from orgtrail.errors import EXIT_BAD, EXIT_FAILED
from orgtrail.extras import Extra, require
from orgtrail.notes import set_quiet

QuietOption = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Only the answer and errors: no notes and no progress."),
]


class Command(TyperCommand):
    """A command that names its arguments in the words of the field."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        for each in self.params:
            _refuse_empty(each)

    def get_params(self, ctx: Any) -> list[Any]:
        """Return all options and arguments, `--help` too."""
        return [_in_our_words(each) for each in super().get_params(ctx)]

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ARG002  # as Typer calls it
        """Write the arguments as manuals do: `FILE...`, not `{files}...`."""
        return ["[OPTIONS]", *_usage(self.params)]


class Group(TyperGroup):
    """A group of commands."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return all options, `--help` and those of Typer too."""
        return [_in_our_words(each) for each in super().get_params(ctx)]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse arguments; without any, the help goes to stderr, since it is no answer."""
        with nullcontext() if args else redirect_stdout(sys.stderr):
            return super().parse_args(ctx, args)

    def make_context(self, *arguments: Any, **settings: Any) -> Any:
        """Parse arguments; what cannot be done ends with 2, where Typer says 1."""
        try:
            return super().make_context(*arguments, **settings)
        except Exit as ended:
            raise Exit(EXIT_FAILED if ended.exit_code == EXIT_BAD else ended.exit_code) from None


class App(typer.Typer):
    """An app whose commands are all `Command`s, each with `--quiet`."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(
            cls=Group,
            context_settings={"help_option_names": ["-h", "--help"]},
            pretty_exceptions_enable=False,
            no_args_is_help=True,
            **settings,
        )

    def command(
        self, name: str | None = None, *, extra: Extra | None = None, **settings: Any
    ) -> Callable[[Any], Any]:
        """Register a function as a command.

        Args:
            name: its name; by default the function's.
            extra: the extra of the package that it needs.
            settings: what Typer takes besides.

        """
        register = super().command(name, cls=Command, **settings)

        def add(function: Callable[..., object]) -> Callable[..., object]:
            words = "orgtrail", str(self.info.name), name or function.__name__
            called = " ".join(dict.fromkeys(words))
            register(_with_quiet(function, extra, called))
            return function

        return add


def _with_quiet(
    function: Callable[..., object], extra: Extra | None, called: str
) -> Callable[..., object]:
    """Return a function that also takes `quiet`, and looks to Typer as if it always had.

    It also requires the command's extra, before any module that needs it is imported.
    """

    @wraps(function)
    def run(*, quiet: bool = False, **values: Any) -> object:
        if quiet:
            set_quiet(True)
        if extra:
            require(extra, called)
        return function(**values)

    signature = inspect.signature(function, eval_str=True)
    option = inspect.Parameter(
        "quiet", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=QuietOption
    )
    changed = signature.replace(parameters=[*signature.parameters.values(), option])
    setattr(run, "__signature__", changed)  # noqa: B010  # mypy knows no such attribute
    return run


def _usage(params: Sequence[Any]) -> list[str]:
    """Return the arguments as the usage line writes them."""
    pieces = []
    for each in params:
        if isinstance(each, TyperArgument):
            name = each.display_name_raw
            name += "..." if each.nargs != 1 and " " not in name else ""
            pieces.append(name if each.required else f"[{name}]")
    return pieces


def _in_our_words(param: Any) -> Any:
    """Leave out the types of Python in the help: an argument's name says what it is."""
    if isinstance(param, TyperArgument) or (isinstance(param, TyperOption) and param.is_flag):
        param.display_type_rich = lambda ctx: None  # type: ignore[method-assign]  # noqa: ARG005
    return param


def _refuse_empty(param: Any) -> None:
    """Refuse an empty path, which Python takes for the current folder, and a NUL byte."""
    checked = param.process_value

    def process_value(ctx: Any, value: Any) -> Any:
        for each in value if isinstance(value, list | tuple) else [value]:
            _check(param, ctx, each)
        return checked(ctx, value)

    param.process_value = process_value


def _check(param: Any, ctx: Any, value: object) -> None:
    if isinstance(value, str) and "\0" in value:
        raise typer.BadParameter("has a NUL byte, which no name can have", ctx=ctx, param=param)
    if value == "" and param.metavar in {"FILE", "DIR", "FILE|DIR", "[RESOURCE] FILE"}:
        raise typer.BadParameter("is empty: name a file or a folder", ctx=ctx, param=param)
