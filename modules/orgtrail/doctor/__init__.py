"""What `orgtrail doctor` knows: how an audit trail that runs is compared with its file."""

from __future__ import annotations

from collections.abc import Callable

from orgtrail.doctor.asking import Aws
from orgtrail.doctor.outcome import Outcome
from orgtrail.settings.environment import Environment


def examined(
    env: Environment,
    progress: Callable[[Outcome], None] = lambda _: None,
    aws: Aws | None = None,
) -> list[Outcome]:
    """Compare what runs with what an environment says; nothing is changed.

    Args:
        env: the settings.
        progress: is told each outcome as it comes.
        aws: how AWS is asked; by default by boto3, with the profiles and roles of the file.

    Returns:
        the outcome of every check, in the order of the checks.

    """
    import orgtrail.doctor.checks  # noqa: F401 - registers them
    from orgtrail.doctor.register import Live, examine, ordered

    outcomes = []
    for each in examine(Live(env, aws or Aws(env))):
        progress(each)
        outcomes.append(each)
    return ordered(outcomes)
