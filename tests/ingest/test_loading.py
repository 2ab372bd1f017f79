"""The process that loads: followed by another when it is gone, ended when nothing waits."""

from __future__ import annotations

import os
import signal
from types import SimpleNamespace
from typing import Any

import pytest

from staycurve.interfaces.ingest.loading import MOST_IDLE, Loading
from staycurve.sources.draining import drain
from staycurve.tables import listings
from staycurve.tables.delta import KEPT
from staycurve.tables.duckdb_engine import Engine
from staycurve.workspace import inbox
from tests.ingest.conftest import Ours
from tests.ingest.test_doors import track


def loaded(ours: Ours) -> list[Any]:
    with ours.company.reading() as engine:
        return [row[0] for row in engine.rows("SELECT event_id FROM events ORDER BY 1")]


def test_a_loader_that_was_killed_is_followed_by_another(ours: Ours) -> None:
    loading = Loading(ours.company)
    try:
        loading.turn()
        assert loading.process is None
        ours.post("/v1/batch", {"batch": [track(1)]})
        assert ours.company.events.is_waiting
        loading.turn()
        assert loaded(ours) == ["m1"]
        assert not ours.company.events.is_waiting
        first = loading.process
        assert first is not None
        # What it wrote, readers find without a look at any log.
        tables, lake = ours.company.snapshot.tables, ours.company.lake
        assert "events" in tables
        for table, version in tables.items():
            root = lake.store.table(table)
            marks = listings.marks_of(lake.folder / "lake" / table / "_delta_log")
            assert marks
            place = lake.folder / KEPT / f"{table}.json"
            assert listings.kept(place, root, version, marks) is not None, table
        os.kill(first, signal.SIGKILL)
        ours.post("/v1/batch", {"batch": [track(2)]})
        loading.turn()
        assert loaded(ours) == ["m1"]
        loading.turn()
        assert loaded(ours) == ["m1", "m2"]
        assert loading.process not in (None, first)
        for _ in range(MOST_IDLE):
            loading.turn()
        assert loading.process is None
    finally:
        loading.close()


def test_what_waits_longer_than_a_load_may_take_is_the_next_ones(
    ours: Ours, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "__kwdefaults__", {**(drain.__kwdefaults__ or {}), "most": 1})
    for number in (1, 2, 3):
        ours.post("/v1/batch", {"batch": [track(number)]})
    ticks = iter(range(100))
    monkeypatch.setattr(inbox, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))
    # It begins at 0, and looks before each commit: at 1, 2 and 3.
    assert ours.company.events.bring(within=2.0).requests == 2
    assert ours.company.events.is_waiting
    assert not ours.company.is_due()
    assert ours.company.events.bring().requests == 1
    monkeypatch.undo()
    assert loaded(ours) == ["m1", "m2", "m3"]


def test_few_events_are_looked_up_in_many_not_many_in_few(ours: Ours) -> None:
    ours.post("/v1/batch", {"batch": [track(n) for n in range(5000)]})
    ours.company.events.bring()
    for number in range(5000, 5003):
        ours.post("/v1/batch", {"batch": [track(number)]})
        ours.company.events.bring()
    lake = ours.company.lake
    with lake.writing() as writing, Engine(lake.folder / ".tmp") as engine:
        paths = writing.largest_first("events")
        sizes = lake.sizes(writing.now_seen, "events")
        assert len(paths) == 4
        assert [sizes[path] for path in paths] == sorted(sizes.values(), reverse=True)
        engine.execute("CREATE TEMP TABLE k AS SELECT 'm' || i AS event_id FROM range(100) r(i)")
        listed = ", ".join(f"'{path}'" for path in paths)
        plan = str(engine.rows(
            f"EXPLAIN SELECT filename FROM read_parquet([{listed}], filename=true) t "
            "WHERE EXISTS (SELECT 1 FROM k WHERE k.event_id = t.event_id)"
        ))
    # A right semi-join holds what is looked through, and with years of events that is too much.
    assert "SEMI" in plan
    assert "RIGHT_SEMI" not in plan


def test_a_loader_ends_with_its_server(ours: Ours) -> None:
    loading = Loading(ours.company)
    assert loading.catch_up()
    process = loading._child
    assert process is not None
    assert process.stdin is not None
    # As if the server were killed: nobody says anything, its end of the pipe is gone.
    process.stdin.close()
    assert process.wait(timeout=60) == 0
    loading.close()
