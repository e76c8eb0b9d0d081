"""State of `verify`: what is unchanged is not read again, and an interrupted run goes on."""

from __future__ import annotations

import gzip
import json
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from orgtrail.errors import OrgtrailError
from orgtrail.verify.result import Progress, Result
from orgtrail.verify.run import verify
from orgtrail.verify.state import DEFAULT_STATE, StateFile, interrupted_window, open_state
from orgtrail.verify.state_key import KEY_VARIABLE, StateSigner, state_key
from orgtrail.verify.storage import s3

from tests.archives import ACCOUNT, BEGIN, BUCKET, HOUR, OTHER, Archive, kinds, named, signing_key
from tests.kill_soak import soak
from tests.standin import serving
from tests.test_verify import FILES, counts
from tests.test_verify_attacks import copied


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Archive]:
    """An archive that is served, and a folder of one's own to work in."""
    made = Archive()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(s3, "FIRST_PAUSE", 0.001)
    with serving(made.world) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
        yield made


def run(
    archive: Archive,
    path: Path | None,
    *,
    resume: bool = False,
    stop: int = 0,
    **changes: Any,
) -> Result:
    """Verify with a state, and press Ctrl-C after so many days of chains."""
    request = archive.request(**changes)
    result = Result()
    with open_state(
        path, request.trail.arn, (request.since, request.until), resume=resume
    ) as state:
        done = 0
        for event in verify(request, state):
            result.add(event)
            done += isinstance(event, Progress)
            if stop and done >= stop:
                raise KeyboardInterrupt
    return result


def read(archive: Archive) -> list[str]:
    """Return which objects were read since the last time."""
    asked = [each.split("/")[-1] for each in archive.world.asked if ".json.gz" in each]
    archive.world.asked.clear()
    return asked


def test_what_is_unchanged_is_not_read_again(archive: Archive) -> None:
    digests = archive.write()
    state = Path("nightly.state")
    first = run(archive, state)
    assert (first.verdict, first.trusted) == ("valid", (0, 0))
    assert len(read(archive)) == 12 + FILES
    again = run(archive, state)
    assert again.to_dict()["digests"] == first.to_dict()["digests"]
    assert again.to_dict()["logs"] == first.to_dict()["logs"]
    # Files that lie under the day before their digest's are in another listing.
    late = [key for key in named(digests[5]) if "/2026/03/10/" in key]
    assert again.trusted == (12, FILES - len(late))
    assert read(archive) == [each.rpartition("/")[2] for each in late]


def test_what_is_new_changed_or_gone_is_seen(archive: Archive) -> None:
    first = archive.write(hours=8)
    state = Path("nightly.state")
    archive.verified(until=BEGIN + 7 * HOUR)
    run(archive, state)
    archive.write(start=BEGIN + 8 * HOUR, hours=4, before=first[-1])
    assert run(archive, state).verdict == "valid"
    archive.rewrite(named(first[2])[0], b"damaged")
    archive.world.delete(BUCKET, named(first[1])[0])
    result = run(archive, state)
    assert kinds(result) == {"log-malformed": 1, "log-missing": 1}
    # Once more, and it is no more trusted for having been seen.
    assert kinds(run(archive, state)) == {"log-malformed": 1, "log-missing": 1}
    archive.world.undo(BUCKET, named(first[2])[0])
    assert kinds(run(archive, state)) == {"log-missing": 1}
    archive.rewrite(first[4].key, first[4].data + b"more")
    assert kinds(run(archive, state))["digest-trailing-data"] == 1


def test_several_processes_read_a_state_while_it_is_written(archive: Archive) -> None:
    for account in (ACCOUNT, OTHER):
        for region in ("us-east-1", "eu-west-1"):
            archive.write(account, region)
    request = archive.request(processes=2)
    window = (request.since, request.until)
    for trusted in (0, 48):
        result = Result()
        with open_state(Path("a.state"), request.trail.arn, window, resume=False) as state:
            for event in verify(request, state):
                result.add(event)
        assert (result.verdict, result.trusted[0]) == ("valid", trusted)


def test_an_interrupted_run_goes_on(archive: Archive) -> None:
    for account in (ACCOUNT, OTHER):
        archive.write(account)
    whole = run(archive, None)
    read(archive)
    with pytest.raises(OrgtrailError) as error:
        run(archive, None, stop=3)
    assert str(error.value) == (
        "interrupted; what was verified is kept in orgtrail-verify.state: go on with --resume"
    )
    before = len(read(archive))
    request = archive.request()
    assert interrupted_window(DEFAULT_STATE) == (request.since, request.until)
    result = run(archive, None, resume=True)
    assert counts(result) == counts(whole)
    assert result.trusted[0] >= 12
    assert len(read(archive)) < 2 * (12 + FILES)
    assert before
    assert not DEFAULT_STATE.exists()


