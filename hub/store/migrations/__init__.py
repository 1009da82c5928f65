"""Alembic's folder. `hub.store.migrate` runs it; there is no alembic.ini."""
