"""A lake on an object store: the same answers as in a folder, and nothing half done.

The store is moto's server, in a process of its own, on this machine.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow.parquet as pq
import pytest

from staycurve import config as configuration
from staycurve.config import FromEnvironment, LakePlace
from staycurve.errors import ConfigError, LakeError, ProjectError
from staycurve.sources.files import load_files
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.lake import Lake
from staycurve.tables.spark import SparkEngine, _schema_of
from staycurve.tables.store import opened
from staycurve.tables.stores import open_store
from staycurve.workspace import Company
from tests.books.keeping import Bookkeeper
from tests.company import rows_of, write_csv
from tests.invariants.test_interruption import run_dying
from tests.invariants.test_loading import split
from tests.oracle.companies import Seeded, company

SERVER = """
import logging, sys
from moto.server import ThreadedMotoServer
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""
HEAD = "subscription_id account_id starts_at ends_at amount\n"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a store that has the bucket `acme`."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )
    assert process.stdout is not None
    address = f"http://127.0.0.1:{process.stdout.readline().strip()}"
    ask(f"{address}/acme", "PUT")
    yield address
    process.communicate("")


def ask(address: str, method: str, data: bytes = b"") -> None:
    request = urllib.request.Request(
        address, data=data, method=method, headers={"Content-Type": "text/plain"}
    )
    urllib.request.urlopen(request, timeout=20).close()


def settings(server: str, url: str) -> str:
    return f"""lake = "{url}"
[lake_options]
AWS_ENDPOINT_URL = "{server}"
AWS_ALLOW_HTTP = true
AWS_REGION = "eu-central-1"
AWS_ACCESS_KEY_ID = "somebody"
AWS_SECRET_ACCESS_KEY = {{ env = "STORE_SECRET" }}
"""


def far(folder: Path, server: str, url: str) -> Bookkeeper:
    """A company whose tables lie at `url`."""
    books = Bookkeeper(folder)
    books.company.close()
    path = folder / "project" / "staycurve.toml"
    path.write_text(settings(server, url) + path.read_text())
    books.company = Company(folder / "project", clock=lambda: books.now)
    return books


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_SECRET", "a secret")


