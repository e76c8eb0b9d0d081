"""The numbers of a report agree with a count by hand, for any period of a sample."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import at_most
from tests.reports import SAMPLED, Json, made, make_logs

MINUTES = 2 * 24 * 60


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_logs(tmp_path_factory.mktemp("volume") / "logs")


@pytest.fixture(scope="module")
def files(logs: Path) -> list[tuple[datetime, int]]:
    """The minute and the size of each log file."""
    found = []
    for path in logs.glob("AWSLogs/*/*/CloudTrail/**/*.json.gz"):
        match = re.search(r"_(\d{8}T\d{4})Z_", path.name)
        assert match
        at = datetime.strptime(match[1], "%Y%m%dT%H%M").replace(tzinfo=UTC)
        found.append((at, path.stat().st_size))
    return found


@pytest.fixture(scope="module")
def events(logs: Path) -> Counter[str]:
    """The number of events by their second; what two files have is one event."""
    found: Counter[str] = Counter()
    seen = set()
    for path in logs.glob("AWSLogs/*/*/CloudTrail/**/*.json.gz"):
        for each in json.loads(gzip.decompress(path.read_bytes()))["Records"]:
            if each["eventID"] not in seen:
                seen.add(each["eventID"])
                found[each["eventTime"]] += 1
    return found


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _checked(
    data: Json, since: datetime, until: datetime, files: list[tuple[datetime, int]],
    events: Counter[str],
) -> None:  # fmt: skip
    inside = [size for at, size in files if since <= at < until]
    coverage, integrity = data["coverage"], data["integrity"]
    assert (coverage["files"], coverage["bytes"]) == (len(inside), sum(inside))
    counted = sum(n for at, n in events.items() if _text(since) <= at < _text(until))
    assert coverage["events"] == counted
    by_account = sum(each["events"] for each in coverage["accounts"])
    by_column = sum(map(sum, (row["counts"] for row in coverage["picture"]["cells"])))
    assert by_account == by_column == counted
    verified = integrity["window_logs"]
    assert verified["invalid"] == verified["unread"] == integrity["unvouched"] == 0
    assert verified["valid"] + verified["later"] == len(inside)
    if not counted:
        assert data["cost"] is None
        return
    day = data["cost"]["day"]
    share = data["cost"]["measured_days"]
    assert share == pytest.approx((until - since).total_seconds() / 86_400, abs=1e-4)
    assert day["files"] == pytest.approx(len(inside) / share, rel=0.01, abs=1)
    assert day["bytes"] == pytest.approx(sum(inside) / share, rel=0.01, abs=1)
    assert day["events"] == pytest.approx(counted / share, rel=0.01, abs=1)


@settings(
    max_examples=at_most(12), deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(
    start=st.integers(0, MINUTES - 20), length=st.integers(15, MINUTES), second=st.integers(0, 59)
)
def test_volume_coverage_and_verification_agree_with_a_count_by_hand(
    logs: Path, files: list[tuple[datetime, int]], events: Counter[str], tmp_path: Path,
    start: int, length: int, second: int,
) -> None:  # fmt: skip
    since = SAMPLED - timedelta(minutes=MINUTES - start, seconds=second)
    since = max(since, SAMPLED - timedelta(minutes=MINUTES))
    until = min(since + timedelta(minutes=length), SAMPLED)
    _checked(made(logs, tmp_path / "out", since, until).data, since, until, files, events)


@pytest.mark.parametrize("hours", [1, 24, 36])
def test_periods_that_people_ask_for(
    hours: int, logs: Path, files: list[tuple[datetime, int]], events: Counter[str], tmp_path: Path
) -> None:
    since = SAMPLED - timedelta(hours=hours)
    _checked(made(logs, tmp_path / "out", since, SAMPLED).data, since, SAMPLED, files, events)
