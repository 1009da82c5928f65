"""What Alembic runs: the caller's connection and transaction, and the tables of the ground as the aim."""

from alembic import context
from sqlmodel import SQLModel

import schema.tables  # noqa: F401  # fills the metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    compare_type=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
