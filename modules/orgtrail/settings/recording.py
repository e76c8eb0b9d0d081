"""Settings of what the trail records, by intent: the selectors follow from them."""

from __future__ import annotations

from typing import Annotated, Literal

from orgtrail.regions import ARN
from orgtrail.settings.trail import ManagementSource
from orgtrail.settings.types import Many, Section, matches, setting

# A bucket's name is ASCII; the keys in it, after the first slash, need not be.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
ResourceArn = Annotated[
    str,
    matches(
        ARN + r"(s3:::[!-#&-.0-z|~]+(/[^${}%\s]*)?|[a-z0-9-]+:[!-#&-z|~]+)",
        "must be an ARN, or the beginning of one and * at its end",
    ),
]
EventSource = Annotated[
    str, matches(r"[a-z0-9-]+\.amazonaws\.com", "must be a service such as s3.amazonaws.com")
]
EndpointId = Annotated[str, matches(r"vpce-[0-9a-f]{8,17}", "must be vpce- and a hexadecimal id")]


class DataEvents(Section):
    """Data events: what is done with the content of buckets, tables and functions."""

    service: Literal["s3", "dynamodb", "lambda"] = setting("The service.")
    arns: Many[ResourceArn] = setting(
        "Buckets, tables or functions by ARN, in whichever account; `*` at the end makes it "
        "a beginning. Empty means every one of every account.",
        (),
    )
    access: Literal["all", "read", "write"] = setting("Which calls.", "all")


class NetworkEvents(Section):
    """Network-activity events: calls through VPC endpoints."""

    source: EventSource = setting("The service that is called.")
    denied_only: bool = setting("Only calls that an endpoint's policy refused.", True)
    endpoints: Many[EndpointId] = setting("VPC endpoints; empty means all of them.", ())


class Recording(Section):
    """What the trail records, by intent; null leaves it to the selectors of `trail`.

    Writes to the archive's own buckets are never recorded, whatever is asked for here: each
    delivery would be an event that is delivered.
    """

    management: Literal["all", "write", "read", "none"] = setting(
        "Management events; anything but `all` fails CloudTrail.1 (CIS 3.1).", "all"
    )
    leave_out: Many[ManagementSource] = setting(
        "Noisy services whose management events are left out; CloudTrail.1 then fails.", ()
    )
    data: Many[DataEvents] = setting("Data events.", ())
    network: Many[NetworkEvents] = setting("Network-activity events.", ())
    archive_access: bool = setting(
        "Record who reads log files and query results, and every try to delete one.", False
    )
