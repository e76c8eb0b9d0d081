"""Generates the page of all questions, `docs/queries.md`, from the pack."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from orgtrail.logs.bounds import EARLIER, LATER
from orgtrail.query.questions import Parameter, Question, pack

_INTRODUCTION = f"""\
# Questions

The same questions run on Athena, over terabytes, and on this machine, over a folder of log files.

```sh
.venv/bin/orgtrail query list
.venv/bin/orgtrail query show trail-tampering
.venv/bin/orgtrail query show trail-tampering --dialect duckdb
```

**On this machine.** `--logs` takes a copy of the archive bucket or of a part of it, or any other file or
folder of CloudTrail's records ([which](investigating.md#logs-that-somebody-gives-you)). No server, no import.
Without logs of your own, make some up:

```sh
.venv/bin/orgtrail sample cdktf.out/questions --env envs/healthcare.tfvars --days 2
.venv/bin/orgtrail query run trail-tampering --logs cdktf.out/questions --env envs/healthcare.tfvars
.venv/bin/orgtrail query run dynamodb-access --logs cdktf.out/questions --param tables=patients --last 7d
.venv/bin/orgtrail query run role-assumptions --logs cdktf.out/questions --account 333333333333 --format json
```

In the archive's key layout the bounds decide which folders are entered at all: a question about one account
and one day opens that account's days and nothing else. A file that cannot be read, or not wholly (cut off,
empty, no JSON), is named on stderr with the reason, the rows of all others are given, and the exit code is 2.
Memory stays bounded, however large a file is.

**All at once.** `orgtrail query triage` asks every question that finds something, reads the logs once, and gives
the worst first: [from an alarm to a timeline](investigating.md). Rules of Sigma join in with `--sigma`
([sigma](sigma.md)).

**On Athena.** With `--env` alone the question goes to the workgroup of that environment, with the
credentials that boto3 finds: `orgtrail query run root-use --env FILE --last 7d`. First it tells how many
partitions and about how many bytes that touches and what it costs ($5 a terabyte, 10 MB at least; a question
that reads the table several times pays as often), and refuses above `--max-bytes` (by default
`catalog.bytes_scanned_limit`). While it runs, a terminal shows
what was scanned; Ctrl-C stops the query in Athena too.

The stack also saves each question in the workgroup (`catalog.queries`): as a named query, which looks
back from whenever it is run, and as a prepared statement, whose description gives the order of its
parameters. `account` and `region` there are `'all'` or one of them:

```sql
EXECUTE denied_calls USING '2026/11/24', '2026/11/27', '2026-11-25T00:00:00',
  '2026-11-26T00:00:00', 'all', 'all', 'all', 'all', 10
```

**Time, accounts, regions.** `--from` and `--to` are ISO 8601 (UTC where they name no offset), `--last` is
`90m`, `24h` or `7d`; otherwise each question looks back as far as the table below says. A log file may
be under another day than its events: folders are taken from {EARLIER.days} day before to {LATER.days}
days after, the events themselves exactly. What comes later still shows in `pipeline-health` as late.
`--account` and `--region` mean folders; the columns `account_id` and `aws_region` are what the record says.

**Counted once.** Records are delivered twice now and then. Each question takes an event once, and one
that both accounts of a call tell of (`sharedEventID`) once as well where it counts calls.

**Who, on what, with what outcome.** `principal` is the ARN; a caller without one is the name that its provider
gives (WebIdentity and SAML users), the user id of Identity Center, or account and principal id of another
account. A refused call is always a row, `attempt` in the column `outcome`, whatever its record leaves out.
`omitted` marks a record too large to say what was asked for. Rows of events end with `event_id`; `--raw` gives
the records behind any rows, as CloudTrail wrote them.

**Summaries are no calls.** Where the trail aggregates data events, CloudTrail also writes summaries of five minutes
(`eventCategory: Aggregated`). They and events of Insights are counted apart and never read as calls;
`orgtrail doctor` says if a trail writes them.

**Your own.** `--sql FILE` takes one SELECT in Athena's dialect over `organization_trail`, on both.
Bounds that you give are laid on each reading of the table.

**What the table cannot see.** Athena returns no rows, and no error, for an account or a region that the
table does not project. `pipeline-health` compares the bucket with the table and gives a row with the status
`not in table` for each; it also tells `absent`, `silent` and `unexpected` accounts, duplicates and late events.

**Formats.** `--format text|json|csv|parquet`, with `--out FILE` to a file, which appears whole or not at
all. Rows come as they are found; memory stays bounded, except for tables on a terminal. A terminal too narrow for
the columns has rows one below the other. `--zone Europe/Berlin` shows times as that zone's clocks do.

"""


def render() -> str:
    """Return the page."""
    return _INTRODUCTION + "\n".join(_tables()) + "\n"


def _tables() -> Iterator[str]:
    yield "## The pack"
    yield ""
    yield "| question | what it tells | looks back | severity | MITRE | CIS |"
    yield "|---|---|---|---|---|---|"
    found = pack().values()
    for each in found:
        mitre, cis = ", ".join(each.mitre), ", ".join(each.cis)
        yield (
            f"| `{each.name}` | {each.answers} {each.hit} | {_span(each)} | {each.severity} "
            f"| {mitre} | {cis} |"
        )
    yield ""
    yield "## Parameters"
    yield ""
    yield "Set with `--param name=value`. What is `<so>` comes from the environment file."
    yield ""
    yield "| question | parameter | type | default | meaning |"
    yield "|---|---|---|---|---|"
    for each in found:
        for one in each.parameters:
            yield (
                f"| `{each.name}` | `{one.name}` | {one.kind} | {_default(one)} | {one.meaning} |"
            )


def _span(question: Question) -> str:
    days, hours = divmod(question.hours, 24)
    return f"{question.hours} h" if hours or days == 1 else f"{days} days"


def _default(parameter: Parameter) -> str:
    if parameter.fact:
        return f"`<{parameter.fact}>`"
    if parameter.required:
        return "required"
    return f"`{parameter.default}`" if parameter.default else "none"


if __name__ == "__main__":
    sys.stdout.write(render())
