"""The console: GraphiQL, built from `source/` into `built/` and served from here, behind the sign-in pages."""

from hub.web.console.built import Built, NotBuilt
from hub.web.console.routes import console_routes

__all__ = ["Built", "NotBuilt", "console_routes"]
