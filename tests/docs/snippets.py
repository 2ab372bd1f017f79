"""The snippets in the docs: read them, run them, and say what they print.

A page is a list of fenced blocks, told apart by the first word of the fence:

- `console`: lines that begin with `$ ` are commands, what follows is what they print. `staycurve`
  runs in this process, `curl` asks the application in this process, the rest runs in a shell.
- `python`: runs in the project directory; a `text` block right after it is what it prints.
- `csv NAME`, `toml NAME`: a file that is written to the project directory.
- `sh` and any other: shown, never run.

`python -m tests.docs.snippets` writes what the commands print now into the pages.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import httpx

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
TUTORIAL = DOCS / "tutorials" / "first-numbers.md"
SHOWN_ONLY = {
    # These pages speak of files that are not in the repository.
    DOCS / "how-to" / "load-your-files.md",
    DOCS / "how-to" / "load-ravenstack.md",
}
PAGES = [
    ROOT / "README.md",
    *sorted((DOCS / "tutorials").glob("*.md")),
    *sorted({*(DOCS / "how-to").glob("*.md")} - SHOWN_ONLY),
]

_FENCE = re.compile(r"^```(\S*) ?(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
_RUN = ("console", "python")


@dataclass(frozen=True)
class Block:
    """One fenced block of a page: its language, the file it names, its text, and its line."""

    language: str
    name: str
    text: str
    line: int
    span: tuple[int, int]


@dataclass(frozen=True)
class Outcome:
    """What a snippet should print, what it printed, and where the page says so.

    Attributes
    ----------
    span : tuple of int
        Where the expected text stands in the page.
    """

    line: int
    command: str
    expected: str
    printed: str
    status: int
    span: tuple[int, int]

    @property
    def is_as_shown(self) -> bool:
        """Whether it printed what the page shows; how JSON is laid out does not matter."""
        if self.status and not self.expected.startswith("staycurve: "):
            return False
        with contextlib.suppress(ValueError):
            return bool(json.loads(self.expected) == json.loads(self.printed))
        return _plain(self.expected) == _plain(self.printed)


def _plain(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def blocks(text: str) -> list[Block]:
    """Every fenced block of a page."""
    return [
        Block(m[1], m[2].strip(), m[3], text.count("\n", 0, m.start()) + 2, m.span(3))
        for m in _FENCE.finditer(text)
    ]


def run(page: Path) -> Iterator[Outcome]:
    """Run the snippets of a page in the current directory, one after the other."""
    text = page.read_text(encoding="utf-8")
    found = blocks(text)
    for place, block in enumerate(found):
        if block.language == "console":
            yield from _console(block)
        elif block.language == "python":
            after = found[place + 1] if place + 1 < len(found) else None
            is_shown = (
                after is not None
                and after.language == "text"
                and not text[block.span[1] + 3 : after.span[0] - len("```text\n")].strip()
            )
            yield _python(block, after if is_shown else None)
        elif block.language in ("csv", "toml") and block.name:
            Path(block.name).write_text(block.text, encoding="utf-8")


def _console(block: Block) -> Iterator[Outcome]:
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    place = block.span[0] + len(parts[0])
    for part in parts[1:]:
        command, _, expected = re.sub(r"\\\n", "", part).partition("\n")
        end = place + 2 + len(part)
        printed, status = command_output(command)
        line = block.line + block.text.count("\n", 0, place - block.span[0])
        yield Outcome(line, command, expected, printed, status, (end - len(expected), end))
        place = end


def command_output(command: str) -> tuple[str, int]:
    """What a command prints on both streams, and its exit status."""
    words = shlex.split(command)
    if words[0] == "staycurve" and "|" not in words:
        return _staycurve(words)
    if words[0] == "curl":
        return _curl(next(word for word in words if word.startswith("http")))
    done = subprocess.run(
        command, shell=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=60, check=False, env=os.environ | {"PATH": _path()},
    )
    return done.stdout, done.returncode


def _path() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def _staycurve(words: list[str]) -> tuple[str, int]:
    from staycurve.interfaces.cli import main

    printed = io.StringIO()
    status = 0
    with (
        mock.patch.object(sys, "argv", words),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
    ):
        try:
            main()
        except SystemExit as done:
            status = done.code if isinstance(done.code, int) else int(done.code is not None)
    return printed.getvalue(), status


def _curl(address: str) -> tuple[str, int]:
    import staycurve
    from staycurve.interfaces.api.app import create_app

    async def ask() -> str:
        transport = httpx.ASGITransport(app=create_app(company))
        async with httpx.AsyncClient(transport=transport) as client:
            return (await client.get(address)).text

    # A thread of its own: a browser test may have left a loop running in this one.
    with staycurve.open(".") as company, ThreadPoolExecutor(1) as pool:
        return f"{pool.submit(asyncio.run, ask()).result()}\n", 0


def _python(block: Block, after: Block | None) -> Outcome:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block.text, f"line {block.line}", "exec"), {"__name__": "__main__"})
    shown = printed.getvalue()
    # Without a `text` block the page shows the code alone, and any output is right.
    expected, span = (after.text, after.span) if after else (shown, (0, 0))
    return Outcome(block.line, "python", expected, shown, 0, span)


@contextlib.contextmanager
def project(page: Path, finished: Path, example: Path) -> Iterator[Path]:
    """The directory in which a page's snippets run.

    A tutorial begins with nothing, a how-to page with the project that the first tutorial leaves
    behind, and the README beside the example company.

    Parameters
    ----------
    finished : Path
        A directory in which the first tutorial was followed to its end.
    example : Path
        A directory that holds `demo-company`.
    """
    with tempfile.TemporaryDirectory() as made, contextlib.chdir(made):
        if page.parent.name == "how-to":
            shutil.copytree(finished, made, dirs_exist_ok=True)
        elif page.name == "README.md":
            shutil.copytree(example, made, dirs_exist_ok=True)
        yield Path(made)


def finish_tutorial(folder: Path) -> None:
    """Follow the first tutorial in `folder`."""
    with contextlib.chdir(folder):
        for outcome in run(TUTORIAL):
            assert outcome.status == 0 or outcome.expected.startswith("staycurve: "), outcome


def build_example(folder: Path) -> None:
    """Make a small example company where `make demo` makes a large one."""
    with contextlib.chdir(folder):
        words = ["staycurve", "--project", "demo-company", "demo", "--accounts", "60", "--no-serve"]
        printed, status = _staycurve(words)
        assert status == 0, printed


def update(page: Path, finished: Path, example: Path) -> int:
    """Write what the snippets print now into their page; how many differed."""
    text = page.read_text(encoding="utf-8")
    with project(page, finished, example):
        changed = [o for o in run(page) if not o.is_as_shown and o.span != (0, 0)]
    for outcome in reversed(changed):
        kept = "\n".join(_plain(outcome.printed)) + "\n" if outcome.printed.strip() else ""
        start, end = outcome.span
        text = text[:start] + kept + text[end:]
    page.write_text(text, encoding="utf-8")
    return len(changed)


def main() -> None:
    """Bring the outputs in every page, or in those named, up to date."""
    named = [Path(word).resolve() for word in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as finished, tempfile.TemporaryDirectory() as example:
        build_example(Path(example))
        update(TUTORIAL, Path(finished), Path(example))
        finish_tutorial(Path(finished))
        for page in named or PAGES:
            changed = update(page, Path(finished), Path(example))
            sys.stdout.write(f"{page.relative_to(ROOT)}: {changed} outputs written\n")


if __name__ == "__main__":
    main()
