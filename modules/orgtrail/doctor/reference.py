"""The page `docs/doctor.md`, with a table of all checks."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from orgtrail.doctor.checks import CHECKS

_TEXT = """\
# Doctor

`orgtrail doctor FILE` looks at the live accounts and tells whether the audit trail that runs is the one
that the file describes, and whether it works. It changes nothing: it reads, and starts one query of one
partition.

```sh
.venv/bin/orgtrail doctor envs/healthcare.tfvars
```

For each fault it names the cause and the next step; where a policy differs, the lines that do:

```text
fault bucket-policy (logging example-healthcare-audit-archive)
  the policy is not the file's; the service principal is cloudtrail.amazon.com; CloudTrail's is cloudtrail.amazonaws.com, and any other is refused.
  next: deploy again: the plan shows the change
    --- the file
    +++ what runs
    @@ -15,7 +15,7 @@
           "Effect": "Allow",
           "Principal": {
             "Service": [
    -          "cloudtrail.amazonaws.com"
    +          "cloudtrail.amazon.com"
             ]
           },

healthcare: 1 of 77 checks found a fault, 0 could not be made, 76 are fine.
```

Exit code 0: all is as the file says. 1: something is not. 2: something could not be checked, and is reported
with its reason: a call that is denied or throttled, an account that cannot be reached. That is never fine.
`--format json` writes `{"name", "verdict": "fine"|"fault"|"unchecked", "checks": [{"check", "title",
"account", "subject", "region", "state", "faults": [{"cause", "step", "diff"}], "reason"}], "referred"}`.

## Credentials

It assumes the `role_arn` of each account that is deployed to, with its `external_id`, or takes its `profile`; without
both, the credentials at hand. The usual AWS settings hold, `AWS_ENDPOINT_URL` too. A role that only deploys
may not read log files, so the query of one partition is denied to it; give the doctor a role of its own, of one name
in every account, with what it reads and nothing more:

```sh
.venv/bin/orgtrail permissions envs/healthcare.tfvars management --for doctor
.venv/bin/orgtrail permissions envs/healthcare.tfvars logging --for doctor
.venv/bin/orgtrail doctor envs/healthcare.tfvars --role orgtrail-doctor
```

What `adopt` only refers to is somebody else's: it is looked at as far as the trail depends on it, and not
compared.

`--role` takes an ARN, too, and `--profile` a profile in place of the file's.

## What is behind the usual errors

| what is seen | what it is | check |
|---|---|---|
| no log file comes, `AccessDenied` in the trail's status | a wrong service principal in the bucket policy, `aws:SourceArn` of another trail, or a key policy without CloudTrail | `log-delivery`, `bucket-policy`, `key-policy` |
| the management account's files come, the members' do not | the bucket policy lacks the organization's prefix `AWSLogs/o-.../` | `bucket-policy` |
| one member's files stopped, or one region's; all others come | the account left or lost its service-linked role, the region was disabled: each account and region has a digest every hour, also an idle one | `digest-freshness` |
| `AccessDenied` in the trail's status, with both policies as they should be | a condition that no service fulfils (`aws:PrincipalOrgID`), a resource control policy or service control policy above the logging account, the key's state, a bucket of another account | `log-delivery`, `bucket` |
| files are below `AWSLogs/` and an account's id | the trail is one account's, no organization trail | `archive-prefix`, `trail-organization` |
| `TrailNotFoundException` | the wrong account, or not the trail's home region | `credentials`, `trail` |
| `TrailNotFoundException` in a member | it asks by name: a member has to ask by the ARN, which has the management account's id | `member-view` |
| a reader lists files and cannot open one | it may read and not decrypt: its role or the key policy lacks `kms:Decrypt` | `role-policy`, `key-policy` |
| Athena answers no rows, and no error | the table does not project the account, the region or the day | `table`, `table-accounts`, `table-coverage` |
| alarms do not ring | nobody has confirmed a subscription, or the topic's key refuses CloudWatch | `alarm-subscriptions`, `key-policy` |
| the SIEM receives nothing | its notices are in the dead-letter queue | `feed-dead-letters` |

## Every check

| check | what should be so | waits for |
|---|---|---|
"""  # noqa: E501


def render() -> str:
    """Return the page."""
    return _TEXT + "".join(_rows())


def _rows() -> Iterator[str]:
    for each in CHECKS.values():
        waits = f"`{each.after}`" if each.after else ""
        yield f"| `{each.name}` | {each.title} | {waits} |\n"


if __name__ == "__main__":
    sys.stdout.write(render())
