"""A process whose children run the playbooks, send, and are killed at one of their steps.

It is told on standard input at which step, and answers how the child ended. Asked for step -1 it
lets the child end by itself, and answers its steps.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect

from staycurve.actions.channels import sending
from staycurve.workspace import Company
from tests.company import NOW

AS_OF = "2024-07-01"
ARRIVED = "arrived"


def _at(step: int, steps: list[str]) -> Callable[[str], None]:
    def reached(what: str) -> None:
        steps.append(what)
        if len(steps) - 1 == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return reached


def _watched(reached: Callable[[str], None]) -> None:
    """Reach a step before each statement that changes something, and around each commit."""
    def before(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        words = statement.split()
        if words[0] in ("INSERT", "UPDATE", "DELETE"):
            reached(" ".join(words[: 2 if words[0] == "UPDATE" else 3]))

    event.listen(Engine, "before_cursor_execute", before)
    plain = DefaultDialect.do_commit

    def commit(self: Any, connection: Any) -> None:
        reached("before COMMIT")
        plain(self, connection)
        reached("after COMMIT")

    DefaultDialect.do_commit = commit  # type: ignore[method-assign]


def _ran(folder: Path, step: int, told: int) -> None:
    steps: list[str] = []
    reached = _at(step, steps)
    with Company(folder, clock=lambda: NOW) as company:
        company.as_of()
        _watched(reached)

        def send(_channel: object, message: sending.Message, _now: object) -> None:
            with (folder / "arrived.txt").open("a", encoding="utf-8") as file:
                file.write(f"{message.key}\n")
            reached(ARRIVED)

        sending.send_one = send  # type: ignore[assignment]
        company.work.run(as_of=AS_OF)
        company.work.send()
    os.write(told, json.dumps(steps).encode())


def main(folder: Path) -> None:
    """Answer what is asked on standard input, line by line."""
    import staycurve.workspace.work  # noqa: F401 - children begin with everything imported

    for line in sys.stdin:
        ours, theirs = os.pipe()
        child = os.fork()
        if not child:
            os.close(ours)
            try:
                _ran(folder, int(line), theirs)
            finally:
                os.close(theirs)
                os._exit(0)
        os.close(theirs)
        with os.fdopen(ours, encoding="utf-8") as answer:
            steps = answer.read()
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print(json.dumps({"killed": killed, "steps": json.loads(steps or "[]")}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
