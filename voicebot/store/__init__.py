"""What survives a restart: SQLAlchemy models and Alembic migrations."""
