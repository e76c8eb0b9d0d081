"""The server of the tests; where it cannot be had, they are skipped, or fail."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from trino.dbapi import Connection

from tests.trino.serving import AbsentError, serving

REQUIRED = "ORGTRAIL_TRINO"
"""Environment variable that has a missing part fail the tests (`make trino` sets it)."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have these tests begin first: one worker does them all, and the rest must not wait for it."""
    here = Path(__file__).parent
    items.sort(key=lambda each: not each.path.is_relative_to(here))


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, and the folder that it reads."""

    connection: Connection
    folder: Path


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start Trino, once for all tests."""
    folder = tmp_path_factory.mktemp("trino")
    reason = ""
    try:
        with serving(folder) as connection:
            yield Server(connection, folder)
    except AbsentError as absent:
        reason = f"not asked on Trino: {absent}"
    if reason and os.environ.get(REQUIRED):
        pytest.fail(reason, pytrace=False)
    if reason:
        pytest.skip(reason)
