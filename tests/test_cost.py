"""What an audit trail stores and costs: sums that can be done by hand, and what people type."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from orgtrail.cost.estimate import BYTES_PER_EVENT, MONTH, Volume, estimate_cost, estimate_volume
from orgtrail.prices import load_prices

from tests.conftest import at_most, environment, orgtrail

PRICES = load_prices()
ENV = environment()
FILE = "envs/healthcare.tfvars"


def _volume(large: float = 0.0, data: float = 0.0) -> Volume:
    return Volume(1_000_000, data, 1e9, 10_000, 0, measured=True, large_share=large)


def test_a_month_is_the_sum_of_its_days() -> None:
    month = estimate_cost(ENV, _volume(), PRICES).months[0]
    assert month.stored.total == pytest.approx(MONTH)  # a GB each day
    assert month.parts["S3 Standard"] == pytest.approx(MONTH * 0.023)
    assert month.parts["S3 requests"] == pytest.approx(10_000 * MONTH / 1000 * 0.005)
    assert month.parts["KMS keys"] == 1.0


def test_it_grows_until_files_expire_and_then_no_more() -> None:
    env = environment(archive={"expire_after_days": 365, "noncurrent_expire_after_days": 30})
    found = estimate_cost(env, _volume(), PRICES)
    assert found.kept_days == 395
    assert len(found.months) == 13
    assert found.months[-1].stored.total == pytest.approx(13 * MONTH)


def test_files_kept_for_ever_are_shown_for_seven_years() -> None:
    found = estimate_cost(environment(archive={"expire_after_days": None}), _volume(), PRICES)
    assert (found.kept_days, len(found.months)) == (None, 84)


def test_large_files_move_and_small_ones_stay() -> None:
    moving = {"glacier_after_days": 90, "deep_archive_after_days": 200}
    env = environment(archive=moving)
    small = estimate_cost(env, _volume(0.0), PRICES).months[-1].stored
    assert (small.glacier, small.deep_archive) == (0, 0)
    some = estimate_cost(env, _volume(0.5), PRICES).months[-1].stored
    assert some.glacier > 0
    assert some.deep_archive > some.glacier
    # What moves takes 40 KB of S3's own with it.
    assert some.total > small.total
    before = estimate_cost(environment(), _volume(0.5), PRICES).months[-1].stored
    assert before.total == pytest.approx(small.total)


@settings(max_examples=at_most(20), deadline=None)
@given(growth=st.floats(0, 1), after=st.integers(30, 400))
def test_each_large_file_moves_once_under_any_growth(growth: float, after: int) -> None:
    """What has moved until a month is what lies in Glacier at its end."""
    moving = environment(archive={"glacier_after_days": after, "expire_after_days": None})
    found = estimate_cost(moving, _volume(0.5), PRICES, growth)
    kept = environment(archive={"expire_after_days": None})
    without = estimate_cost(kept, _volume(0.5), PRICES, growth)
    paid = 0.0
    for each, stays in zip(found.months, without.months, strict=True):
        paid += each.parts["S3 requests"] - stays.parts["S3 requests"]
        moved = paid / PRICES.s3_to_glacier_per_1000 * 1000
        size = _volume(0.5).mean_large_file + 32 * 1024
        assert moved * size / 1e9 == pytest.approx(each.stored.glacier)


def test_a_question_over_a_month_reads_the_days_around_it_too() -> None:
    answer = estimate_cost(ENV, _volume(), PRICES).as_json()
    assert answer["athena_one_month"] == round((MONTH + 3) * 1e9 / 1e12 * 5, 2)


def test_data_events_insights_streams_and_alarms_are_paid() -> None:
    env = environment(
        trail={"insights": ["ApiErrorRateInsight", "ApiCallRateInsight"]},
        alarms={"by_account": False, "names": ["root-user", "delivery-silence"],
                "subscribers": {"email": ["a@example.com"]}},
    )  # fmt: skip
    parts = estimate_cost(env, _volume(data=200_000), PRICES).months[0].parts
    assert parts["CloudTrail data events"] == pytest.approx(2 * 0.10 * MONTH)
    assert parts["CloudTrail Insights"] == pytest.approx(8 * 1.1 * 0.35 * MONTH)
    assert parts["CloudWatch Logs"] == pytest.approx((1.454 * 0.5 + MONTH / MONTH * 0.03) * MONTH)
    assert parts["CloudWatch alarms"] == pytest.approx(0.2)
    assert parts["KMS keys"] == 2.0
    quiet = environment(delivery={"enabled": False})
    assert "CloudWatch Logs" not in estimate_cost(quiet, _volume(), PRICES).months[0].parts


@given(events=st.integers(1, 10**9), growth=st.floats(0, 2))
def test_more_events_never_cost_less(events: int, growth: float) -> None:
    less = estimate_cost(ENV, estimate_volume(ENV, events), PRICES, growth)
    more = estimate_cost(ENV, estimate_volume(ENV, events * 2), PRICES, growth)
    assert all(a.total <= b.total for a, b in zip(less.months, more.months, strict=True))
    assert 0 <= less.volume.large_share <= 1
    assert less.volume.bytes == events * BYTES_PER_EVENT


def test_the_command(tmp_path: Path) -> None:
    told = json.loads(
        orgtrail("cost", FILE, "--events-per-day", "200000", "--format", "json").stdout
    )
    assert told["name"] == "healthcare"
    assert told["prices"]["as_of"] == PRICES.as_of
    assert len(told["months"]) == 87
    text = orgtrail("cost", FILE, "--events-per-day", "200000").stdout
    assert "healthcare: 200,000 events a day, about 52.2 MB in 2,304 log files" in text
    own = tmp_path / "own.json"
    own.write_text(orgtrail("cost", "--show-prices").stdout.replace("0.023", "0.046"))
    dearer = json.loads(
        orgtrail(
            "cost", FILE, "--events-per-day", "200000", "--prices", str(own), "--format", "json"
        ).stdout
    )
    standard = "S3 Standard"
    assert dearer["months"][-1]["cost"][standard] == pytest.approx(
        2 * told["months"][-1]["cost"][standard], abs=0.01
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "cost: needs FILE and --events-per-day N"),
        ((FILE,), "cost: needs FILE and --events-per-day N"),
        (
            (FILE, "--events-per-day", "5", "--data-events-per-day", "6"),
            "--data-events-per-day must be a part of --events-per-day; got 6 of 5",
        ),
        ((FILE, "--events-per-day", "5", "--prices", "absent.json"), "absent.json: cannot be read"),
    ],
)
def test_mistakes(arguments: tuple[str, ...], said: str) -> None:
    result = orgtrail("cost", *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_price_that_is_none_is_named(tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    own.write_text(PRICES.model_dump_json().replace("0.023", '"cheap"'))
    said = orgtrail("cost", FILE, "--events-per-day", "5", "--prices", str(own)).stderr
    assert said == (
        f"{own}: s3_standard_gb_month: Input should be a valid number; print a file to start from "
        "with: orgtrail cost --show-prices\n"
    )
