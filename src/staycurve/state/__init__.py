"""App state: what people keep beside the numbers, in a relational database.

Saved views, annotations and the audit trail. SQLite in the project's directory without more, in a
file of its own, `app.db`: the pointer's `state.db` is read by every command without SQLAlchemy and
locked for a moment by every load, it belongs to the lake next to it, and it stays in the project
when app state moves to PostgreSQL.
"""
