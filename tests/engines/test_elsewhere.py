"""The same rows from Spark Connect, from several machines' worth of executors, and as it ships."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from staycurve.demo import write_company
from staycurve.sources.files import load_files
from staycurve.workspace import Company
from tests.company import NOW, create
from tests.engines.beside import (
    FULL,
    Spark,
    copy,
    derived,
    differing,
    load_only,
    loaded,
    random_settings,
    random_tables,
)

ASKED = ("mrr", "churned_mrr", "customer_churn_rate", "nrr_12m", "trial_conversion_rate", "nps")


def same_everywhere(here: Company, there: Company, by: Mapping[str, str]) -> None:
    """Refresh both, and compare every derived table and some answers."""
    with here, there:
        here.refresh(is_full=True)
        there.refresh(is_full=True)
        ours, theirs = derived(here), derived(there)
        assert ours["mrr_movements"]
        for table, rows in ours.items():
            assert not differing(rows, theirs[table]), table
        for grain, cut in by.items():
            asked = {"grain": grain, "by": cut}
            rows = here.show(*ASKED, **asked).rows
            assert rows
            assert not differing(rows, there.show(*ASKED, **asked).rows)


def test_spark_connect(spark: Spark, tmp_path: Path) -> None:
    tables, settings = random_tables(5, 20 if FULL else 9), random_settings(6)
    here = loaded(tmp_path / "here", tables, settings)
    # The application that serves is up once a session of it has been asked for.
    with spark.of(here) as server:
        with server.reading():
            pass
        remote = Spark(f"sc://127.0.0.1:{spark.port}", {})
        there = remote.of(here, copy(here, tmp_path / "there"))
        same_everywhere(here, there, {"month": ""})
        changed = {"subscriptions": tables["subscriptions"][:2]}
        with here, there:
            for one in (here, there) if FULL else ():
                load_only(one, changed)
                assert not one.refresh().is_full
            assert derived(here) == derived(there)
            sql = "SELECT account_id, amount FROM mrr_items ORDER BY account_id, amount"
            with here.reading() as ours, there.reading() as theirs:
                pieces = [row for piece in theirs.batches(sql, 9) for row in piece]
                assert pieces == ours.rows(sql)


@pytest.mark.skipif(not FULL, reason="takes minutes; see: make test-spark")
def test_the_example_company(spark: Spark, tmp_path: Path) -> None:
    source = tmp_path / "files"
    write_company(source, accounts=300, seed=3)
    here = create(tmp_path / "here", timezone="America/New_York")
    load_files(here.lake, here.config, sorted(source.glob("*.parquet")), now=NOW)
    there = spark.of(here, copy(here, tmp_path / "there"))
    same_everywhere(here, there, {"month": "", "quarter": "industry"})


def test_answers_of_spark_as_it_ships(spark: Spark, tmp_path: Path) -> None:
    here = loaded(tmp_path / "here", random_tables(10, 12), random_settings(9))
    shipped = {key: value for key, value in spark.options.items() if ".sql." not in key}
    with here, Spark("spark", shipped).of(here) as there:
        here.refresh()
        rows = here.show(*ASKED, by="industry").rows
        assert rows
        assert not differing(rows, there.show(*ASKED, by="industry").rows)


def test_executors_of_their_own(spark: Spark, tmp_path: Path) -> None:
    here = loaded(tmp_path / "here", random_tables(9, 6), random_settings(9))
    cluster = {
        **{key: value for key, value in spark.options.items() if "connect" not in key.lower()
           and key != "spark.plugins"},
        "spark.master": "local-cluster[2,1,2048]",
        "spark.executor.memory": "2g",
    }
    there = Spark("spark", cluster).of(here, copy(here, tmp_path / "there"))
    if FULL:
        same_everywhere(here, there, {"quarter": ""})
        return
    with here, there, here.reading() as ours, there.reading() as theirs:
        for one in (ours, theirs):
            one.keep("spans", "SELECT account_id, starts_on, amount FROM subscriptions")
        sql = "SELECT account_id, MIN(starts_on), SUM(amount) FROM spans GROUP BY 1 ORDER BY 1"
        assert theirs.rows(sql) == ours.rows(sql)
        files = theirs.write("SELECT * FROM spans", tmp_path / "written")
        listed = ", ".join(f"'{file.path}'" for file in files)
        count = f"SELECT COUNT(*), SUM(amount) FROM read_parquet([{listed}])"
        assert ours.rows(count) == ours.rows("SELECT COUNT(*), SUM(amount) FROM spans")


def test_two_settings_at_once_are_refused(spark: Spark, tmp_path: Path) -> None:
    from staycurve.errors import EngineError

    here = loaded(tmp_path / "here", {}, {})
    other = Spark("spark", {**spark.options, "spark.app.name": "other"})
    with spark.of(here) as first, other.of(here) as second:
        with first.reading():
            pass
        with (
            pytest.raises(EngineError, match="computes with spark already"), second.reading()
        ):
            pass
