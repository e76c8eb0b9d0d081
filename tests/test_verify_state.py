"""State of `verify`: what is unchanged is not read again, and an interrupted run goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from orgtrail.integrity import keeping
from orgtrail.integrity.keeping import interrupted_window, kept
from orgtrail.integrity.memory import State
from orgtrail.integrity.result import Progress, Result
from orgtrail.integrity.run import verify
from orgtrail.integrity.storage import s3
from orgtrail.settings.faults import OrgtrailError

from tests.archives import ACCOUNT, BEGIN, BUCKET, HOUR, OTHER, Archive, named
from tests.standin import serving
from tests.test_verify import FILES, counts, kinds


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


def run(archive: Archive, path: Path | None, *, resume: bool = False, stop: int = 0) -> Result:
    """Verify with a state, and press Ctrl-C after so many days of chains."""
    request = archive.request()
    result = Result()
    with kept(path, request.trail.arn, (request.since, request.until), resume=resume) as state:
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
    assert again.told()["digests"] == first.told()["digests"]
    assert again.told()["logs"] == first.told()["logs"]
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
        with kept(Path("a.state"), request.trail.arn, window, resume=False) as state:
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
    assert interrupted_window(keeping.DEFAULT) == (request.since, request.until)
    result = run(archive, None, resume=True)
    assert counts(result) == counts(whole)
    assert result.trusted[0] >= 12
    assert len(read(archive)) < 2 * (12 + FILES)
    assert before
    assert not keeping.DEFAULT.exists()


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
        State(path)
    path.unlink()
    State(path, "arn:one").close()
    with pytest.raises(OrgtrailError, match="is the state of arn:one, version 2; give another"):
        State(path, "arn:two")
