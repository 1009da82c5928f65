"""A browser without a window: it follows links and sends forms as they stand on the page, and keeps cookies."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx
import pyotp
from visiting.authenticator import Authenticator

from hub.clock import SetClock


@dataclass
class Form:
    """A form of a page, with what it holds."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """What of a page matters to the tests."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self.status = answer.status_code
        self.path = answer.url.raw_path.decode()
        self.text = answer.text
        self.headers = answer.headers
        self.forms: list[Form] = []
        self.passkey: dict[str, str] = {}
        self.alert = ""
        self.key = ""
        self.codes: list[str] = []
        self._inside = ""
        self.feed(answer.text)

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        match tag:
            case "form":
                self.forms.append(Form(given["action"]))
            case "input" if "name" in given:
                self.forms[-1].fields[given["name"]] = given.get("value", "")
            case "div" if "data-passkey" in given:
                self.passkey = given
        if given.get("id") == "alert":
            self._inside = "alert"
        elif "key" in given.get("class", "").split():
            self._inside = "key"
        elif tag == "ol" and "codes" in given.get("class", ""):
            self._inside = "codes"

    def handle_endtag(self, tag):
        if tag in {"div", "p", "ol"}:
            self._inside = ""

    def handle_data(self, data):
        match self._inside:
            case "alert":
                self.alert += data
            case "key":
                self.key += data.replace(" ", "").strip()
            case "codes" if data.strip():
                self.codes.append(data.strip())

    def form(self, action: str) -> Form:
        """Find a form."""
        return next(form for form in self.forms if form.action == action)


class Visitor:
    """One browser."""

    def __init__(self, url: str, clock: SetClock, headers: dict[str, str]) -> None:
        self.url = url
        self.clock = clock
        # Reading certificates takes a tenth of a second for each client, and none are needed over plain http.
        self.client = httpx.Client(base_url=url, headers=headers, follow_redirects=True, timeout=30, verify=False)  # noqa: S501
        self.key: Authenticator | None = None
        self.seed = ""
        self.codes: list[str] = []

    def close(self) -> None:
        """Shut the browser."""
        self.client.close()

    def get(self, path: str) -> Page:
        """Open a page."""
        return Page(self.client.get(path))

    def post(self, path: str, fields: dict[str, str], *, origin: str | None = None) -> Page:
        """Send a form from one of the hub's own pages, or from elsewhere."""
        return Page(self.client.post(path, data=fields, headers={"origin": origin or self.url}))

    def submit(self, page: Page, action: str, **fields: str) -> Page:
        """Fill in a form and send it."""
        return self.post(action, page.form(action).fields | fields)

    def json(self, page: Page, path: str, body: dict, **headers: str) -> httpx.Response:
        """Ask as the script of a page does."""
        own = {"origin": self.url, "x-csrf-token": page.passkey.get("data-csrf", "")}
        return self.client.post(path, json=body, headers=own | headers)

    def enrol(self, code: str) -> Page:
        """Take an account up."""
        page = self.submit(self.get("/enrol"), "/enrol", code=code)
        assert page.path == "/enrol", page.alert
        return page

    def set_password(self, password: str) -> Page:
        """Set a password and one-time codes."""
        page = self.submit(self.get("/account/password"), "/account/password", password=password, again=password)
        assert page.path == "/account/totp", page.alert
        self.seed = page.key
        page = self.submit(page, "/account/totp", code=self.one_time_code())
        assert not page.alert
        return page

    def add_passkey(self, key: Authenticator | None = None) -> httpx.Response:
        """Enrol a passkey."""
        page = self.get("/enrol")
        self.key = key or Authenticator(self.url)
        options = self.json(page, "/account/passkeys/options", {}).json()
        return self.json(page, "/account/passkeys", self.key.create(options) | {"label": "Test key"})

    def make_codes(self) -> list[str]:
        """Have recovery codes shown."""
        page = self.get("/enrol")
        self.codes = self.submit(page, "/account/codes").codes
        return self.codes

    def finish(self) -> Page:
        """End setting up."""
        page = self.submit(self.get("/enrol"), "/enrol/finish")
        assert page.path == "/signin?notice=ready", page.alert
        return page

    def one_time_code(self, *, steps: int = 0) -> str:
        """Read the code off the phone."""
        return pyotp.TOTP(self.seed).generate_otp(int(self.clock.now().timestamp()) // 30 + steps)

    def sign_in(self, login: str, password: str, code: str | None = None, *, goal: str = "") -> Page:
        """Sign in by password and code; a code that was used waits for the next."""
        page = self.get("/signin/password" + (f"?next={goal}" if goal else ""))
        page = self.submit(page, "/signin/password", login=login, password=password)
        if page.status != 200:
            return page
        return self.submit(page, "/signin/totp", code=code or self.one_time_code())

    def sign_in_by_passkey(self, *, goal: str = "") -> httpx.Response:
        """Sign in by passkey."""
        page = self.get("/signin")
        options = self.json(page, "/signin/passkey/options", {}).json()
        return self.json(page, "/signin/passkey", self.key.get(options) | {"next": goal})

    def signed_in(self) -> bool:
        """Tell whether the account page opens."""
        return self.get("/account").path == "/account"

    def cookies(self) -> Iterator[tuple[str, str]]:
        """Name the cookies."""
        return ((cookie.name, cookie.value) for cookie in self.client.cookies.jar)
