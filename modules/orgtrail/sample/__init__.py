"""A made-up organization trail in the archive's key layout, for demos, tests and benchmarks."""

from __future__ import annotations

import hashlib
import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

from orgtrail.drafts import foreign_drafts, sweep
from orgtrail.errors import OrgtrailError
from orgtrail.output import atomic_output
from orgtrail.regions import partition
from orgtrail.sample import insiders, intruder
from orgtrail.sample.background import ordinary
from orgtrail.sample.files import DeliveredFile, SampleChain, SigningKey, deliver
from orgtrail.sample.records import Caller, Event, Places, Recorder, Story, StoryWriter, role
from orgtrail.settings.environment import Environment
from orgtrail.verify.digest import ALGORITHM
from orgtrail.verify.storage.folder import METADATA_FILE, PUBLIC_KEYS_FILE

STORIES = "stories.json"
"""The file that lists what was planted, and which questions find it."""

_STORIES = (
    intruder.spray, intruder.blinding, insiders.chain, insiders.evidence, intruder.patients,
    insiders.root, insiders.athena, intruder.persistence, insiders.organization, intruder.guards,
    intruder.exposure, intruder.secrets, intruder.machines, intruder.stolen, intruder.functions,
    insiders.by_hand, insiders.old,
)  # fmt: skip
"""What is planted, in this order: questions must find it, and nothing else."""
_MINUTES_APART = 37
"""Minutes between two stories."""
_REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1")


@dataclass(frozen=True, slots=True)
class Sample:
    """What was written.

    Attributes:
        files: number of log files.
        events: number of records in them, including those that were delivered twice.
        digests: number of digest files.
        stories: what was planted.
        start: start of the time range.
        until: end of the time range.

    """

    files: int
    events: int
    digests: int
    stories: list[Story]
    start: datetime
    until: datetime


