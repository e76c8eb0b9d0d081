"""The questions that a report puts to the logs."""

from __future__ import annotations

from dataclasses import dataclass, field

from orgtrail.query.questions import find_question, query_placeholders
from orgtrail.query.render import to_run
from orgtrail.query.triage import select_questions
from orgtrail.report.model import ReportRequest
from orgtrail.settings.environment import Environment

COVERAGE = "coverage"
PATIENTS = "dynamodb-access"
KEYS = "kms-key-disabled"
TAMPERING = (
    "trail-tampering", "trail-narrowed", "log-bucket-tampering", "log-object-tampering", KEYS,
    "organization-policies", "athena-guardrails",
)  # fmt: skip
"""Questions that detect attempts to change the evidence, or what guards and searches it."""


@dataclass(frozen=True, slots=True)
class ReportQuestion:
    """A question of the question pack, as used in the report.

    Args:
        query: its name in the pack.
        title: its title in an auditor's words.
        given: the values of its parameters.
        is_shown_empty: whether the report shows it without an answer too.

    """

    query: str
    title: str
    given: dict[str, str] = field(default_factory=dict)
    is_shown_empty: bool = True

    @property
    def parameters(self) -> str:
        """The parameters as options of `orgtrail query run`."""
        return "".join(f" --param {name}='{value}'" for name, value in self.given.items())


def questions(env: Environment) -> list[ReportQuestion]:
    """Return the questions for an environment's logs: an auditor's, then all that detect something.

    Those that need a fact that the file does not have are left out, as in `orgtrail query triage`.
    """
    found = [
        ReportQuestion("logging-account-access", "Who entered the logging account"),
        ReportQuestion("log-readers", "Who read the archive"),
        ReportQuestion("athena-queries", "Who ran Athena queries"),
        ReportQuestion("trail-history", "When the trail was made, and what became of it"),
        ReportQuestion("trail-tampering", "Attempts to stop or change the trail"),
        ReportQuestion("trail-narrowed", "Changes that let the trail see less"),
        ReportQuestion("log-bucket-tampering", "Attempts to change the archive bucket"),
        ReportQuestion("log-object-tampering", "Attempts to change or delete log files"),
        ReportQuestion("kms-key-disabled", "Attempts to disable or delete keys"),
        ReportQuestion("organization-policies", "Changes of the organization's policies"),
        ReportQuestion("athena-guardrails", "Changes of the audit catalog"),
    ]
    if tables := patient_tables(env):
        given = {"tables": ",".join(tables)}
        found.append(ReportQuestion(PATIENTS, f"Calls on {', '.join(tables)}, by person", given))
    asked = {each.query for each in found}
    more = [
        ReportQuestion(each.name, each.title, is_shown_empty=False)
        for each in select_questions(query_placeholders(env)).questions
        if each.name not in asked
    ]
    return [*found, *more, ReportQuestion(COVERAGE, "Events by account and day")]


def sql(request: ReportRequest, question: ReportQuestion) -> str:
    """Return a question's query within the period."""
    facts = query_placeholders(request.env)
    return to_run(find_question(question.query), request.bounds, question.given, facts)


def recorded_data(env: Environment) -> str:
    """Describe the data events that the file enables; empty if there are none."""
    data = [each.service for each in env.recording.data] if env.recording else []
    return f"data events of {', '.join(dict.fromkeys(data))}" if data else ""


def patient_tables(env: Environment) -> list[str]:
    """Return the DynamoDB tables for which the file enables data events."""
    found: dict[str, None] = {}
    for events in env.recording.data if env.recording else ():
        if events.service == "dynamodb":
            for arn in events.arns or ():
                found[arn.rpartition("table/")[2].partition("/")[0]] = None
    return list(found)
