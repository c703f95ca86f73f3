"""Migrations of the state database, by Alembic; ``database.py`` runs them when it opens a database."""