def make(
    folder: Path,
    environment: Environment,
    *,
    days: int = 3,
    events_per_day: int = 5000,
    seed: int = 1,
    until: datetime | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Sample:
    """Write a sample: all of its files or, on failure, none.

    Args:
        folder: where to write; it must be empty or absent.
        environment: the organization.
        days: how many days before the end; at least 1.
        events_per_day: ordinary events of the whole organization in a day.
        seed: the same seed gives the same log files; keys and signatures are new each time.
        until: the end; by default now.
        progress: called from time to time with the number of files.

    Raises:
        OrgtrailError: the folder is not empty, or cannot be written.

    """
    _require_empty(folder)
    end = (until or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
    start = end - timedelta(days=days)
    rng = random.Random(seed)  # noqa: S311  # made-up events, no secrets
    places = _places(environment)
    recorder = Recorder(rng, environment.home_region)
    # Stories happen in the day before the end.
    first = end - timedelta(hours=20)
    writer = StoryWriter(recorder, environment, places, first)
    stories = []
    for story in _STORIES:
        stories.append(story(writer))
        writer.later(_MINUTES_APART)
    events = chain(
        _trail_creation(recorder, environment, start),
        ordinary(recorder, places, start, days, events_per_day),
        (event for story in stories for event in story.events),
    )
    with atomic_output(folder) as draft:
        files, counted = _write_logs(draft, environment, deliver(events, rng, end), progress)
        digests = _write_digests(draft, environment, places, files, start, end)
        _write_stories(draft, stories)
    return Sample(sum(map(len, files.values())), counted, digests, stories, start, end)


Files = dict[tuple[str, str], list[tuple[DeliveredFile, str]]]


def _require_empty(folder: Path) -> None:
    """Refuse a folder with anything in it, but remove what a killed run left.

    Raises:
        OrgtrailError: the folder is not empty, is no folder, or cannot be read.

    """
    try:
        if not folder.exists():
            return
        if not folder.is_dir():
            raise OrgtrailError(f"{folder}: must be an empty folder; it is a file")
        sweep(folder)
        if writing := foreign_drafts(folder):
            raise OrgtrailError(
                f"{folder}: must be an empty folder; it has {writing[0]}, the draft of a run that "
                "still writes: wait for it, or delete the draft"
            )
        if any(folder.iterdir()):
            raise OrgtrailError(
                f"{folder}: must be an empty folder; a sample is not mixed with others"
            )
    except OSError as error:
        raise OrgtrailError(f"{folder}: cannot be read: {error.strerror or error}") from None


def _places(environment: Environment) -> Places:
    home = environment.home_region
    alike = [each for each in _REGIONS if partition(each) == partition(home)]
    others = [each for each in environment.catalog.regions or alike if each != home]
    ids = {name: account.id for name, account in environment.accounts.items()}
    members = [name for name in ids if name not in {"management", "logging"}]
    data = next((name for name in members if "prod" in name), (members or ["management"])[0])
    shares = dict.fromkeys(ids.values(), 3)
    shares |= {environment.management.id: 1, environment.logging.id: 1, ids[data]: 6}
    return Places(shares, (home, *others[:3]), ids[data])


def _trail_creation(recorder: Recorder, environment: Environment, start: datetime) -> list[Event]:
    """Return the events of the trail's creation."""
    account, name = environment.management.id, environment.trail.name
    deploy = Caller(
        role(account, "orgtrail-deploy", "terraform"), "203.0.113.9", "APN/1.0 HashiCorp"
    )
    at = start + timedelta(minutes=2)
    params = {
        "name": name,
        "s3BucketName": environment.archive.bucket,
        "isOrganizationTrail": True,
        "isMultiRegionTrail": True,
        "enableLogFileValidation": True,
    }
    home = environment.home_region
    return [
        recorder.event(deploy, "cloudtrail:CreateTrail", account, home, at, params=params),
        recorder.event(
            deploy, "cloudtrail:StartLogging", account, home, at + timedelta(seconds=4),
            params={"name": name},
        ),
    ]  # fmt: skip


def _write_logs(
    draft: Path,
    environment: Environment,
    delivered: Iterable[DeliveredFile],
    progress: Callable[[int], None],
) -> tuple[Files, int]:
    root = draft / environment.organization_prefix
    files: Files = defaultdict(list)
    events = 0
    seen = set()
    for count, file in enumerate(delivered, start=1):
        path = root / file.name
        if path.parent not in seen:
            path.parent.mkdir(parents=True, exist_ok=True)
            seen.add(path.parent)
        path.write_bytes(file.packed())
        kept = DeliveredFile(file.at, file.account, file.region, file.name, _ends(file.events), b"")
        files[file.account, file.region].append((kept, hashlib.sha256(file.body).hexdigest()))
        events += len(file.events)
        if count % 500 == 0:
            progress(count)
    for each in files.values():
        each.sort(key=lambda one: one[0].at)
    return files, events


def _ends(times: list[datetime]) -> list[datetime]:
    return [times[0], times[-1]]


def _write_digests(
    draft: Path,
    environment: Environment,
    places: Places,
    files: Files,
    start: datetime,
    end: datetime,
) -> int:
    signatures = {}
    # A multi-region trail writes digests of idle regions, too.
    regions = {*places.regions, *(environment.catalog.regions or ()), *(r for _, r in files)}
    if not environment.trail.multi_region:
        regions = {environment.home_region}
    chains = {*files, *((a, r) for a in places.accounts for r in regions)}
    keys = {region: SigningKey(start) for region in {region for _, region in chains}}
    for number, (account, region) in enumerate(sorted(chains)):
        made = SampleChain(
            account,
            region,
            environment.trail.name,
            environment.home_region,
            environment.archive.bucket,
            environment.organization_prefix,
        )
        # Each chain has its own minute of the hour.
        first = start - timedelta(seconds=1 + number * 97 % 3600)
        key = keys[region]
        first_digest = made.starting(first, key)
        rest = made.digests(files.get((account, region), []), first, end, key, first_digest)
        for digest in chain([first_digest], rest):
            path = draft / digest.key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(digest.data)
            signatures[digest.key] = {
                "signature": digest.signature,
                "signature-algorithm": ALGORITHM,
            }
    public = {region: {"PublicKeyList": [key.public]} for region, key in sorted(keys.items())}
    _write_json(draft / PUBLIC_KEYS_FILE, public)
    _write_json(draft / METADATA_FILE, signatures)
    return len(signatures)


def _write_stories(draft: Path, stories: list[Story]) -> None:
    found = [
        {
            "name": each.name,
            "told": each.summary,
            "queries": each.queries,
            "events": [event.record["eventID"] for event in each.events],
        }
        for each in stories
    ]
    _write_json(draft / STORIES, found)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
