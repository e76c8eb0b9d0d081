"""Rules of settings as conditions in Terraform's language, with the same words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from annotated_types import Ge, Le, MaxLen, MinLen

from orgtrail.settings.types import TextRule


def tests(value: str, rules: Iterable[object]) -> Iterator[tuple[str, str]]:
    """Yield a condition for each rule of a value, and what to say where it does not hold."""
    for each in rules:
        match each:
            case TextRule() if each.pattern:
                tests = [f"can(regex({_quoted(f'^({each.pattern})$')}, {value}))"]
                tests += [f"!can(regex({_quoted(never)}, {value}))" for never in each.never]
                yield " && ".join(tests), each.text
            case Ge():
                whole = f"floor({value}) == {value}"
                yield f"{value} >= {each.ge} && {whole}", f"must be at least {each.ge}"
            case Le():
                yield f"{value} <= {each.le}", f"must be at most {each.le}"
            case MinLen():
                yield _has(f"{{{each.min_length},}}", value), "must not be empty"
            case MaxLen():
                most = each.max_length
                yield _has(f"{{0,{most}}}", value), f"must be at most {most} characters long"
            case tuple():
                numbers = ", ".join(map(str, each))
                yield f"contains([{numbers}], {value})", f"must be one of {numbers}"


def of_each(value: str, rules: Iterable[object]) -> tuple[str, str]:
    """Return the condition that all of a list keep the rules, and what to say where not."""
    found = list(tests("each", rules))
    together = " && ".join(test for test, _ in found)
    said = "; ".join(text for _, text in found)
    return f"alltrue([for each in {value} : {together}])", f"each {said}"


def _has(count: str, value: str) -> str:
    """Return the condition that a text has so many code points.

    `length` would count grapheme clusters: a letter and all of its accents once.
    https://developer.hashicorp.com/terraform/language/functions/length
    """
    return f"can(regex({_quoted(f'^(?s:.{count})$')}, {value}))"


def _quoted(pattern: str) -> str:
    escaped = pattern.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("${", "$${").replace("%{", "%%{") + '"'
