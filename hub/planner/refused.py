"""Why an operation is not run: a stable code and a sentence for strangers. Nothing has touched the database yet."""

from collections.abc import Sequence
from typing import ClassVar

from graphql import GraphQLError

from hub.errors import HubError

ERRORS_MOST = 5
"""More errors than this are cut off: a list of a hundred helps nobody, and each quotes the text it is about."""


class OperationRefused(HubError):
    """The operation is refused as it stands; `code` says why."""

    code: ClassVar[str] = "BAD_OPERATION"
    public: ClassVar[str] = "The operation is refused."

    def __init__(self, code: str, message: str, **facts: object) -> None:
        super().__init__(**facts)
        self.reason_code = code
        self.message = message

    def formatted(self) -> list[dict[str, object]]:
        """Give the entries of `errors`."""
        return [{"message": self.message, "extensions": {"code": self.reason_code, **self.facts}}]


class DocumentRefused(OperationRefused):
    """The document or its variables are no valid GraphQL for this schema."""

    def __init__(self, code: str, errors: Sequence[GraphQLError]) -> None:
        super().__init__(code, errors[0].message)
        self.errors = errors[:ERRORS_MOST]

    def formatted(self) -> list[dict[str, object]]:
        """Give the entries of `errors`, with places in the document."""
        entries: list[dict[str, object]] = []
        for error in self.errors:
            entry: dict[str, object] = {"message": error.message}
            if error.locations:
                entry["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
            entry["extensions"] = {"code": self.reason_code}
            entries.append(entry)
        return entries
