"""Whatever happens to a company, in whatever order: what is kept is what a full refresh computes.

STAYCURVE_SEQUENCES is how many sequences run (`make test-soundness N=1000`).
"""

from __future__ import annotations

import datetime as dt
import os
import random
import shutil
from pathlib import Path
from unittest import mock

import pytest

from staycurve.errors import LoadError, ProjectError, StaycurveError
from staycurve.sources.files import load_files
from staycurve.tables import duckdb_engine, refresh
from staycurve.workspace import Company
from tests.company import create, write_csv
from tests.invariants.answering import GRAINS, Computed, answers, computed_anew, derived, remembered
from tests.invariants.sequences import TABLES, Rows, Step, rows, sequence

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SEQUENCES = int(os.environ.get("STAYCURVE_SEQUENCES", "60"))
IS_THOROUGH = SEQUENCES > 60
"""Longer sequences, and what is answered at the end of each: some four seconds a sequence."""

FIRST = int(os.environ.get("STAYCURVE_FIRST_SEQUENCE", "0"))
GROUP = 5
"""Sequences of one test: few enough that a failure is found again fast."""


class Life:
    """One company, step by step, as the command line would lead it."""

    def __init__(self, folder: Path, text: str) -> None:
        self.folder = folder
        self.now = START
        self.computed: Computed = {}
        create(folder / "project").close()
        self.write(text)
        self.company = self.opened(folder / "project")

    def opened(self, folder: Path) -> Company:
        return Company(folder, clock=lambda: self.now)

    def write(self, text: str) -> None:
        (self.folder / "project" / "staycurve.toml").write_text(text, encoding="utf-8")

    def configure(self, text: str) -> None:
        self.write(text)
        self.company.close()
        self.company = self.opened(self.folder / "project")

    def load(self, step: Step) -> None:
        paths = [
            write_csv(self.folder / f"{table}.csv", given) for table, given in step.tables.items()
        ]
        load_files(
            self.company.lake, self.company.config, paths, now=self.now,
            is_complete=step.kind == "replace",
        )

    def take(self, step: Step) -> None:
        """Let one step happen; a refusal is an answer, and changes nothing."""
        self.now += dt.timedelta(hours=1)
        books, given = self.company.books, step.given
        try:
            if step.kind in ("load", "replace"):
                self.load(step)
            elif step.kind == "undo":
                loads = self.company.loads()
                last = given["last"]
                load = loads[-last].load if last and last <= len(loads) else None
                books.undo(load, is_restating=given["is_restating"])
            elif step.kind == "adjust":
                books.adjust(**given, author="Ana", reason="The bank said so")
            elif step.kind == "close":
                books.close(given["month"])
            elif step.kind == "settings":
                self.configure(step.text)
            elif step.kind == "zone":
                self.refuse(step.text)
        except StaycurveError:
            assert step.kind not in ("settings", "zone")
        if self.company.is_due():
            self.company.refresh()

    def refuse(self, text: str) -> None:
        """Another time zone is refused, by readers and by loads, and setting it back is enough."""
        path = self.folder / "project" / "staycurve.toml"
        before = path.read_text(encoding="utf-8")
        is_loaded = "timezone" in self.company.snapshot.meta
        self.configure(text)
        if is_loaded:
            with pytest.raises(ProjectError, match="timezone"):
                self.company.show("mrr")
            with pytest.raises(LoadError, match="timezone"):
                self.load(Step("load", tables={"accounts": [{"account_id": "a"}]}))
        self.configure(before)

    def full(self) -> Company:
        """The company in another folder, without what is kept beside the lake, computed anew."""
        target = self.folder / "anew"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(
            self.folder / "project", target, ignore=shutil.ignore_patterns(".tmp", "files")
        )
        anew = self.opened(target)
        anew.refresh(is_full=True)
        return anew

    def check(self) -> None:
        """What is kept is what its statements say of all that is loaded."""
        assert not self.company.is_due()
        if "ledger" in self.company.snapshot.meta:
            assert derived(self.company) == computed_anew(self.company, self.computed)

    def check_answers(self, grain: str, part: int) -> None:
        """Answers are those of a company whose tables were all written anew; see `answers`."""
        with self.full() as anew:
            assert derived(self.company) == derived(anew)
            assert remembered(self.company) == remembered(anew)
            assert not anew.is_due()
            assert answers(self.company, [grain], part) == answers(anew, [grain], part)


def run(folder: Path, seed: int) -> None:
    """Check a sequence after every step; a failure tells the seed and the steps so far."""
    text, steps = sequence(seed, 7 if IS_THOROUGH else 3)
    assert steps
    life = Life(folder, text)
    # In a small company most accounts change at once; replace them one by one all the same.
    share = refresh.FULL_SHARE if seed % 6 == 0 else 10.0
    done: list[str] = []
    with (
        mock.patch.object(refresh, "FULL_SHARE", share),
        # Of a handful of rows a second thread computes nothing, and starting it costs.
        mock.patch.object(duckdb_engine.os, "cpu_count", return_value=1),
        mock.patch.object(os, "fsync"),
    ):
        try:
            for step in steps:
                done.append(str(step))
                life.take(step)
                life.check()
            # Answers rest on the tables alone, which were compared after every step.
            if IS_THOROUGH or seed % 12 == 1:
                life.check_answers(GRAINS[seed % len(GRAINS)], seed // len(GRAINS) % 2)
        except BaseException as error:
            error.add_note(f"seed {seed}, {text}\n" + "\n".join(done))
            raise
        finally:
            life.company.close()


@pytest.mark.parametrize("group", range(-(-SEQUENCES // GROUP)))
def test_what_is_kept_is_what_a_full_refresh_computes(group: int, tmp_path: Path) -> None:
    seeds = range(FIRST + group * GROUP, FIRST + min((group + 1) * GROUP, SEQUENCES))
    assert seeds
    for seed in seeds:
        run(tmp_path / str(seed), seed)
        shutil.rmtree(tmp_path / str(seed))


def chunks(pick: random.Random, given: dict[str, Rows]) -> list[dict[str, Rows]]:
    """The rows in another order, in up to four files of each table."""
    found: list[dict[str, Rows]] = []
    for table, whole in given.items():
        mixed = pick.sample(whole, len(whole))
        size = pick.randint(1, len(mixed))
        found += [{table: mixed[at : at + size]} for at in range(0, len(mixed), size)]
    return pick.sample(found, len(found))


@pytest.mark.parametrize("seed", range(max(4, SEQUENCES // 50)))
def test_rows_in_any_order_and_any_chunks_give_equal_answers(seed: int, tmp_path: Path) -> None:
    pick = random.Random(seed)
    text, _ = sequence(seed)
    given = {table: rows(pick, table) for table in dict.fromkeys(TABLES)}
    said = []
    for place in range(2):
        life = Life(tmp_path / str(place), text)
        with life.company, mock.patch.object(refresh, "FULL_SHARE", 10.0):
            for piece in chunks(pick, given) if place else [given]:
                life.take(Step("load", tables=piece))
            assert not life.company.is_due()
            said.append(answers(life.company, ("month", GRAINS[1 + seed % 4])))
    assert len(said[0]) >= 10
    assert said[0] == said[1], given
