from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.books.keeping import Bookkeeper


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Bookkeeper]:
    found = Bookkeeper(tmp_path)
    yield found
    found.company.close()
