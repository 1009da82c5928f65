"""What goes wrong with tokens and proofs. OAuth's own errors, with their shapes, are Authlib's; these are the hub's.

HubError
    TokenRefused        an access token is not good: RFC 6750, section 3.1
        KeyUnknown      it names a key this process has not seen yet
    TokenDenied         it was good once, and is not any more
    ProviderUnavailable the OpenID provider's keys cannot be had
    ProofRefused        a DPoP proof is not good: RFC 9449, section 7.1
    KeyRefused          a client's key or key set is not fit for use
    PurposeRefused      the request declares no purpose its client may have
    ClientRefused       an operator asks for a client that cannot be
    RootKeyRefused      the root key is missing, open to others, or another one
"""

from hub.errors import HubError


class TokenRefused(HubError):
    """An access token is not good. Strangers are not told why."""

    code = "invalid_token"
    public = "The access token is not valid."

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)
        self.reason = reason


class KeyUnknown(TokenRefused):
    """A token names a key this process has not seen yet."""


class ProviderUnavailable(HubError):
    """The OpenID provider's keys cannot be had, so its tokens cannot be checked."""

    code = "PROVIDER_UNAVAILABLE"
    public = "The OpenID provider does not answer, so its tokens cannot be checked now. Try again soon."

    def __init__(self, *, retry_seconds: int) -> None:
        super().__init__(retry_seconds=retry_seconds)
        self.retry_seconds = retry_seconds


class ProofRefused(HubError):
    """A DPoP proof is not good."""

    code = "invalid_dpop_proof"
    public = "The DPoP proof is not valid."

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)
        self.reason = reason


class KeyRefused(HubError):
    """A client's key or key set is not fit for use."""

    code = "key_refused"
    public = "The key is not fit for use."

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)
        self.reason = reason


class PurposeRefused(HubError):
    """The request declares no purpose its client may have."""

    code = "purpose_refused"
    public = "The header Purpose-Of-Use names none of the purposes this client may have."


class ClientRefused(HubError):
    """An operator asks for a client that cannot be."""

    code = "client_refused"
    public = "There can be no such client."

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)


class RootKeyRefused(HubError):
    """The root key is missing, open to others, or another one."""

    code = "root_key_refused"
    public = "The root key cannot be used."

    def __init__(self, reason: str, *, file: str) -> None:
        super().__init__(reason=reason, file=file)


class TokenDenied(HubError):
    """The token was good once and is not any more: revoked, or its client or body cut off."""

    code = "TOKEN_DENIED"
    public = "The token is not valid any more."
