"""What the snippets of several pages start from, made once."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs import snippets


@dataclass(frozen=True)
class Followed:
    """The first tutorial, followed to its end: the project it leaves, and what it printed."""

    folder: Path
    outcomes: tuple[snippets.Outcome, ...]


@pytest.fixture(scope="session")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    folder = tmp_path_factory.mktemp("tutorial")
    with contextlib.chdir(folder):
        return Followed(folder, tuple(snippets.run(snippets.TUTORIAL)))


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("example")
    snippets.build_example(folder)
    return folder