@pytest.fixture(scope="module")
def home(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bookkeeper]:
    """A small company on the store, for tests that leave it as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORE_SECRET", "a secret")
        books = far(tmp_path_factory.mktemp("home"), server, "s3://acme/home")
        books.load(subscriptions=HEAD + "s1 a 2024-01-01 2024-03-01 10\ns2 b 2024-01-15 - 20")
    yield books
    books.company.close()


def test_the_same_answers_as_in_a_folder(server: str, tmp_path: Path) -> None:
    tables = company(Seeded(5), 4, 3)
    first, more = split(tables, random.Random(5))
    # Rows that are there already come once more.
    second = {**more, "subscriptions": [*more["subscriptions"], *first["subscriptions"][:2]]}
    found = []
    for name in ("near", "far"):
        folder = tmp_path / name
        folder.mkdir()
        books = Bookkeeper(folder) if name == "near" else far(folder, server, "s3://acme/a/same")
        states: list[Any] = []
        for part in (first, second):
            load_rows(books, part)
            states.append(books.state())
        states += [[row["rows"] for row in books.company.tables()]]
        books.undo(2, is_restating=True)
        books.company.refresh()
        states.append(books.state())
        shown = books.company.show("mrr", "customers", "nrr", by="plan").as_dict()
        known = books.company.show("mrr", known_at="2026-01-01T01:30:00Z").as_dict()
        found.append((states, shown, known))
        if name == "far":
            books.company.refresh(is_full=True)
            assert books.state() == states[-1]
        books.company.close()
    near, there = found
    assert near == there
    assert not list((tmp_path / "far" / "project").rglob("*.parquet"))


def load_rows(books: Bookkeeper, tables: Any) -> None:
    books.now = books.now.replace(hour=books.now.hour + 1)
    paths = [write_csv(books.folder / f"{name}.csv", rows) for name, rows in tables.items() if rows]
    load_files(books.company.lake, books.company.config, paths, now=books.now)
    books.company.refresh()


def test_a_second_reader_sees_what_was_written(home: Bookkeeper) -> None:
    with Company(home.folder / "project", clock=lambda: home.now) as ours:
        rows = ours.accounts("mrr", period="2024-01").rows
    nobody = {"name": None, "plan": None, "owner": None}
    assert rows == [
        {"account_id": "a", "value": 10.0, **nobody}, {"account_id": "b", "value": 20.0, **nobody}
    ]


def test_places_of_rows_and_footers_are_read_there_too(home: Bookkeeper) -> None:
    lake = home.company.lake
    files = lake.files(lake.pointer.latest(), "subscriptions")
    assert all(file.startswith("s3://acme/home/subscriptions/") for file in files)
    listed = ", ".join(f"'{file}'" for file in files)
    with Engine(home.folder / "project" / ".tmp") as engine:
        rows = engine.rows(
            f"SELECT filename, file_row_number FROM read_parquet([{listed}], filename=true, "
            "file_row_number=true) ORDER BY ALL"
        )
        latest = engine.latest(files, ["starts_at"])
    assert {name for name, _ in rows} == set(files)
    assert sorted(place for _, place in rows) == [0, 1]
    assert str(latest[0]) == "2024-01-15 00:00:00"
    assert sum(pq.read_metadata(opened(file)).num_rows for file in files) == 2
    assert "`amount` BIGINT" in _schema_of(files[0])


@pytest.mark.parametrize(
    "point", [("_commit", 1, "after"), ("move", 1, "before")]
)
def test_a_writer_that_dies_leaves_the_lake_as_it_was(
    point: tuple[str, int, str], server: str, tmp_path: Path
) -> None:
    books = far(tmp_path, server, f"s3://acme/dies/{'-'.join(map(str, point))}")
    books.load(subscriptions=HEAD + "s1 a 2024-01-01 - 10")
    before = books.state()
    more = HEAD + "s1 a 2024-01-01 - 12\ns2 b 2024-02-01 - 20"
    file = write_csv(tmp_path / "subscriptions.csv", rows_of(more))
    words = ("--project", str(tmp_path / "project"), "load", str(file))
    assert run_dying(*point, *words) == -signal.SIGKILL
    with Company(tmp_path / "project", clock=lambda: books.now) as ours:
        books.company = ours
        assert books.state() == before
        books.load(subscriptions=more)
        assert ours.show("mrr", as_of="2024-02-02").rows[-1]["value"] == 32
    assert not list((tmp_path / "project" / ".tmp").glob("spill-*"))


def test_a_load_that_fails_leaves_neither_rows_nor_files(home: Bookkeeper) -> None:
    before = home.state()
    store = home.company.lake.store
    taken: list[str] = []
    take = store.take

    def fails(table: str, files: Any) -> list[str]:
        if len(taken) > 1:
            raise LakeError("The object store of s3://acme/home does not answer.")
        taken.extend(take(table, files))
        return taken[-1:]

    with mock.patch.object(store, "take", fails), pytest.raises(LakeError, match="not answer"):
        home.load(subscriptions=HEAD + "s1 a 2024-01-01 - 99")
    assert home.state() == before
    assert taken
    for address in taken:
        with pytest.raises(LakeError, match="not there any more"):
            pq.read_metadata(opened(address))


def test_a_store_that_is_away_is_said_at_once(home: Bookkeeper, server: str) -> None:
    path = home.folder / "project" / "staycurve.toml"
    kept = path.read_text()
    lake = home.company.lake
    state = lake.pointer.latest()
    file = write_csv(home.folder / "more.csv", rows_of(HEAD + "s9 z 2024-01-01 - 1"))
    try:
        path.write_text(kept.replace(server, "http://127.0.0.1:9"))
        began = time.monotonic()
        with (
            Company(path.parent, clock=lambda: home.now) as ours,
            pytest.raises(LakeError, match="does not answer"),
        ):
            ours.show("mrr")
        done = subprocess.run(
            [sys.executable, "-c", "from staycurve.interfaces.cli import main; main()",
             "--project", str(path.parent), "load", "--table", "subscriptions", str(file)],
            capture_output=True, text=True, check=False, timeout=60,
        )
        assert time.monotonic() - began < 40
        assert done.returncode == 1
        assert done.stderr.splitlines() == [
            "staycurve: The object store of s3://acme/home does not answer.",
            "Is the network there, and the address in [lake_options] of staycurve.toml right? "
            "Nothing was changed.",
        ]
    finally:
        path.write_text(kept)
    assert lake.pointer.latest() == state


def test_a_store_that_goes_away_while_files_are_read(home: Bookkeeper, server: str) -> None:
    lake = home.company.lake
    files = lake.files(lake.pointer.latest(), "subscriptions")
    elsewhere = Lake(home.folder / "project")
    with (
        mock.patch.object(
            elsewhere.store, "_resolved",
            return_value=lake.store.options | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
        ),
        Engine(home.folder / "project" / ".tmp") as engine,
        pytest.raises(LakeError, match="does not answer"),
    ):
        engine.rows(f"SELECT * FROM read_parquet(['{files[0]}'])")
    Lake(home.folder / "project")


def test_a_bucket_that_is_not_there(home: Bookkeeper, tmp_path: Path, server: str) -> None:
    books = far(tmp_path, server, "s3://nobody/lake")
    with pytest.raises(LakeError, match="There is no bucket for s3://nobody/lake"):
        books.load(subscriptions=HEAD + "s1 a 2024-01-01 - 10")
    books.company.close()


def test_a_wrong_key(home: Bookkeeper, server: str) -> None:
    ask(f"{server}/moto-api/reset-auth", "POST", b"0")
    try:
        with (
            Company(home.folder / "project", clock=lambda: home.now) as ours,
            pytest.raises(LakeError, match="refuses the key for s3://acme/home"),
        ):
            ours.show("mrr")
    finally:
        ask(f"{server}/moto-api/reset-auth", "POST", b"inf")


def test_a_secret_that_is_not_set(home: Bookkeeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STORE_SECRET")
    with (
        Company(home.folder / "project", clock=lambda: home.now) as ours,
        pytest.raises(ConfigError, match="variable STORE_SECRET, which is not set"),
    ):
        ours.show("mrr")


def test_two_projects_do_not_share_a_place(home: Bookkeeper, server: str, tmp_path: Path) -> None:
    before = home.state()
    other = far(tmp_path, server, "s3://acme/home")
    with pytest.raises(ProjectError, match="holds the tables of another project"):
        other.load(subscriptions=HEAD + "s1 a 2024-01-01 - 99")
    other.company.close()
    with Company(home.folder / "project", clock=lambda: home.now) as ours:
        home.company = ours
        assert home.state() == before


def test_a_lake_that_was_moved_without_its_tables(home: Bookkeeper) -> None:
    path = home.folder / "project" / "staycurve.toml"
    kept = path.read_text()
    try:
        path.write_text(kept.replace("s3://acme/home", "s3://acme/nothing"))
        with (
            Company(path.parent, clock=lambda: home.now) as ours,
            pytest.raises(LakeError, match="not there any more, below s3://acme/nothing"),
        ):
            ours.show("mrr")
    finally:
        path.write_text(kept)


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    with mock.patch.dict(sys.modules, {"obstore": None}):
        sys.modules.pop("staycurve.tables.object_store", None)
        with pytest.raises(LakeError, match="package obstore") as told:
            open_store(tmp_path, LakePlace("gs://acme/lake"))
    assert told.value.hint == "pip install 'staycurve[gcs]'"


def test_every_scheme_opens(tmp_path: Path) -> None:
    for url in ("gs://acme/lake", "abfss://lake@acme.dfs.core.windows.net/a/b", "s3://acme"):
        store = open_store(tmp_path, LakePlace(url))
        assert store.table("events") == f"{url}/events"
        assert store.lock.parent == tmp_path


def test_spark_is_given_the_addresses_that_hadoop_knows() -> None:
    engine = SparkEngine.__new__(SparkEngine)
    engine._before_path = "file://"
    assert engine._address("s3://acme/lake/a.parquet") == "s3a://acme/lake/a.parquet"
    assert engine._address("gs://acme/lake/a.parquet") == "gs://acme/lake/a.parquet"
    assert engine._address("/lake/a.parquet") == "file:///lake/a.parquet"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('lake = "ftp://host/lake"', "not an object store"),
        ('lake = "s3://bucket/a b"', "not an object store"),
        ("lake = 5", "takes a path or a URL"),
        ('lake = "/data/a[b"', "takes a path or a URL"),
        ('[lake_options]\nAWS_REGION = "x"', "for a lake on an object store"),
        ('lake = "s3://b/p"\n[lake_options]\nAWS_REGION = ["x"]', "AWS_REGION takes a text"),
        ('lakes = "s3://b/p"', "Did you mean 'lake'"),
    ],
)
def test_a_place_that_cannot_be(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        configuration.parse(text)


def test_a_place_and_its_options() -> None:
    assert configuration.parse("").lake == LakePlace()
    found = configuration.parse(settings("http://host", "s3://acme/prefix/")).lake
    assert found.where == "s3://acme/prefix"
    assert found.options["AWS_ALLOW_HTTP"] == "true"
    assert found.options["AWS_SECRET_ACCESS_KEY"] == FromEnvironment("STORE_SECRET")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"AWS_REGIONS": "x"}, "not known for s3://acme/lake: AWS_REGIONS"),
        ({"max_retries": "many"}, "max_retries = 'many' is not a whole number"),
        ({"retry_timeout": "soon"}, "retry_timeout = 'soon' is not a span of time"),
    ],
)
def test_an_option_that_cannot_be(
    options: dict[str, str], message: str, tmp_path: Path
) -> None:
    store = open_store(tmp_path, LakePlace("s3://acme/lake", options))
    with pytest.raises(ConfigError, match=message):
        _ = store.options


def test_options_of_the_log_alone_and_of_other_stores(tmp_path: Path) -> None:
    for url, options in (
        ("s3://acme/lake", {"AWS_S3_ALLOW_UNSAFE_RENAME": "true", "AWS_SESSION_TOKEN": "t"}),
        ("gs://acme/lake", {"GOOGLE_SKIP_SIGNATURE": "true", "timeout": "5s"}),
        ("abfss://lake@acme.dfs.core.windows.net/a", {"AZURE_STORAGE_ACCOUNT_KEY": "a2V5"}),
        ("abfss://lake@acme.dfs.core.windows.net/a", {"AZURE_STORAGE_SAS_TOKEN": "sv=1&sig=2"}),
    ):
        assert open_store(tmp_path, LakePlace(url, options)).options.items() >= options.items()


def test_a_folder_elsewhere_on_this_machine(tmp_path: Path) -> None:
    books = Bookkeeper(tmp_path)
    path = tmp_path / "project" / "staycurve.toml"
    path.write_text('lake = "../tables"\n' + path.read_text())
    books.company = Company(path.parent, clock=lambda: books.now)
    with pytest.raises(ProjectError, match="tables is not there"):
        books.load(subscriptions=HEAD + "s1 a 2024-01-01 - 10")
    (tmp_path / "tables").mkdir()
    books.load(subscriptions=HEAD + "s1 a 2024-01-01 - 10")
    assert list((tmp_path / "tables" / "subscriptions").glob("*.parquet"))
    assert Lake(path.parent).rows(books.company.snapshot, "subscriptions") == 1


def test_a_person_is_forgotten_in_every_object_of_the_store(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, mail, name = "s3://acme/forgetting", "anna.keller@acme.example", "Anna Keller"
    texts = [mail.encode(), name.encode(), b"usr-anna-77"]
    books = far(tmp_path, server, url)
    books.load(
        accounts="account_id name created_at\nacme Acme 2024-01-01",
        subscriptions=HEAD + "s1 acme 2024-01-01 - 10",
        users=f"user_id account_id email name created_at\n"
              f"usr-anna-77 acme {mail} Anna_Keller 2024-01-02\n"
              f"usr-ben-12 acme ben@acme.example Ben 2024-01-03",
        events=f'event_id event user_id account_id occurred_at properties\n'
               f'e1 viewed usr-anna-77 acme 2024-01-05T10:00 {{"email":"{mail}"}}\n'
               f'e2 viewed usr-ben-12 acme 2024-01-05T11:00 {{}}',
    )
    own = books.company
    store = own.lake.store

    def holding() -> list[str]:
        """Objects with something of the person, with their bytes unpacked."""
        found = []
        for address in store.every():
            body = store.read_bytes(address)
            if address.endswith(".parquet"):
                with opened(address) as file:
                    body += str(pq.read_table(file).to_pylist()).encode()
            found += [address for text in texts if text in body]
        return found

    assert holding()
    before = own.show("mau", start="2024-01", end="2024-01").rows
    assert before[0]["value"] == 2
    # Killed between an object and the log that tells its bytes.
    put, count = type(store).put, 0

    def killed(self: Any, address: str, made: Path) -> None:
        nonlocal count
        count += 1
        put(self, address, made)
        if count == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(store), "put", killed)
        with pytest.raises(KeyboardInterrupt):
            own.personal.forget("usr-anna-77")
    own.close()
    with Company(own.folder, clock=own.clock) as again:
        done = again.personal.take_up()
        assert done is not None
        assert done.tables["users"] == 1
        assert holding() == []
        assert again.show("mau", start="2024-01", end="2024-01").rows == before
        assert not [
            path for path in own.folder.rglob("*") if path.is_file()
            if any(text in path.read_bytes() for text in texts)
        ]
