"""The hub's errors: one shallow tree.

An error carries a stable `code`, a sentence fit for strangers, and typed facts for those who may see them. Only `web`
turns it into an answer, only `cli` into an exit. A bug is an `assert` or a crash, never one of these.

    HubError
        SettingsRefused     a setting has a value the hub cannot start with
        StoreUnavailable    the database does not answer, or has no connection free
        QueryTimeout        a statement took longer than it may
        DataRejected        data that were offered are not fit to be kept
"""

from typing import ClassVar


class HubError(Exception):
    """What the hub answers for."""

    code: ClassVar[str] = "hub_error"
    public: ClassVar[str] = "The hub could not do this."

    def __init__(self, **facts: object) -> None:
        super().__init__(self.code)
        self.facts = facts

    def __str__(self) -> str:
        """Show code, sentence and facts, for operators; strangers get `public` only."""
        facts = ", ".join(f"{name}={value!s}" for name, value in self.facts.items())
        return f"{self.code}: {self.public}" + (f" ({facts})" if facts else "")


class SettingsRefused(HubError):
    """A setting has a value the hub cannot start with."""

    code = "settings_refused"
    public = "The hub does not start with these settings."

    def __init__(self, *, setting: str, reason: str) -> None:
        super().__init__(setting=setting, reason=reason)
        self.setting = setting
        self.reason = reason


class StoreUnavailable(HubError):
    """The database does not answer, or has no connection free in time."""

    code = "store_unavailable"
    public = "The database does not answer now. Try again soon."

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)
        self.reason = reason


class QueryTimeout(HubError):
    """A statement took longer than it may."""

    code = "query_timeout"
    public = "The answer took too long to gather. Ask for less at once."

    def __init__(self, *, timeout_ms: int) -> None:
        super().__init__(timeout_ms=timeout_ms)
        self.timeout_ms = timeout_ms


class DataRejected(HubError):
    """Data that were offered are not fit to be kept."""

    code = "data_rejected"
    public = "The data were not taken in."

    def __init__(self, reason: str, **facts: object) -> None:
        super().__init__(reason=reason, **facts)
        self.reason = reason
