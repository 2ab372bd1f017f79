"""Every table of app state, whichever theme brings it: a person planted in each is forgotten."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Float,
    Integer,
    String,
    Table,
    text,
)

from staycurve.state import personal
from staycurve.state.database import Database
from staycurve.state.metadata import metadata
from staycurve.state_place import StatePlace
from staycurve.tables.person.files import database
from staycurve.tables.person.terms import Terms
from tests.state.postgres import Server

# An ID so short that it is looked for in columns of IDs alone.
ID, MAIL, NAME = "u7", "Anna.Keller@acme.example", "Anna Keller"
TERMS = Terms.of((ID,), (MAIL,), (NAME,))
SAID = f"Call {NAME}, {MAIL}"
BYTES = [MAIL.lower().encode(), NAME.lower().encode()]


def planted(column: Column[Any], number: int) -> Any:
    """A value of a column that tells of the person where it can."""
    kind, own = column.info.get("person"), getattr(column.type, "impl", column.type)
    if kind is not None:
        return {"user_id": ID, "email": MAIL, "name": NAME, "text": SAID}[kind]
    if column.foreign_keys:
        return number
    if isinstance(column.type, JSON):
        return {"user_id": ID, "email": MAIL, "name": NAME, "said": [SAID]}
    if isinstance(column.type, String):
        longest = column.type.length or 2000
        return SAID if longest >= len(SAID) and not is_one_of_few(column) else "x"
    if isinstance(own, Boolean):
        return False
    if isinstance(own, Integer | Float):
        return 1
    if isinstance(own, DateTime):
        return dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    if isinstance(own, Date):
        return dt.date(2026, 1, 2)
    return None


def is_one_of_few(column: Column[Any]) -> bool:
    """Whether a column takes none but words that a constraint lists."""
    checks = [one for one in column.table.constraints if isinstance(one, CheckConstraint)]
    return any(re.search(rf"\b{column.name}\b.* IN ", str(one.sqltext)) for one in checks)


def tables() -> list[Table]:
    found = [table for table in metadata().sorted_tables if table.columns]
    assert len(found) > 20
    return found


def planted_in(database_of: Database) -> None:
    with database_of.bare() as connection:
        # What a row must be is not what is tested: any text may come to stand in any column.
        connection.execute(text("PRAGMA ignore_check_constraints=ON"))
        for table in tables():
            constrained = [one for one in table.columns if is_one_of_few(one)]
            assert all(one.info.get("person") is None for one in constrained)
            row = {column.name: planted(column, 1) for column in table.columns}
            connection.execute(table.insert().values(row))


def rows_of(database_of: Database) -> dict[str, dict[str, Any]]:
    with database_of.reading() as session:
        found = {
            table.name: dict(session.execute(table.select()).mappings().one())
            for table in tables()
        }
    return found


def test_nothing_of_a_person_is_left_in_any_table(tmp_path: Path) -> None:
    own = Database(tmp_path, StatePlace())
    with own.writing():
        pass
    planted_in(own)
    held = personal.clean(own, TERMS, is_kept=True)
    assert personal.clean(own, TERMS, is_kept=False).keys() == held.keys()
    own.close()
    database(tmp_path / "app.db", TERMS, is_kept=False)
    body = (tmp_path / "app.db").read_bytes().lower()
    assert [one for one in BYTES if one in body] == []
    after = rows_of(own)
    marked = 0
    for table in tables():
        for column in table.columns:
            kept = after[table.name][column.name]
            if column.info.get("person"):
                assert kept != planted(column, 1), (table.name, column.name)
                assert ID not in str(kept).split(), (table.name, column.name)
                marked += 1
            elif isinstance(column.type, JSON):
                # IDs in JSON stand under names that tell that they are.
                told = kept if isinstance(kept, dict) else json.loads(kept)
                assert told["user_id"].startswith(TERMS.key), (table.name, column.name)
    assert marked > 25
    secrets = {"people": "password"}
    assert all(column not in held[table][0] for table, column in secrets.items())


def test_on_postgresql_nothing_lies_in_the_tables_files_either(
    tmp_path: Path, postgres: Server
) -> None:
    from staycurve.workspace import Company
    from tests.company import NOW, build

    with build(tmp_path / "project", {"accounts": """
        account_id name created_at
        acme       Acme 2024-01-01""", "users": f"""
        user_id     account_id email  name        created_at
        usr-anna-77 acme       {MAIL} Anna_Keller 2024-01-02"""}) as company:
        folder = company.folder
    toml = folder / "staycurve.toml"
    toml.write_text(f'{toml.read_text()}\n[state]\nurl = "{postgres.new()}"\n')
    with Company(folder, clock=lambda: NOW) as company:
        company.state.people.add(MAIL, "admin")
        company.state.people.add("ben@acme.example", "admin")
        company.state.annotate("2024-02-01", SAID, author=NAME)
        company.state.save_view("Anna", "/accounts", f"where=email={MAIL}", by=MAIL)
        assert held_by_server(company, text_of(MAIL)) > 0
        done = company.personal.forget("usr-anna-77", by=MAIL)
        assert {"people", "annotations", "views", "audit"} <= done.state.keys()
        assert held_by_server(company, text_of(MAIL)) == 0
        assert held_by_server(company, text_of(NAME)) == 0
        # Who forgot themselves is nobody in the log either.
        entry = next(one for one in company.state.audit() if one.what == "person.forget")
        assert entry.who.startswith(done.key)
        assert company.state.people.listed()[0].email.startswith(done.key)
    assert not (folder / "app.db").exists()


def text_of(told: str) -> str:
    return told.lower()


def held_by_server(company: Any, said: str) -> int:
    """How many of the files of the database's tables hold a text, as the server reads them."""
    with company.state.database.bare() as connection:
        connection.execute(text("CHECKPOINT"))
        paths = [row[0] for row in connection.execute(text(
            "SELECT pg_relation_filepath(oid) FROM pg_class WHERE relkind IN ('r', 't', 'i') "
            "AND relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN "
            "('public', 'pg_toast')) AND pg_relation_filepath(oid) IS NOT NULL"
        ))]
        found = 0
        for path in paths:
            body = connection.execute(
                text("SELECT pg_read_binary_file(:path, 0, 100000000, true)"), {"path": path}
            ).scalar()
            found += said.encode() in bytes(body or b"").lower()
    return found
