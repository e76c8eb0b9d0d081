"""What `orgtrail check --against` says of a change: who gets in, what breaks, what is mended."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from orgtrail.check.acceptance import read_acceptances
from orgtrail.check.change import Change, compare
from orgtrail.check.change_access import Access, AccessKind, Outcome
from orgtrail.check.run import check
from orgtrail.cli.check_change_markdown import as_markdown, escaped

from tests.conftest import MINIMAL, ROOT, Json, merged, orgtrail, tfvars
from tests.mistakes import ARCHIVE, KEY, resource, rewrite, stack

FOLDER = ROOT / "tests" / "golden"
HOSPITAL = FOLDER / "healthcare.tf.json"
EVERYTHING = FOLDER / "everything.tf.json"
STRANGER = "999999999998"
NOBODY = read_acceptances([], None, datetime.now(UTC).date())


def written(folder: Path, content: Json, name: str = "new") -> Path:
    path = folder / f"{name}.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def changed(folder: Path, change: Any, name: str = "healthcare") -> Change:
    """Compare a golden stack with itself after a change."""
    content = stack(name)
    change(content)
    old = written(folder, stack(name), "old")
    return compare(check(old), check(written(folder, content)))


def found(change: Change, outcome: Outcome, **wanted: Any) -> list[Access]:
    return [
        each
        for each in change.of(outcome)
        if all(getattr(each, name) == value for name, value in wanted.items())
    ]


def let_in(name: str, action: str, where: str) -> Any:
    """Return a change of the archive's policy that lets somebody in."""

    def widen(statements: Json) -> None:
        statements[name] = {
            "Sid": name,
            "Effect": "Allow",
            "Principal": {"AWS": where},
            "Action": action,
            "Resource": "arn:aws:s3:::example-healthcare-audit-archive/*",
        }

    return rewrite(*ARCHIVE, widen)


