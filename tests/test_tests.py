"""No test passes on nothing: each asserts, and asserts of something that is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.asserting import Source, Suite, findings

TESTS = Path(__file__).parent
MAY = {
    # (file, test): why it may.
    ("test_config_mutations.py", "test_an_option_of_spark_or_of_the_store_never_crashes"):
        "holds that nothing but a ConfigError is raised; a value may be right",
    ("test_layers.py", "test_imports_go_down_the_floors"): "a file may import nothing",
    ("test_layers.py", "test_engine_and_storage_are_known_in_one_file"): "the same",
    ("test_layers.py", "test_only_interfaces_read_the_clock"): "a file should read no clock",
    ("docs/test_pages.py", "test_links_resolve"): "a page may have no links",
}


def suite() -> Suite:
    return Suite(tuple(
        Source(str(path.relative_to(TESTS)), path.read_text(encoding="utf-8"))
        for path in sorted(TESTS.rglob("*.py"))
    ))


def test_no_test_passes_on_nothing() -> None:
    every = suite()
    assert sum(name.startswith("test_") for name in every.functions) > 1_000
    found = findings(every)
    assert [str(one) for one in found if (one.place, one.test) not in MAY] == []
    assert {(one.place, one.test) for one in found} == {*MAY}, "an exception that is needed no more"


def told(body: str, *, above: str = "", elsewhere: str = "") -> list[str]:
    """What is found in one test of this body."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    sources = (
        Source("test_made_up.py", f"{above}\ndef test_it(rows, other):\n{lines}\n"),
        Source("making.py", elsewhere),
    )
    return [one.reason for one in findings(Suite(sources))]


HOLLOW = {
    "a loop": "for row in rows:\n    assert row",
    "a loop over what was made": "for row in client.get('/').json():\n    assert row",
    "a loop over a part": "for row in made()['rows'][:5]:\n    assert row",
    "a loop within one that is sure": "for by in ('', 'plan'):\n    for row in show(by):\n"
                                      "        assert row",
    "a loop over a choice": "for row in [one for one in (1, 2) if right(one)]:\n    assert row",
    "an empty literal": "for row in []:\n    assert row",
    "a range of unknown length": "for number in range(len(rows)):\n    assert number",
    "pairs with unknown": "for row, one in zip(rows, (1, 2)):\n    assert row == one",
    "a while": "while rows:\n    assert rows.pop()",
    "all": "assert all(row['value'] for row in rows)",
    "all of two": "assert all(row for row in rows) and all(one for one in other)",
    "not any": "assert not any(row.wrong for row in rows)",
    "no wrong ones": "assert [row for row in rows if row.wrong] == []",
    "none of the wrong ones": "assert not {row.name for row in rows if row.wrong}",
    "a subset": "assert {row.name for row in rows} <= {'a', 'b'}",
    "raises in a loop": "for row in rows:\n    with pytest.raises(ValueError):\n        read(row)",
    "an if": "if rows:\n    assert rows[0] == 1",
    "an if in a loop that is sure": "for one in (1, 2):\n    if one in rows:\n        assert one",
    "a constant": "assert True",
    "a tuple": "assert (rows == [], 'no rows')",
    "swallowed": "try:\n    assert rows\nexcept Exception:\n    pass",
    "suppressed": "with contextlib.suppress(AssertionError):\n    assert rows",
}
SOLID = {
    "the whole": "assert rows == [1]",
    "a count before": "assert len(rows) == 2\nfor row in rows:\n    assert row",
    "rows before": "assert rows\nassert all(row for row in rows)",
    "rows beside": "assert all(row for row in rows) and rows",
    "a tuple written out": "for one in ('a', 'b'):\n    assert one in rows",
    "a name for it": "names = ['a']\nfor place, one in enumerate(names):\n    assert rows[place]",
    "a dict written out": "for key, value in {'a': 1}.items():\n    assert rows[key] == value",
    "strict pairs": "for row, one in zip(rows, (1, 2), strict=True):\n    assert row == one",
    "a range": "for number in range(3):\n    assert rows[number]",
    "all of what is written": "assert all(one in rows for one in ('a', 'b'))",
    "either way": "if rows:\n    assert rows == [1]\nelse:\n    assert other",
    "a raise": "with pytest.raises(ValueError):\n    read(rows)",
    "raised again": "try:\n    assert rows\nexcept Exception:\n    raise",
    "another error": "try:\n    assert rows\nexcept KeyError:\n    pass",
    "in the end": "for row in rows:\n    assert row\nelse:\n    assert other",
}


@pytest.mark.parametrize("name", HOLLOW)
def test_what_passes_on_nothing_is_found(name: str) -> None:
    assert told(HOLLOW[name]) == ["passes on nothing"]


@pytest.mark.parametrize("name", SOLID)
def test_what_fails_on_nothing_is_not_found(name: str) -> None:
    assert told(SOLID[name]) == []


def test_a_test_without_an_assertion_is_found() -> None:
    assert told("show(rows)") == ["asserts nothing"]
    assert told("with contextlib.suppress(KeyError):\n    show(rows)") == ["asserts nothing"]


def test_constants_are_known_from_here_and_from_elsewhere() -> None:
    body = "for one in NAMES:\n    assert one in rows"
    assert told(body) == ["passes on nothing"]
    assert told(body, above="NAMES = ('a', 'b')") == []
    assert told(body, elsewhere="NAMES = ('a', 'b')") == []
    assert told(body, above="NAMES = made()") == ["passes on nothing"]


def test_parameters_are_known() -> None:
    body = "for one in other:\n    assert one in rows"
    assert told(body, above="@pytest.mark.parametrize('other', ['ab', 'c'])") == []
    assert told(body, above="@pytest.mark.parametrize('rows', [['ab']])") == ["passes on nothing"]


def test_what_a_called_function_asserts_counts_as_its_own() -> None:
    sure = "def holds(rows):\n    assert rows == [1]\n"
    hollow = "def holds(rows):\n    for row in rows:\n        assert row\n"
    assert told("holds(rows)", elsewhere=sure) == []
    assert told("holds(rows)", elsewhere=hollow) == ["passes on nothing"]
    # That an address answered says nothing of the rows in the answer.
    assert told("for row in holds(rows):\n    assert row", elsewhere=sure) == ["passes on nothing"]


@pytest.mark.parametrize(("written", "expected"), [
    ("pytest.skip()", 1), ("pytest.skip('no browser')", 0), ("pytest.skip(reason='none')", 0),
    ("pytest.mark.skipif(True)", 1), ("pytest.mark.skipif(True, reason='none')", 0),
    ("pytest.mark.xfail(strict=True)", 1), ("pytest.mark.xfail(reason='later')", 0),
    ("pytest.mark.skip", 1), ("pytest.mark.xfail", 1), ("pytest.mark.skip(reason='none')", 0),
])
def test_a_skip_says_why(written: str, expected: int) -> None:
    assert told("assert rows", above=f"mark = {written}").count(
        "is skipped without a reason"
    ) == expected