def test_an_interrupted_run_with_a_state_of_its_own(archive: Archive) -> None:
    archive.write()
    state = Path("nightly.state")
    with pytest.raises(OrgtrailError, match=r"go on with --resume --state nightly\.state"):
        run(archive, state, stop=1)
    assert run(archive, state, resume=True).trusted[0]
    with pytest.raises(OrgtrailError, match=r"nightly\.state holds no interrupted run"):
        interrupted_window(state)


def test_there_is_nothing_to_resume(tmp_path: Path) -> None:
    with pytest.raises(OrgtrailError, match="holds no interrupted run; leave --resume out"):
        interrupted_window(tmp_path / "none")


def test_a_file_that_is_no_state(tmp_path: Path) -> None:
    path = tmp_path / "a.state"
    path.write_text("no database" * 100)
    with pytest.raises(OrgtrailError, match=r"a\.state: is no state file of orgtrail"):
        StateFile(path)
    path.unlink()
    StateFile(path, "arn:one").close()
    with pytest.raises(OrgtrailError, match="is the state of arn:one, version 2; give another"):
        StateFile(path, "arn:two")


def _rows(path: Path, change: Callable[[list[Any]], list[Any]]) -> None:
    """Write each row of a state file anew, as somebody with an editor would."""
    with closing(sqlite3.connect(path)) as file, file:
        rows = file.execute("SELECT * FROM digests").fetchall()
        file.execute("DELETE FROM digests")
        marks = ", ".join("?" * len(rows[0]))
        file.executemany(f"INSERT INTO digests VALUES ({marks})", [change([*row]) for row in rows])


def test_a_row_changed_by_hand_is_not_believed(archive: Archive) -> None:
    digests = archive.write()
    state = Path("nightly.state")
    run(archive, state)
    key = named(digests[5])[0]
    old = archive.world.buckets[BUCKET][key][-1]
    archive.rewrite(key, gzip.compress(b"damaged"))
    new = archive.world.buckets[BUCKET][key][-1]

    def forge(row: list[Any]) -> list[Any]:
        """Say that the altered log file was the valid one."""
        for index, value in enumerate(row):
            if isinstance(value, str):
                row[index] = (
                    value.replace(old.etag, new.etag)
                    .replace(old.modified, new.modified)
                    .replace(f" {len(old.data or b'')} ", f" {len(new.data or b'')} ")
                )
        return row

    _rows(state, forge)
    result = run(archive, state)
    assert (result.verdict, kinds(result)) == ("invalid", {"log-altered": 1})


@pytest.mark.parametrize(
    "change",
    [
        lambda row: [*row[:2], 5, *row[3:]],
        lambda row: [*row[:3], b"\xff", *row[4:]],
        lambda row: [*row[:3], "no JSON", *row[4:]],
        lambda row: [*row[:4], 7],
        lambda row: [
            row[0],
            row[1].replace("_CloudTrail-Digest_", "_cloudTrail-Digest_"),
            *row[2:],
        ],
    ],
)
def test_rows_of_any_kind_are_read_again(
    archive: Archive, change: Callable[[list[Any]], list[Any]]
) -> None:
    archive.write()
    state = Path("nightly.state")
    run(archive, state)
    _rows(state, change)
    result = run(archive, state)
    assert (result.verdict, result.trusted[0]) == ("valid", 0)


def test_results_under_other_public_keys_are_not_carried_over(archive: Archive) -> None:
    # Somebody signs an archive with a key of his own, and gives that key for AWS's.
    digests = archive.write(key=1)
    state = Path("nightly.state")
    Path("theirs.json").write_text(
        json.dumps({"us-east-1": {"PublicKeyList": [signing_key("us-east-1", 1).public]}})
    )
    first = run(archive, state, public_keys=Path("theirs.json"))
    assert first.verdict == "valid"
    archive.world.keys["us-east-1"] = [signing_key("us-east-1").public]
    result = run(archive, state)
    assert (result.verdict, kinds(result)["digest-unknown-key"]) == ("invalid", len(digests))
    assert result.trusted == (0, 0)


def test_a_state_of_another_key_is_not_trusted(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    archive.write()
    state = Path("nightly.state")
    run(archive, state)
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "another.key"))
    result = run(archive, state)
    assert (result.verdict, result.trusted) == ("valid", (0, 0))
    assert any("was sealed with another key than this user's" in each for each in result.notes)
    assert run(archive, state).trusted[0] == 12


def test_a_state_of_another_place_is_not_trusted(archive: Archive, tmp_path: Path) -> None:
    archive.write()
    state = Path("nightly.state")
    copies = [copied(archive, tmp_path / name) for name in ("one", "two")]
    assert run(archive, state, logs=copies[0]).trusted == (0, 0)
    assert run(archive, state, logs=copies[0]).trusted[0] == 12
    assert run(archive, state, logs=copies[1]).trusted == (0, 0)
    assert run(archive, state).trusted == (0, 0)


