"""What can be wrong with settings, and the error that says all of it at once."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Path = tuple[str | int, ...]
"""Where a setting stands: `("guardrails", "exempt_roles", 0)`."""

NOTHING = object()
"""The value of a setting that was not given."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One setting, the rule that it breaks and what was given."""

    setting: Path
    rule: str
    given: object = NOTHING
    hint: str = ""

    def __str__(self) -> str:
        """Tell setting, rule, value and what to do, in one line."""
        subject = f"{dotted(self.setting)} {self.rule}".lstrip()
        got = "" if self.given is NOTHING else f"; got {shown(self.given)}"
        return f"{subject}{got}{'; ' + self.hint if self.hint else ''}"


@dataclass(frozen=True, slots=True)
class Source:
    """The file that settings came from, and the line of each setting in it."""

    name: str
    lines: Mapping[Path, int] = field(default_factory=dict)

    def line(self, setting: Path) -> int:
        """Return the line of a setting, or of the nearest object around it; 0 if unknown."""
        around = (setting[:end] for end in range(len(setting), -1, -1))
        return next((self.lines[each] for each in around if each in self.lines), 0)

    def at(self, setting: Path) -> str:
        """Return `file:line` of a setting, or the file alone where its line is not known."""
        line = self.line(setting)
        return f"{self.name}:{line}" if line else self.name


class OrgtrailError(Exception):
    """Anything that orgtrail tells its user in plain words, without a traceback."""


class StoppedError(OrgtrailError):
    """The user, or a signal, stopped the work; the message says what was kept."""


def internal_fault(error: BaseException) -> str:
    """Describe a fault of our own in one line: what it is and the place in the code."""
    places = traceback.extract_tb(error.__traceback__)
    ours = [each for each in places if "orgtrail" in each.filename] or [*places]
    file = ours[-1].filename.replace("\\", "/").rpartition("/")[2] if ours else ""
    place = f" ({file}:{ours[-1].lineno})" if ours else ""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}{': ' * bool(text)}{text[:300]}{place}"


class SettingsError(OrgtrailError):
    """Every fault of one environment file, a line each, in the order of the file.

    Attributes:
        faults: the faults.
        source: the file they are in; None for settings made in Python.

    """

    def __init__(self, faults: Iterable[Fault], source: Source | None = None) -> None:
        """Sort the faults by line and word them."""
        self.source = source
        self.faults = tuple(sorted(faults, key=self._line))
        super().__init__("\n".join(worded(fault, source) for fault in self.faults))

    def _line(self, fault: Fault) -> int:
        return self.source.line(fault.setting) if self.source else 0


class SettingsWarning(UserWarning):
    """A setting that does what it says, with a consequence that its reader may not expect."""


def worded(fault: Fault, source: Source | None) -> str:
    """Write a fault with its file and line, where it has them."""
    return f"{source.at(fault.setting)}: {fault}" if source else str(fault)


def dotted(setting: Path) -> str:
    """Write a path as its user would: `guardrails.exempt_roles[0]`."""
    text = ""
    for part in setting:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.replace("_", "").replace("-", "").isalnum():
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part)}]"
    return text


def shown(value: object, longest: int = 80) -> str:
    """Write a value as HCL would, cut to a readable length."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
