"""Opens a report in Debian's Chromium, works with it, and prints what was seen as JSON.

It runs in an environment of its own (see the Makefile) and takes the page, the browser and the
rules of axe (empty: they are not asked), then where a screenshot goes, if one is wanted.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
"""Root has no sandbox, and a browser that is driven talks to nobody."""
_FRAMEWORK = "PCI DSS"
_TABLE = f"table.list:has(caption:text-is('{_FRAMEWORK}'))"
_SCREENS = [(width, colour) for width in (1280, 400) for colour in ("light", "dark")]


def main(page_file: str, browser: str, axe: str, picture: str = "") -> None:
    """Open the page and do what a reader does."""
    said: list[str] = []
    asked: list[str] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=ARGUMENTS)
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.on("console", lambda each: said.append(f"{each.type}: {each.text}"))
        page.on("pageerror", lambda each: said.append(f"error: {each}"))
        page.on("dialog", lambda each: said.append(f"dialog: {each.message}"))
        page.on("request", lambda each: asked.append(each.url))
        page.goto(Path(page_file).as_uri())
        if picture:
            page.screenshot(path=picture)
        seen = {
            "title": page.title(),
            "headings": page.locator("h2").all_inner_texts(),
            **_by_keyboard(page),
            **_filtered(page),
            **_sorted(page),
            "own_scripts": page.evaluate("window.owned === undefined"),
            "wider": page.evaluate("document.documentElement.scrollWidth > window.innerWidth"),
            "tree": page.locator("body").aria_snapshot()[:2_000_000],
            "pdf": page.pdf(prefer_css_page_size=True).startswith(b"%PDF-"),
        }
        seen["open"] = page.evaluate(
            "window.dispatchEvent(new Event('beforeprint')), "
            "[...document.querySelectorAll('details')].every(each => each.open)"
        )
        if axe:
            seen["axe"] = _accessible(chromium, Path(page_file), Path(axe))
        chromium.close()
    sys.stdout.write(json.dumps({**seen, "said": said, "asked": asked}))


def _accessible(chromium: Any, page_file: Path, axe: Path) -> dict[str, list[str]]:
    """Return what axe finds wrong, and whether the page is too wide, on each kind of screen."""
    found = {}
    for width, colour in _SCREENS:
        # The rules are not the page's own script, which alone its policy lets run.
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=colour, bypass_csp=True
        )
        page = context.new_page()
        page.goto(page_file.as_uri())
        page.evaluate(axe.read_text(encoding="utf-8"))
        # What is folded is judged too.
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        wrong = page.evaluate("axe.run()")["violations"]
        said = [f"{each['id']}: {each['nodes'][0]['failureSummary']}" for each in wrong]
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            said.append("the page is wider than the screen")
        found[f"{width} {colour}"] = said
        context.close()
    return found


def _filtered(page: Any) -> dict[str, Any]:
    rows = page.locator(f"{_TABLE} tbody tr")
    field = page.get_by_label(f"Only rows of {_FRAMEWORK} with")
    before = rows.count()
    field.fill("central")
    found = page.locator(f"{_TABLE} tbody tr:visible").all_inner_texts()
    told = page.locator(".filter output").filter(has_text="of").inner_text()
    field.fill("")
    return {
        "rows": before, "filtered": found, "told": told,
        "again": page.locator(f"{_TABLE} tbody tr:visible").count(),
    }  # fmt: skip


def _sorted(page: Any) -> dict[str, Any]:
    numbers = "table.list:has(caption:text-is('Accounts and their silences'))"
    button = page.locator(numbers).get_by_role("button", name="Sort by Events")
    column = page.locator(f"{numbers} tbody tr td:nth-child(3)")

    def counts() -> list[int]:
        return [int(each.replace(",", "")) for each in column.all_inner_texts()]

    button.click()
    up, heading = counts(), page.locator(f"{numbers} thead th[aria-sort]")
    first = heading.get_attribute("aria-sort")
    button.click()
    return {"up": up, "down": counts(), "aria": [first, heading.get_attribute("aria-sort")]}


def _by_keyboard(page: Any) -> dict[str, Any]:
    """Go to the first stop by Tab, and sort a table by Enter."""
    page.keyboard.press("Tab")
    skip = page.evaluate("document.activeElement.textContent")
    button = page.locator(f"{_TABLE} thead button").first
    button.focus()
    page.keyboard.press("Enter")
    return {
        "first_stop": skip,
        "by_enter": page.locator(f"{_TABLE} thead th").first.get_attribute("aria-sort"),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