def test_a_file_of_a_copy_whose_times_were_set_back(archive: Archive, tmp_path: Path) -> None:
    digests = archive.write()
    copy = copied(archive, tmp_path / "copy")
    state = Path("nightly.state")
    run(archive, state, logs=copy)
    path = copy / named(digests[5])[1]
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert run(archive, state, logs=copy).verdict == "invalid"


def test_a_region_that_an_earlier_run_knew(archive: Archive) -> None:
    archive.world.versioned = False
    for region in ("us-east-1", "eu-west-1"):
        archive.write(region=region)
    state = Path("nightly.state")
    assert run(archive, state).verdict == "valid"
    for key in [*archive.world.buckets[BUCKET]]:
        if "/eu-west-1/" in key:
            archive.world.delete(BUCKET, key)
    assert archive.verified().verdict == "valid"
    result = run(archive, state)
    assert kinds(result) == {"region-absent": 1}
    assert "an earlier run found valid digests of it" in result.findings[0].detail
    # It is not forgotten for having been missed once.
    assert kinds(run(archive, state)) == {"region-absent": 1}


@pytest.mark.parametrize("name", ["a?b.state", "a%20b.state", "a#b.state", "ä b.state"])
def test_a_state_of_an_odd_name(archive: Archive, name: str) -> None:
    archive.write()
    run(archive, Path(name))
    assert Path(name).is_file()
    result = Result()
    request = archive.request(processes=2)
    window = (request.since, request.until)
    with open_state(Path(name), request.trail.arn, window, resume=False) as state:
        for event in verify(request, state):
            result.add(event)
    assert result.trusted[0] == 12
    assert [each.name for each in Path().iterdir() if "state" in each.name] == [name]


def test_a_state_that_cannot_be_used(archive: Archive, tmp_path: Path) -> None:
    archive.write()

    def refused(path: Path, said: str) -> None:
        with pytest.raises(OrgtrailError, match=said):
            run(archive, path)

    foreign = tmp_path / "places.sqlite"
    with closing(sqlite3.connect(foreign)) as file, file:
        file.execute("CREATE TABLE places (id)")
    before = foreign.read_bytes()
    refused(foreign, "it is a database of something else")
    assert foreign.read_bytes() == before
    refused(tmp_path, "it is no file")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    refused(pipe, "it is no file")
    refused(tmp_path / "none" / "a.state", "cannot be written: unable to open")
    state = tmp_path / "nightly.state"
    run(archive, state)
    with closing(sqlite3.connect(state)) as file:
        file.execute("BEGIN EXCLUSIVE")
        refused(state, "is in use by another program")
    data = bytearray(state.read_bytes())
    page = 4096
    for at in range(page, len(data), page):
        data[at : at + 200] = b"\xff" * 200
    state.write_bytes(data)
    refused(state, "is no state file of orgtrail: ")
    for text in ("", "00"):
        (tmp_path / "bad.key").write_text(text)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(KEY_VARIABLE, str(tmp_path / "bad.key"))
            refused(tmp_path / "b.state", "is no key of state files; delete it")
    for name in ("/dev/zero", str(tmp_path)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(KEY_VARIABLE, name)
            refused(tmp_path / "b.state", "is no key of state files: it is no file")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_VARIABLE, str(state / "x.key"))
        refused(tmp_path / "b.state", f"name a file that can by {KEY_VARIABLE}")


def test_the_key_lies_outside_the_file_and_is_the_users_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    key = state_key()
    path = tmp_path / "orgtrail" / "state.key"
    assert state_key() == key == bytes.fromhex(path.read_text())
    assert path.stat().st_mode & 0o777 == 0o600
    assert [*path.parent.iterdir()] == [path]
    assert "key" not in repr(StateSigner(key, "scope"))


def test_kills_change_nothing(tmp_path: Path) -> None:
    kills = {signal.SIGKILL: 2, signal.SIGTERM: 2}
    ended = soak(kills, tmp_path)
    assert ended["SIGKILL"] == 2
    assert ended["SIGTERM"] == 2


@pytest.mark.parametrize("statement", ["UPDATE facts SET value = '[]'", "DELETE FROM facts"])
def test_what_a_state_knew_of_regions_is_not_taken_away_in_silence(
    archive: Archive, statement: str
) -> None:
    archive.write()
    state = Path("nightly.state")
    run(archive, state)
    with closing(sqlite3.connect(state)) as file, file:
        file.execute(f"{statement} WHERE name = 'chains'")
    result = run(archive, state)
    assert (result.verdict, kinds(result)) == ("unproven", {"state-altered": 1})
    assert run(archive, state).verdict == "valid"


def test_a_run_that_keeps_nothing_needs_no_home(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    archive.write()
    (tmp_path / "file").touch()
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "file" / "state.key"))
    assert run(archive, None).verdict == "valid"
    with pytest.raises(OrgtrailError, match=f"name a file that can by {KEY_VARIABLE}"):
        run(archive, Path("nightly.state"))
