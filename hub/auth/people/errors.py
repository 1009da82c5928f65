"""What can go wrong with people. The sentences are fit for strangers: none tells whether a login exists.

HubError
    SignInRefused       login, password, code or passkey did not fit; which one is not told
    TooManyTries        wait before the next try
    EnrolmentRefused    the enrolment code is unknown, used or too old
    FactorRefused       a new password, code or passkey is not fit to be kept
    StaleSession        signed in too long ago for what was asked
    AccountRefused      an operator's command about an account does not fit
"""

from hub.errors import HubError


class SignInRefused(HubError):
    """Login, password, code or passkey did not fit."""

    code = "sign_in_refused"
    public = "That did not fit. Check what you entered and try again."

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)
        self.reason = reason


class TooManyTries(HubError):
    """Somebody tried too often; the next try is free in some seconds."""

    code = "too_many_tries"
    public = "There were too many tries. Wait a little, then try again."

    def __init__(self, *, retry_seconds: int) -> None:
        super().__init__(retry_seconds=retry_seconds)
        self.retry_seconds = retry_seconds


class EnrolmentRefused(HubError):
    """The enrolment code is unknown, used or too old."""

    code = "enrolment_refused"
    public = "This enrolment code is not valid. Each works once, for three days. Ask for a new one."


class FactorRefused(HubError):
    """A new password, code or passkey is not fit to be kept; the sentence says why."""

    code = "factor_refused"
    public = "This cannot be used to sign in."

    def __init__(self, sentence: str) -> None:
        super().__init__(reason=sentence)
        self.sentence = sentence


class StaleSession(HubError):
    """Signed in too long ago for what was asked."""

    code = "stale_session"
    public = "Sign in again to change how you sign in."


class AccountRefused(HubError):
    """An operator's command about an account does not fit."""

    code = "account_refused"
    public = "The account was not changed."

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)
        self.reason = reason
