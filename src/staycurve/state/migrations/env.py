"""What Alembic runs around the migrations: in the transaction of whoever asked for them."""

from __future__ import annotations

from alembic import context

from staycurve.state import work_models  # noqa: F401  (its tables belong to the metadata)
from staycurve.state.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
