"""What goes into the authorization server and what comes out: values, so that it needs to know no web framework."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Payload, OAuth2Request

from hub.auth.clients import Client
from hub.auth.dpop import Proof

Headers: TypeAlias = tuple[tuple[str, str], ...]
VALUE_CHARS_MAX: Final = 16_384
JSON: Final = ("Content-Type", "application/json")
NO_STORE: Final[Headers] = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))


@dataclass(frozen=True, slots=True)
class Form:
    """A request as the web hands it over."""

    fields: tuple[tuple[str, str], ...]
    """Parameters in order, decoded."""
    proofs: tuple[str, ...] = ()
    """Every header DPoP."""
    authorization: bool = False
    """Whether there was a header Authorization, which no endpoint takes."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. A body of text is HTML, any other JSON; an empty one is nothing."""

    status: int
    body: Mapping[str, Any] | str | None = None
    headers: Headers = field(default=())

    def header(self, name: str) -> str | None:
        """Give a header's value."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def with_headers(self, *more: tuple[str, str]) -> "Reply":
        """Give the same answer with more headers."""
        return Reply(self.status, self.body, (*self.headers, *more))


class Payload(OAuth2Payload):
    """Parameters. One that comes twice refuses the request (RFC 6749, section 3.2), one that is empty is absent."""

    def __init__(self, fields: tuple[tuple[str, str], ...]) -> None:
        self._datalist: dict[str, list[str]] = defaultdict(list)
        for name, value in fields:
            if value:
                self._datalist[name].append(value)
        self._data = {name: values[0] for name, values in self._datalist.items()}

    @property
    def data(self) -> dict[str, str]:
        """The parameters."""
        return self._data

    @property
    def datalist(self) -> dict[str, list[Any]]:
        """The parameters with all their values, as Authlib asks for them."""
        return self._datalist

    def refuse_repeated(self) -> None:
        """Refuse a parameter that comes twice, or one of absurd size.

        Raises:
            InvalidRequestError: there is one.
        """
        for name, values in self._datalist.items():
            if len(values) > 1 and name != "resource":
                raise InvalidRequestError("A parameter comes more than once.")
            if len(name) + len(values[0]) > VALUE_CHARS_MAX or "\x00" in values[0]:
                raise InvalidRequestError("A parameter is too long, or is no text.")


class Request(OAuth2Request):
    """A request as Authlib sees it, with what the hub adds to it."""

    payload: Payload
    client: Client | None
    proof: Proof | None
    jkt: str | None
    """Thumbprint a code is to be bound to: RFC 9449, section 10."""

    def __init__(self, url: str, form: Form) -> None:
        # Authlib refuses http outside loopback. Which address is safe is settled by the settings, not here.
        super().__init__("POST", "https:" + url.partition(":")[2], headers={})
        self.url = url
        self.payload = Payload(form.fields)
        self.form_values = form
        self.proof = None
        self.jkt = None

    @property
    def args(self) -> dict[str, str | None]:
        """Give no query: parameters come in the body."""
        return {}

    @property
    def form(self) -> dict[str, str]:
        """The parameters."""
        return self.payload.data

    def given(self, name: str) -> str | None:
        """Give a parameter."""
        return self.payload.data.get(name)
