"""Settings of the verification that runs by itself, each day."""

from __future__ import annotations

from typing import Annotated

from orgtrail.settings.trail import LogRetention
from orgtrail.settings.types import LogGroupName, RoleName, Section, matches, setting

ProjectName = Annotated[
    str, matches(r"[A-Za-z0-9][A-Za-z0-9_-]{1,63}", "must be 2 to 64 letters, digits, - or _")
]
Requirement = Annotated[
    str, matches(r"[\w\[\]@:/.,=<>~!+-]{1,300}", "must be one that pip installs, without spaces")
]
Image = Annotated[str, matches(r"[\w./:@-]{1,300}", "must be the name of an image")]


class Verification(Section):
    """A daily `orgtrail verify` in the logging account; its findings go to the alarms' topic.

    CodeBuild runs it, from an image of AWS; null makes none.
    """

    hour: int = setting("Hour of the day, UTC, at whose half it runs.", 4, ge=0, le=23)
    hours: int = setting(
        "Hours that each run verifies, back from its start. The last two are not due yet, so that "
        "26 and more leave no hour out.",
        28,
        ge=26,
        le=24 * 31,
    )
    package: Requirement = setting(
        "What pip installs: a release by its version, or your own copy by its address. It runs "
        "with a role that reads every log file, so no name is taken for granted."
    )
    image: Image = setting(
        "Image that it runs in, with Python 3.11 or newer and the AWS CLI.",
        "aws/codebuild/amazonlinux-x86_64-standard:5.0",
    )
    timeout_minutes: int = setting("Minutes until it is stopped.", 120, ge=5, le=2160)
    project: ProjectName = setting(
        "Name of the CodeBuild project and of its schedule.", "organization-trail-verification"
    )
    role_name: RoleName = setting(
        "Role that it reads the archive with.", "organization-trail-verification"
    )
    schedule_role_name: RoleName = setting(
        "Role that the schedule starts it with.", "organization-trail-verification-start"
    )
    log_group: LogGroupName = setting(
        "Log group of its reports.", "/orgtrail/organization-trail-verification"
    )
    log_days: LogRetention = setting("Days to keep them.", 400)
