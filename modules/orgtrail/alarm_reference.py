"""The page of all alarms, `docs/alarms.md`, made from the catalogue itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from orgtrail.alarms import ALARMS, Alarm

_INTRODUCTION = """\
# Alarms

`alarms = { ... }` in an environment file makes these in the management account, over the events of
all accounts: one metric filter and one alarm by account, whose notice names the account it is about,
and one of each over all accounts, which is what Security Hub and other scanners look for. Where both
are on, both ring; `totals` or `by_account` turns one kind off. [settings.md](settings.md) has every
setting: `names` (all, a list or none), thresholds and periods (`tuning`), `patterns`, `subscribers`.

```hcl
alarms = {
  subscribers = {
    email = ["security@example.com"] # confirms once, by a link
    https = ["https://events.example.com/hook"]
    slack = { audit = { team_id = "T07EA123LEP", channel_id = "C07EZ1ABC23" } }
  }
  tuning = { unauthorized-calls = { threshold = 20, period_minutes = 10 } }
}
```

**Which account?** The notice of an alarm `... by account` has it as `AlarmContributorAttributes`,
`Account`. CloudWatch evaluates a Metrics Insights query account by account, new accounts too. The
plain alarms cannot tell.

**What they need.** Delivery to CloudWatch Logs, which takes some minutes. The topic is encrypted with
a key of its own: the service's key would keep alarms from publishing. A Slack workspace or a Teams
team is authorized once, in the console of Amazon Q Developer in chat applications; a channel may then
look at alarms and do nothing else.

**Whose words?** `patterns = "security-hub"` is the exact text that Security Hub accepts for
CloudWatch.1 to .14: it fails any other, an added term too. `patterns = "cis"` is that of CIS v3 and
v5 where they differ. Its `console-login-without-mfa` does not ask who signs in: it rings at every
sign-in through IAM Identity Center or another federation, since the event then says `MFAUsed: No`,
whatever the identity provider asked for. Choose `cis` where nobody signs in that way, or leave that
alarm out of `names`. Security Hub finds the alarms in the account and region
that own the trail, and reports no data elsewhere.

**What it costs.** $0.10 a month for each alarm and for each account that an alarm by account sees, and
$0.30 for each metric of the first 10,000 that has data; list prices of us-east-1, so look them up.

`<archive>`, `<trail>` and the like stand for the names of your environment.

"""  # noqa: E501


def render() -> str:
    """Return the page as Markdown."""
    index = ["| alarm | controls | what it tells |", "|---|---|---|"]
    index += [
        f"| [`{each.name}`](#{each.name}) | {', '.join(each.controls)} | {each.title} |"
        for each in ALARMS
    ]
    sections = ("\n".join(_section(each)) for each in ALARMS)
    return _INTRODUCTION + "\n".join((*index, "", *sections))


def _section(alarm: Alarm) -> Iterator[str]:
    yield f"## {alarm.name}\n"
    rings = (
        f"Rings at {alarm.threshold} in 5 minutes."
        if alarm.pattern
        else "Rings where the log group takes nothing in for `alarms.silence_minutes`."
    )
    yield f"{alarm.title} ({', '.join(alarm.controls)}). {rings}\n"
    if alarm.pattern:
        yield f"```text\n{alarm.pattern}\n```\n"
    if alarm.cis:
        yield f'With `patterns = "cis"`:\n\n```text\n{alarm.cis}\n```\n'
    yield f"**When it rings.** {alarm.response}\n"


if __name__ == "__main__":
    sys.stdout.write(render())
