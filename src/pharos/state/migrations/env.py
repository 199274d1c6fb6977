"""What Alembic runs: the missing migrations, on the connection that it was given."""

from __future__ import annotations

from alembic import context

# The caller's transaction holds all of it: no migration commits by itself.
context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,
    transaction_per_migration=False,
)
context.run_migrations()
