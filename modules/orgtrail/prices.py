"""Prices of AWS in one dated file, which a user can replace with the prices of another region."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orgtrail.errors import OrgtrailError, reason

_MIN_BILLED_BYTES = 10_000_000
"""The bytes that Athena bills at least for a query. https://aws.amazon.com/athena/pricing/"""


class Prices(BaseModel):
    """Prices in one currency; `as_of` says of when."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    as_of: str = Field(pattern=r"\d{4}-\d{2}(-\d{2})?")
    region: str
    currency: str
    sources: list[str]
    s3_standard_gb_month: float = Field(ge=0)
    s3_glacier_gb_month: float = Field(ge=0)
    s3_deep_archive_gb_month: float = Field(ge=0)
    s3_put_per_1000: float = Field(ge=0)
    s3_to_glacier_per_1000: float = Field(ge=0)
    s3_to_deep_archive_per_1000: float = Field(ge=0)
    cloudtrail_data_events_per_100000: float = Field(ge=0)
    cloudtrail_insights_per_100000: float = Field(ge=0)
    cloudwatch_logs_ingested_gb: float = Field(ge=0)
    cloudwatch_logs_stored_gb_month: float = Field(ge=0)
    cloudwatch_alarm_metric_month: float = Field(ge=0)
    kms_key_month: float = Field(ge=0)
    athena_scanned_tb: float = Field(ge=0)

    def scan(self, size: float) -> float:
        """Return the price of an Athena query that scans the given bytes."""
        return max(size, _MIN_BILLED_BYTES) / 1e12 * self.athena_scanned_tb


@cache
def list_prices() -> Prices:
    """Return the prices that come with orgtrail, in US dollars."""
    return load_prices()


def load_prices(path: Path | None = None) -> Prices:
    """Read prices.

    Args:
        path: a file of prices; None for those that come with orgtrail.

    Raises:
        OrgtrailError: it cannot be read, or a price is missing, unknown or not a number.

    """
    source = path or files("orgtrail") / "prices.json"
    try:
        return Prices.model_validate_json(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise OrgtrailError(f"{path}: cannot be read: {reason(error)}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise OrgtrailError(
            f"{path}: {place}: {first['msg']}; print a file to start from with: "
            "orgtrail cost --show-prices"
        ) from None
