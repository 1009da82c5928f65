"""What operators type. Each command reads the settings, does one thing, and ends with 0 or says why not."""

from hub.cli import clients, data, demo, develop, partners, persons, serve, users
from hub.cli.base import app, main

__all__ = ["app", "clients", "data", "demo", "develop", "main", "partners", "persons", "serve", "users"]
