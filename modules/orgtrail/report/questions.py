"""The questions that a report puts to the logs, in the order of its page."""

from __future__ import annotations

from dataclasses import dataclass, field

from orgtrail.settings.environment import Environment

COVERAGE = "coverage"
PATIENTS = "dynamodb-access"


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the query pack, as the report asks it.

    Args:
        query: its name in the pack.
        title: what an auditor calls it.
        given: parameters that are set.

    """

    query: str
    title: str
    given: dict[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> str:
        """The parameters as options of `orgtrail query run`."""
        return "".join(f" --param {name}='{value}'" for name, value in self.given.items())


def questions(env: Environment) -> list[Question]:
    """Return what is asked of an environment's logs."""
    asked = [
        Question("logging-account-access", "Who entered the logging account"),
        Question("log-readers", "Who read the archive"),
        Question("athena-queries", "Who ran Athena queries"),
        Question("trail-history", "When the trail was made, and what became of it"),
        Question("trail-tampering", "Attempts to stop or change the trail"),
        Question("trail-narrowed", "Changes that let the trail see less"),
        Question("log-bucket-tampering", "Attempts to change the archive bucket"),
        Question("log-object-tampering", "Attempts to change or delete log files"),
        Question("kms-key-disabled", "Attempts to disable or delete keys"),
        Question("organization-policies", "Changes of the organization's policies"),
        Question("athena-guardrails", "Changes of the audit catalog"),
    ]
    if tables := patient_tables(env):
        given = {"tables": ",".join(tables)}
        asked.append(Question(PATIENTS, f"Calls on {', '.join(tables)}, by person", given))
    return [*asked, Question(COVERAGE, "Events by account and day")]


def recorded_data(env: Environment) -> str:
    """Name the services whose data events the file asks for; empty where there are none."""
    data = [each.service for each in env.recording.data] if env.recording else []
    return f"data events of {', '.join(dict.fromkeys(data))}" if data else ""


def patient_tables(env: Environment) -> list[str]:
    """Return the DynamoDB tables whose data events the file asks for by name."""
    found: dict[str, None] = {}
    for events in env.recording.data if env.recording else ():
        if events.service == "dynamodb":
            for arn in events.arns or ():
                found[arn.rpartition("table/")[2].partition("/")[0]] = None
    return list(found)
