"""[usage.actions]: several events under one name, wherever a question names an event."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from staycurve import config
from staycurve.errors import ConfigError, UnknownNameError
from staycurve.workspace import Company
from tests.insights.usage_company import at_random, company_of

SETTINGS = '[usage.actions]\nboth = ["a", "b[platform=web]"]\nplain = ["c", "d"]\n'
AS_OF = "2024-04-01"
ASK: dict[str, Callable[[Company], Any]] = {
    "retention": lambda c: c.usage.retention(
        per="week", start="both", back="plain", first="2024-01-08", last="2024-03-04", as_of=AS_OF),
    "lifecycle": lambda c: c.usage.lifecycle(
        per="month", event="plain", first="2024-01", last="2024-03", as_of=AS_OF),
    "activity": lambda c: c.usage.activity(day="2024-02-20", event="both", as_of=AS_OF),
    "web alone": lambda c: c.usage.activity(
        day="2024-02-20", event="both[platform=web]", as_of=AS_OF),
    "funnel": lambda c: c.usage.funnel(
        steps=["both", "plain", "both"], window="6d", first="2024-01", last="2024-03",
        exclude=["plain@2-3"], as_of=AS_OF),
    "paths": lambda c: c.usage.paths(
        anchor="both", within="2d", size=1, first="2024-01", last="2024-03", as_of=AS_OF),
}


def test_an_action_is_as_if_its_events_had_one_name(tmp_path: Path) -> None:
    events = at_random(5)
    renamed = [
        dataclasses.replace(
            one,
            name="both" if one.name == "a" or (one.name == "b" and one.platform == "web")
            else "plain" if one.name in ("c", "d") else one.name,
        )
        for one in events
    ]
    with (
        company_of(tmp_path / "p", events, settings=SETTINGS) as company,
        company_of(tmp_path / "q", renamed) as plain,
    ):
        for name, ask in ASK.items():
            found, expected = ask(company), ask(plain)
            if name == "paths":
                # What follows goes by the events' own names.
                assert found.totals == expected.totals
                continue
            assert found.rows == expected.rows, name
            assert expected.rows
            assert getattr(found, "totals", ()) == getattr(expected, "totals", ())
        with pytest.raises(UnknownNameError, match="Did you mean 'plain'"):
            company.usage.lifecycle(event="plane")


def test_an_action_that_nobody_did_is_zero_with_a_note(tmp_path: Path) -> None:
    settings = '[usage.actions]\nnever = ["x", "y"]\n'
    with company_of(tmp_path / "p", at_random(5, count=20), settings=settings) as company:
        found = company.usage.funnel(steps=["a", "never"], as_of=AS_OF)
        assert "Nobody has done the event 'never' yet." in found.notes
        assert found.rows[1].count == 0


def test_a_part_that_nobody_did_is_said(tmp_path: Path) -> None:
    settings = '[usage.actions]\nhalf = ["a", "bee", "b[platfrm=web]"]\nboth = ["a", "b"]\n'
    events = [
        dataclasses.replace(one, name="bees" if one.name == "c" else one.name)
        for one in at_random(5, count=60)
    ]
    with company_of(tmp_path / "p", events, settings=settings) as company:
        for ask in (
            lambda name: company.usage.lifecycle(event=name, as_of=AS_OF),
            lambda name: company.usage.retention(start=name, as_of=AS_OF),
            lambda name: company.usage.trends(event=name, as_of=AS_OF),
        ):
            assert {note for note in ask("half").notes if "part of" in note} == {
                "Nobody has done the event 'bee' yet. Did you mean 'bees'? It is part of 'half'.",
                "Nobody has done 'b[platfrm=web]' yet. Did you mean 'platform'? "
                "It is part of 'half'.",
            }
            assert not any("Nobody" in note for note in ask("both").notes)


def test_actions_do_not_touch_the_usage_tables() -> None:
    with_actions = config.parse(f'[company]\nname = "A"\ncurrency = "USD"\n{SETTINGS}')
    without = config.parse('[company]\nname = "A"\ncurrency = "USD"\n')
    assert with_actions.usage_hash == without.usage_hash
    assert dict(with_actions.behaviour.usage.actions) == {
        "both": ("a", "b[platform=web]"), "plain": ("c", "d")}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("empty = []", "names no event of the action 'empty'"),
        ('"a[b]" = ["x"]', "has an action 'a[b]'"),
        ('"feature:a" = ["x"]', "has an action 'feature:a'"),
        ('"" = ["x"]', "has an action ''"),
        ('one = "x"', "takes names, each with a list of events, not 'x'"),
        ('one = [""]', "an empty one names nothing"),
        ("one = [1]", "actions.one, item 1, takes a list of texts, not 1"),
    ],
)
def test_what_is_no_action_is_said(lines: str, said: str) -> None:
    with pytest.raises(ConfigError) as found:
        config.parse(f'[company]\nname = "A"\ncurrency = "USD"\n[usage.actions]\n{lines}\n')
    assert said in str(found.value)
