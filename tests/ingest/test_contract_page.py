"""The page that lists what SDKs demand names tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "explanation" / "events-over-http.md"


def functions(*files: str) -> set[str]:
    """The tests in files of this folder."""
    return {
        name for file in files
        for name in re.findall(r"^def (test_\w+)", (HERE / file).read_text("utf-8"), re.M)
    }


def test_every_line_of_the_page_names_a_test() -> None:
    found = {
        "contract": functions("test_posthog_contract.py", "test_segment_contract.py"),
        "hostile": functions("test_hostile.py"), "sdks": functions("test_sdks.py"),
        "": functions("test_doors.py", "test_inbox.py"),
    }
    demanded = PAGE.read_text("utf-8").partition("## Memory and time")[0]
    lines = [line for line in demanded.splitlines() if line.startswith("| ")]
    rows = [line.split(" | ") for line in lines if not line.endswith(("test |", "hostile |"))]
    assert len(rows) > 40
    for row in rows:
        cell = row[-1].removesuffix(" |")
        named = re.findall(r"(contract )?`([\w…]+)`", cell)
        assert named or "sdks" in cell, row
        for where, pattern in named:
            tests = found["contract"] if where else set().union(*found.values())
            words = [re.escape(word) for word in pattern.split("…")]
            is_there = any(re.search(".*".join(words), test) for test in tests)
            assert is_there or pattern == "BAD" or pattern.endswith("_py"), pattern
