"""The web: HTTP to values and back. It knows no SQL and no tables, and decides nothing."""