@pytest.mark.parametrize("path", [HOSPITAL, EVERYTHING, ROOT / "envs" / "fintech.tfvars"])
def test_the_same_file_twice_says_that_nothing_changed(path: Path) -> None:
    done = orgtrail("check", str(path), "--against", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(
        "nothing changed: every access, delivery, control and finding is as before, and no "
        "resource differs.\n"
    )
    assert compare(check(path), check(path)).is_nothing


def test_an_environment_file_and_its_stack_are_the_same() -> None:
    file = ROOT / "envs" / "healthcare.tfvars"
    assert compare(check(file), check(HOSPITAL)).is_nothing
    assert compare(check(HOSPITAL), check(file)).is_nothing


def test_the_order_of_resources_and_statements_does_not_matter(tmp_path: Path) -> None:
    def turn(content: Json) -> None:
        for kind, named in content["resource"].items():
            content["resource"][kind] = dict(reversed(named.items()))
        content["resource"] = dict(reversed(content["resource"].items()))
        rewrite(*ARCHIVE, lambda by_sid: by_sid.update(dict(reversed(list(by_sid.items())))))(
            content
        )

    assert changed(tmp_path, turn).is_nothing


def test_a_wider_bucket_policy_names_who_gets_in(tmp_path: Path) -> None:
    change = changed(tmp_path, let_in("Wide", "s3:GetObject", f"arn:aws:iam::{STRANGER}:root"))
    of_stranger = [each for each in change.of(Outcome.OPENED) if f":{STRANGER}:" in each.principal]
    assert of_stranger
    for each in of_stranger:
        assert each.kind is AccessKind.GRANT
        assert each.action == "s3:GetObject"
        assert each.after
        assert each.after.statement.endswith(": Wide")
        assert each.before
        assert each.before.is_denied
    # Nobody else gets in, and nobody is shut out.
    assert {each.principal for each in change.accesses} == {each.principal for each in of_stranger}
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    done = orgtrail("check", str(new), "--against", str(old))
    assert done.returncode == 1
    assert f"of account {STRANGER}" in done.stdout
    assert "Newly allowed\n" in done.stdout
    # The other way round it is mended.
    back = orgtrail("check", str(old), "--against", str(new))
    assert back.returncode == 0
    assert "No longer allowed\n" in back.stdout
    assert "Findings that are gone\n" in back.stdout


def test_a_policy_that_is_only_written_otherwise_is_no_change(tmp_path: Path) -> None:
    def split(statements: Json) -> None:
        whole = statements["ReadersDecryptLogs"]
        statements["Again"] = {**whole, "Sid": "Again"}

    assert changed(tmp_path, rewrite(*KEY, split)).is_nothing


def test_the_public_is_named(tmp_path: Path) -> None:
    change = changed(tmp_path, let_in("Open", "s3:GetObject", "*"))
    acts = {each.act for each in found(change, Outcome.OPENED, principal="public")}
    assert {"read a member's log file", "read a member's digest"} <= acts


def test_a_dropped_exemption_shuts_out_and_is_no_opening(tmp_path: Path) -> None:
    def drop(content: Json) -> None:
        scp = ("aws_organizations_policy.guardrails_scp", "content")

        def without(statements: Json) -> None:
            for each in statements.values():
                each.get("Condition", {}).pop("ArnNotLike", None)

        rewrite(*scp, without)(content)

    change = changed(tmp_path, drop)
    assert change.of(Outcome.CLOSED)
    assert not change.of(Outcome.OPENED)


def test_a_delivery_that_breaks_says_what_does_not_arrive(tmp_path: Path) -> None:
    def change_policy(content: Json) -> None:
        queue = resource(content, "aws_sqs_queue_policy.siem_queue_policy")
        owner = {"AWS": "arn:aws:iam::600000000002:root"}
        own = {"Effect": "Allow", "Principal": owner, "Action": "sqs:GetQueueUrl", "Resource": "*"}
        queue["policy"] = json.dumps({"Version": "2012-10-17", "Statement": [own]})

    change = changed(tmp_path, change_policy, "everything")
    (broken,) = [each for each in change.deliveries if each.is_broken]
    assert broken.delivery.who == "SNS"
    assert broken.delivery.lost.startswith("messages of topic everything-files do not arrive in")
    done = orgtrail("check", str(tmp_path / "new.json"), "--against", str(tmp_path / "old.json"))
    assert done.returncode == 1
    assert "Does not arrive any more\n  SNS: messages of topic everything-files" in done.stdout
    back = compare(check(tmp_path / "new.json"), check(tmp_path / "old.json"))
    assert [each.delivery.lost for each in back.deliveries] == [broken.delivery.lost]
    assert all(each.is_mended for each in back.deliveries)


def test_a_flow_that_is_gone_is_named(tmp_path: Path) -> None:
    def drop(content: Json) -> None:
        del content["resource"]["aws_s3_bucket_notification"]

    change = changed(tmp_path, drop, "everything")
    (gone,) = {each.delivery.lost for each in change.deliveries}
    assert gone.startswith("notices of new files in bucket example-everything-archive")
    assert all(each.after is None and each.is_broken for each in change.deliveries)


def test_a_role_that_asks_for_less_is_named_with_what_it_states(tmp_path: Path) -> None:
    def forget(content: Json) -> None:
        role = "aws_iam_role.auditor"

        def without(statements: Json) -> None:
            for each in statements.values():
                each.get("Condition", {}).get("StringEquals", {}).pop("sts:ExternalId", None)

        rewrite(role, "assume_role_policy", without)(content)

    change = changed(tmp_path, forget)
    (opened,) = found(change, Outcome.OPENED, kind=AccessKind.ASSUME)
    assert opened.act == "assume role organization-trail-auditor"
    assert opened.states == ()
    assert "999999999999" in opened.who


def test_new_resources_with_their_owners_are_no_opening(tmp_path: Path) -> None:
    less = stack()
    for named in less["resource"].values():
        for name in [one for one in named if one.startswith("catalog_results")]:
            del named[name]
    assert less != stack()
    old = check(written(tmp_path, less, "less"))
    change = compare(old, check(written(tmp_path, stack(), "more")))
    came = [each for each in change.of(Outcome.CAME) if "athena-results" in each.resource]
    assert came
    assert all(each.is_intended and each.before is None for each in came)
    assert not [each for each in change.of(Outcome.OPENED) if "athena-results" in each.resource]


def test_a_new_break_glass_role_is_an_opening_though_intended(tmp_path: Path) -> None:
    old, new = tmp_path / "old.tfvars", tmp_path / "bank.tfvars"
    old.write_text(tfvars(MINIMAL))
    role = "arn:aws:iam::222222222222:role/break-glass"
    new.write_text(tfvars(merged(MINIMAL, {"archive": {"break_glass_roles": [role]}})))
    opened = compare(check(old), check(new)).of(Outcome.OPENED)
    acts = {each.act for each in opened if each.principal == "break-glass"}
    assert "delete a log file" in acts
    assert all(each.before and each.before.is_denied for each in opened)


def test_what_becomes_unproven_is_not_fine(tmp_path: Path) -> None:
    def tagged(statements: Json) -> None:
        for each in statements.values():
            if each["Effect"] == "Deny":
                tag = {"aws:PrincipalTag/team": "audit"}
                each.setdefault("Condition", {}).setdefault("StringNotEquals", {}).update(tag)

    change = changed(tmp_path, rewrite(*ARCHIVE, tagged))
    unproven = change.of(Outcome.UNPROVEN)
    assert unproven
    assert all(each.after and each.after.is_undecided for each in unproven)
    assert any(each.before and each.before.is_denied for each in unproven)
    assert change.became_unproven
    done = orgtrail("check", str(tmp_path / "new.json"), "--against", str(tmp_path / "old.json"))
    assert done.returncode != 0
    assert "Became unproven\n" in done.stdout


def test_controls_and_findings_are_compared(tmp_path: Path) -> None:
    old, new = tmp_path / "old" / "bank.tfvars", tmp_path / "bank.tfvars"
    old.parent.mkdir()
    lock = {"archive": {"object_lock": {"mode": "GOVERNANCE", "days": 365}}}
    old.write_text(tfvars(merged(MINIMAL, lock)))
    new.write_text("\n\n" + tfvars(merged(MINIMAL, {"trail": {"log_file_validation": False}})))
    done = orgtrail("check", str(new), "--against", str(old), "--format", "json")
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert {each["rule"] for each in answer["new_findings"]} >= {"no-lock", "CloudTrail.4"}
    (control,) = [each for each in answer["controls"] if "CloudTrail.4" in each["ids"]]
    assert (control["before"], control["after"]) == ("pass", "fail")
    # An accepted finding is told, and does not count.
    rules = {each["rule"] for each in answer["new_findings"]}
    options = [word for rule in rules for word in ("--accept", rule)]
    done = orgtrail("check", str(new), "--against", str(old), "--format", "json", *options)
    accepted = json.loads(done.stdout)
    assert all(each["accepted"] for each in accepted["new_findings"])
    worse = [each for each in accepted["accesses"] if each["outcome"] == "newly allowed"]
    less = [each for each in accepted["kept"] if each["amount"] == "less"]
    assert {each["what"] for each in less} == {
        "aws_s3_bucket.archive: days that its lock holds",
        "aws_s3_bucket.archive: mode of its lock",
    }
    assert done.returncode == (1 if worse or less else 0)


def test_json_has_every_change_with_both_decisions(tmp_path: Path) -> None:
    change = changed(tmp_path, let_in("Wide", "s3:GetObject", "*"))
    done = orgtrail(
        "check", str(tmp_path / "new.json"), "--against", str(tmp_path / "old.json"),
        "--format", "json",
    )  # fmt: skip
    answer = json.loads(done.stdout)
    assert len(answer["accesses"]) == len(change.accesses)
    for each in answer["accesses"]:
        assert each["outcome"] == "newly allowed"
        assert each["before"]["decision"] == "implicit deny"
        assert each["after"]["statement"].endswith(": Wide")


def test_markdown_shows_names_as_they_are(tmp_path: Path) -> None:
    name = "W|ide <b>@team</b> #7 `x`"
    done_change = changed(tmp_path, let_in(name, "s3:GetObject", "*"))
    text = as_markdown(done_change, NOBODY)
    assert text.startswith("### orgtrail, healthcare: look before you merge\n\n")
    assert "53 accesses newly allowed" in text.split("\n\n")[1]
    assert "W\\|ide &lt;b&gt;@<!-- -->team&lt;/b&gt; #<!-- -->7 \\`x\\`" in text
    assert "<b>" not in text
    assert text.count("<details>") == text.count("</details>") > 0
    for line in text.splitlines():
        if line.startswith("| ") and "read a member" in line:
            assert line.replace("\\|", "").count("|") in (5, 6)
    done = orgtrail(
        "check", str(tmp_path / "new.json"), "--against", str(tmp_path / "old.json"),
        "--format", "markdown",
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, text)


def test_markdown_fits_into_a_comment(tmp_path: Path) -> None:
    change = changed(tmp_path, let_in("Wide", "s3:*", "*"))
    text = as_markdown(change, NOBODY, most=5_000)
    assert len(text) <= 5_000
    assert "too long for a comment: `--format json` has everything." in text
    assert len(as_markdown(change, NOBODY)) <= 60_000


def test_a_cell_is_one_line() -> None:
    assert escaped("a\nb\x1b[0m") == "a b\\\\x1b\\[0m"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a.json", "b.json", "--against", "c.json"), "give one of FILES; got 2"),
        (("a.json", "--against", "c.json", "--format", "sarif"), "has no --format sarif"),
        (("a.json", "--format", "markdown"), "with --against"),
        (("absent.json", "--against", str(HOSPITAL)), "absent.json"),
        ((str(HOSPITAL), "--against", "absent.json"), "absent.json"),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_line(arguments: tuple[str, ...], said: str) -> None:
    done = orgtrail("check", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_broken_json_and_broken_settings_are_no_change(tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"resource": ')
    for arguments in (
        (str(broken), "--against", str(HOSPITAL)),
        (str(HOSPITAL), "--against", str(broken)),
    ):
        done = orgtrail("check", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert "broken.json" in done.stderr
    path = tmp_path / "bank.tfvars"
    path.write_text(tfvars(merged(MINIMAL, {"trail": {"global_events": False}})))
    done = orgtrail("check", str(HOSPITAL), "--against", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    assert "its settings break rules, so nothing can be compared" in done.stderr
    assert "trail.global_events" in done.stderr


def test_a_stack_without_a_trail_proves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "empty.json"
    path.write_text(json.dumps({"provider": {"aws": [{}]}, "resource": {}}))
    done = orgtrail("check", str(path), "--against", str(HOSPITAL))
    assert done.returncode != 0
    assert "has no trail with an archive" in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "less"),
    [
        ({"archive": {"expire_after_days": 2557}}, {"archive": {"expire_after_days": 400}},
         "aws_s3_bucket.archive: days that files are kept: 2,557 before, 400 now"),
        ({"archive": {"expire_after_days": None}}, {"archive": {"expire_after_days": 400}},
         "aws_s3_bucket.archive: days that files are kept: for ever before, 400 now"),
        ({"key": {"rotation_days": 90}}, {"key": {"rotation_days": 365}},
         "aws_kms_key.key: rotation: every 90 days before, every 365 days now"),
        ({}, {"guardrails": {"targets": ["ou-bank-11111111"]}},
         "aws_organizations_policy.guardrails_scp: where this service control policy is attached: "
         "no longer r-bank"),
        ({"recording": {"data": [{"service": "lambda"}]}}, {},
         "aws_cloudtrail.trail: what is recorded: no longer "),
    ],
)  # fmt: skip
def test_less_evidence_is_told(old: Json, new: Json, less: str, tmp_path: Path) -> None:
    """Retention, rotation, guardrails and recording decide no request, and are told."""
    before, after = tmp_path / "old" / "bank.tfvars", tmp_path / "bank.tfvars"
    before.parent.mkdir()
    before.write_text(tfvars(merged(MINIMAL, old)))
    after.write_text(tfvars(merged(MINIMAL, new)))
    done = orgtrail("check", str(after), "--against", str(before))
    assert done.returncode == 1, done.stderr
    told = done.stdout.partition("Less is kept, recorded or guarded\n")[2].splitlines()
    assert any(each.startswith(f"  {less}") for each in told), done.stdout
    # The other way it is more, and no reason to stop.
    again = orgtrail("check", str(before), "--against", str(after))
    assert "Less is kept" not in again.stdout
    assert "More is kept, recorded or guarded" in again.stdout


def test_a_comment_says_that_nothing_could_be_compared(tmp_path: Path) -> None:
    broken = tmp_path / "bank.tfvars"
    broken.write_text("name = 1\n")
    done = orgtrail("check", str(broken), "--against", str(broken), "--format", "markdown")
    assert done.returncode == 2
    assert done.stdout.startswith("### orgtrail: nothing could be compared\n\n- ")


def test_a_file_and_its_stack_have_one_intent() -> None:
    file, stack = "tests/envs/everything.tfvars", "tests/golden/everything.tf.json"
    done = orgtrail("check", stack, "--against", file)
    assert (done.returncode, done.stdout.splitlines()[1:]) == (0, []), done.stdout


def test_who_is_spared_from_the_guardrails_is_told_though_it_reaches_nothing(
    tmp_path: Path,
) -> None:
    # Other layers deny a role of a member account everything that the control policy would.
    old, new = tmp_path / "old" / "bank.tfvars", tmp_path / "bank.tfvars"
    old.parent.mkdir()
    exempt = ["arn:aws:iam::222222222222:role/orgtrail-deploy"]
    member = "arn:aws:iam::333333333333:role/admin"
    accounts = {"accounts": {"production": {"id": "333333333333"}}}
    for file, roles in ((old, exempt), (new, [*exempt, member])):
        guardrails = {"guardrails": {"exempt_roles": roles}}
        file.write_text(tfvars(merged(merged(MINIMAL, accounts), guardrails)))
    for was, now, amount, code in ((old, new, "less", 1), (new, old, "more", 0)):
        done = orgtrail("check", str(now), "--against", str(was), "--format", "json")
        answer = json.loads(done.stdout)
        assert answer["accesses"] == []
        assert [(each["what"], each["amount"]) for each in answer["kept"]] == [
            ("exempt from the guardrails", amount)
        ]
        assert member in (answer["kept"][0]["before"], answer["kept"][0]["after"])
        assert done.returncode == code
