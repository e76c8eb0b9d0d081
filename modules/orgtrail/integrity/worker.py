"""A worker process of verify: tasks on stdin, days on stdout."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import closing
from typing import Any

from orgtrail.errors import OrgtrailError, describe_internal_error
from orgtrail.integrity.crew import Alone, Briefing, frame, lazy_collection, received
from orgtrail.integrity.day import Task
from orgtrail.integrity.storage.signing import Credentials


async def _main() -> None:
    loop = asyncio.get_running_loop()
    tasks = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(tasks), sys.stdin.buffer)
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    first: Any = await received(tasks)
    if first is None:
        return
    briefing: Briefing = first[0]
    holder: list[Credentials | None] = [first[1]]
    running: set[asyncio.Task[None]] = set()

    async def do(number: int, task: Task) -> None:
        try:
            answer: object = await crew.do(task)
        except OrgtrailError as error:
            answer = error
        except Exception as error:  # noqa: BLE001  # the other process raises it
            answer = describe_internal_error(error)
        out.write(frame((number, answer)))
        out.flush()

    with closing(Alone(briefing, lambda: holder[0])) as crew:
        while (asked := await received(tasks)) is not None:
            message: Any = asked
            number, task, holder[0] = message
            work = asyncio.create_task(do(number, task))
            running.add(work)
            work.add_done_callback(running.discard)
        await asyncio.gather(*running)


if __name__ == "__main__":
    with lazy_collection():
        asyncio.run(_main())
