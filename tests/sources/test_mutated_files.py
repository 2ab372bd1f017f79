"""Mutated files: whatever a file holds, its rows are counted, and the project goes on answering.

STAYCURVE_MUTATIONS is how many files are tried; a failure names its seed.
"""

from __future__ import annotations

import io
import json
import os
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from staycurve.errors import StaycurveError
from staycurve.sources.files import FileReport, load_files
from staycurve.workspace import Company
from tests.company import NOW, create

MUTATIONS = int(os.environ.get("STAYCURVE_MUTATIONS", "60"))
GROUP = 10
ROWS = [
    {"subscription_id": f"s{n}", "account_id": f"a{n % 3}", "plan": "Pro é",
     "starts_at": f"2024-0{1 + n % 6}-01", "ends_at": "2024-09-01" if n % 2 else "",
     "interval": "month", "amount": str(10 + n), "currency": "USD"}
    for n in range(8)
]
WORDS = (
    b"999999999999999999999", b"-1", b"1e400", b"NaN", b"9999-12-31", b"0000-00-00",
    b"2024-02-30T25:61:00+99:00", b"'; DROP TABLE x; --", b'"', b"\x00", b"\xff\xfe",
    b"\xed\xa0\x80", b"\\ud800", b"{}",
    b"[[[[", b"\r", b"\n\n", b",,,,", b"=1+1", "\u202e".encode(), b"day",
    b"XXX",
)


def whole(kind: str) -> bytes:
    if kind == "csv":
        lines = [",".join(ROWS[0]), *(",".join(row.values()) for row in ROWS)]
        return ("\n".join(lines) + "\n").encode()
    if kind == "ndjson":
        return "".join(json.dumps(row) + "\n" for row in ROWS).encode()
    if kind == "json":
        return json.dumps(ROWS).encode()
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), out)
    return out.getvalue()


def mutated(pick: random.Random, data: bytes) -> bytes:
    """The bytes with one to four places cut, doubled, overwritten or filled with odd words."""
    found = bytearray(data)
    for _ in range(pick.randint(1, 4)):
        at = pick.randrange(len(found) + 1)
        to = min(len(found), at + pick.randint(1, 12))
        way = pick.randrange(5)
        if way == 0:
            del found[at:to]
        elif way == 1:
            found[at:at] = found[at:to]
        elif way == 2:
            found[at:to] = pick.choice(WORDS)
        elif way == 3:
            found[at:at] = bytes(pick.randrange(256) for _ in range(pick.randint(1, 4)))
        elif pick.random() < 0.3:
            del found[at:]
    return bytes(found)


def loaded(company: Company, path: Path) -> FileReport | StaycurveError:
    """What became of the file: its counts, or why nothing of it was loaded."""
    try:
        found, = load_files(company.lake, company.config, [path], now=NOW)
    except StaycurveError as error:
        return error
    return found.error or found


def lines_of(path: Path) -> int:
    """Lines that hold anything, counted apart from the program."""
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    return sum(bool(line.strip()) for line in io.StringIO(text, newline=None))


def answers(company: Company) -> None:
    """What everybody asks next."""
    company.show("mrr", "customers", "nrr")
    company.cohort()
    company.rejects()
    company.tables()


@pytest.mark.parametrize("group", range(-(-MUTATIONS // GROUP)))
def test_a_mutated_file_is_counted_and_the_project_answers(tmp_path: Path, group: int) -> None:
    seeds = range(group * GROUP, min((group + 1) * GROUP, MUTATIONS))
    assert seeds
    with create(tmp_path / "p") as company:
        for seed in seeds:
            pick = random.Random(seed)
            kind = pick.choice(("csv", "csv", "ndjson", "json", "parquet"))
            path = company.folder / f"subscriptions.{kind}"
            path.write_bytes(mutated(pick, whole(kind)))
            before = company.lake.rows(company.snapshot, "subscriptions")
            found = loaded(company, path)
            known = company.lake.rows(company.snapshot, "subscriptions")
            if isinstance(found, StaycurveError):
                assert (found.message, bool(found.hint), known) == (
                    found.message or "a message", True, before
                ), f"seed {seed}"
                continue
            assert known <= before + found.accepted, f"seed {seed}"
            if kind == "ndjson":
                counted = found.accepted + found.replaced + found.rejected
                assert counted == lines_of(path), f"seed {seed}"
            if company.is_due():
                company.refresh()
            try:
                answers(company)
            except StaycurveError as error:
                pytest.fail(f"seed {seed}: {error.message}")
