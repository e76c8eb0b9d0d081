"""The page of `orgtrail check`, `docs/check.md`, made from the rules, actions and controls."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from orgtrail.check import actions, referred
from orgtrail.check.controls import controls
from orgtrail.check.from_terraform import model_of
from orgtrail.check.rules import RULES
from orgtrail.trail.resource import Stack

_INTRODUCTION = """\
# orgtrail check

```sh
.venv/bin/orgtrail check envs/healthcare.tfvars envs/fintech.tfvars
```

Can anyone switch the audit trail off, change it, or read what they should not? The check answers
from the file alone, before any plan, in about a second, without AWS, Terraform or CDKTF. It takes

- an environment file,
- a stack's `cdk.tf.json`, ours or any other Terraform JSON with a trail in it,
- a plan: `terraform show -json plan.out > plan.json` (any name that ends in `.json`), of a new stack or
  of one that stands, of resources of its own or in modules. What a plan does not say is `unproven`.

What a file only refers to (`adopt`, with `manage = false`) is somebody else's: the check has not seen its
policies, and calls it `unproven`.

A policy that is attached to an organizational unit binds the accounts below it. Which those are, an
account says by `ou`, the ids from the root down to its unit; of one that says nothing, whatever hangs on
such a policy is `unproven`:

```hcl
accounts = {
  logging    = { ou = "r-bank/ou-bank-11111111" }
  production = { ou = "r-bank/ou-bank-22222222/ou-bank-33333333" }
}
guardrails = {
  targets = ["ou-bank-11111111", "ou-bank-22222222"]
}
```

`aws organizations list-parents --child-id ID` tells the unit above an account or a unit. Of several members
the matrix asks about the one that fewest policies bind. Accounts that no file names are not asked about.

A stack or plan does not say who is meant to be exempt. There the exemptions that its policies name
are taken as the intent; read them in the matrix.

## What it answers

**Findings.** What is wrong, how bad, and the setting (or the address in the stack) to change. `high`:
the evidence can be stopped, changed, lost or read. `medium`: the deploy will fail, or a guard does
not guard. `low`: it works, and costs or tells less than it could. `unproven`: it could not be
decided, and the reason is said; nothing is guessed.

**Who may.** Over 1,500 accesses: everybody whom an auditor would ask about, and every act that would
stop, change or open the trail. Each is decided as AWS would, from the very documents that will be
deployed: identity policies, bucket, key and trust policies, service and resource control policies.
Administrators are taken at their worst: their own account allows them everything. With
`--format json` each has the intended verdict, the one that comes out, and the statement that
decided.

**Note.** No service control policy binds the management account. Whoever administers it can
stop the trail; the report says so, and what would tell of it.

**Controls** of CIS and Security Hub, each with its verdict and the resource that decides. `off` is an
option of the environment file that is not enabled; `unproven` is decided by what is only referred to.

## Exit codes and options

| code | meaning |
|---|---|
| 0 | no finding |
| 1 | a finding |
| 2 | a file could not be read, or something is `unproven` |

`--format json` writes JSON alone on stdout. How to run it before every commit and in CI: [ci.md](ci.md).

**Known findings.** What is accepted stays in the report, and out of the exit code. `--baseline FILE.toml`
names it, by rule, place and reason:

```toml
[[accept]]
rule = "no-lock"
setting = "archive.object_lock" # what the finding names: a setting, or an address in a stack
reason = "A lock comes with the new retention schedule, ticket 4711."
environment = "bank" # this one alone; left out, any
```

An entry without a reason is an error. One that no finding of the checked files is at is reported on stderr, to
be removed; it changes no exit code. In JSON each finding has `accepted` and its `reason`.
`--accept RULE@SETTING` accepts at one place without a file, and `--accept RULE`, say `--accept no-lock`,
at every place and for ever: it is for trying things out.

## How far to trust it

The evaluator is held against an independent one, `@cloud-copilot/iam-simulate`, on thousands of
generated policies and requests, and on every access of the examples' matrices. It knows no session
policies, VPC endpoint policies or KMS grants, and takes S3's public access block for a rule of its
own. A deny that hangs on what nobody knows before (an address, a tag, the time) is `unproven`.

"""  # noqa: E501


def render() -> str:
    """Return the page as Markdown."""
    return _INTRODUCTION + "\n".join((*_rules(), *_actions(), *_controls()))


def _rules() -> Iterator[str]:
    yield "## Rules\n"
    yield "| rule | severity | what holds where it is kept |\n|---|---|---|"
    for each in RULES:
        yield f"| `{each.name}` | {each.severity} | {each.meaning} |"
    yield (
        "| `access` | high | Every access of the matrix matches the intent. |\n"
        "| a control's id | medium | The control is met. |\n"
        f"| `{referred.RULE}` | unproven | Nothing is only referred to. |\n"
    )


def _actions() -> Iterator[str]:
    yield "## Acts\n"
    tables = (
        ("cloudtrail", actions.TRAIL_ACTIONS),
        ("s3", {**actions.FORGING_ACTIONS, **actions.DELETING_ACTIONS, **actions.HOLDING_ACTIONS,
                **actions.BUCKET_ACTIONS}),
        ("kms", {**actions.KEY_ACTIONS, **actions.ALIAS_ACTIONS}),
        ("glue", {**actions.CATALOG_ACTIONS, **actions.DATABASE_ACTIONS,
                  **actions.SHARING_ACTIONS}),
        ("lakeformation", actions.LAKE_ACTIONS),
        ("athena", actions.WORKGROUP_ACTIONS),
        ("sns", actions.TOPIC_ACTIONS),
        ("codebuild", actions.PROJECT_ACTIONS),
        ("scheduler", actions.SCHEDULE_ACTIONS),
        ("iam", {**actions.SIGN_IN_ACTIONS, **actions.BOUNDARY_ACTIONS}),
        ("logs", actions.LOG_GROUP_ACTIONS),
        ("organizations", actions.ORGANIZATION_ACTIONS),
        *((service, {f"{title} ({name})": action for title, action in table.items()})
          for service, (name, table) in actions.DETECTION_ACTIONS.items()),
        ("", actions.MEMBER_ACTIONS),
    )  # fmt: skip
    yield "| act | action |\n|---|---|"
    for service, table in tables:
        for title, action in table.items():
            yield f"| {title} | `{service}{':' * bool(service)}{action}` |"
    yield (
        "\nFurther: write where it does not belong (another organization's prefix, none), read, "
        "decrypt with and without\nCloudTrail's context, encrypt, grant the use of the key, stop "
        "its rotation, end the organization's trust in\nCloudTrail, list files, take messages from "
        "the feed's queues, and whatever makes somebody as good as the\ndeploy role or a role that "
        "reads (its trust, its policies, its boundary, creating it again, passing it to\n"
        "a service).\n"
    )


def _controls() -> Iterator[str]:
    yield "## Controls\n"
    yield "| control | asks for | setting |\n|---|---|---|"
    for each in controls(model_of(Stack("", (), ()))):
        yield f"| {', '.join(each.ids)} | {each.title} | `{each.setting}` |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(render())
