"""The only SQL and the only drivers: SQLite and PostgreSQL behind one small interface."""
