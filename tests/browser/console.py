"""The console as somebody at it uses it: tabs are clicked, run, and read."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Request

VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (e) => tell(`${e.violatedDirective} ${e.blockedURI}`));
"""
MODEL = "(ending) => __MONACO.editor.getModels().find((each) => each.uri.path.endsWith(ending))"
WAIT_MS = 50
SECONDS_MOST = 60.0


@dataclass
class Watched:
    """What a browser did that it should not, as it comes."""

    url: str
    outside: list[str] = field(default_factory=list)
    """Addresses of others that were asked for."""
    broken: list[str] = field(default_factory=list)
    """Breaches of the content security policy."""
    told: list[str] = field(default_factory=list)
    """Errors and warnings of the page."""


@contextmanager
def watched(chromium: Browser, url: str) -> Iterator[tuple[BrowserContext, Watched]]:
    """Open a fresh browser for one origin, and watch it."""
    context = chromium.new_context(base_url=url, viewport={"width": 1400, "height": 900})
    seen = Watched(url)
    home = urlsplit(url)[:2]
    context.expose_binding("tell", lambda _source, what: seen.broken.append(what))
    context.add_init_script(VIOLATIONS)

    def asked(sent: Request) -> None:
        if not sent.url.startswith("data:") and urlsplit(sent.url)[:2] != home:
            seen.outside.append(sent.url)

    context.on("request", asked)
    context.on("console", lambda line: seen.told.append(line.text) if line.type in {"error", "warning"} else None)
    context.on("weberror", lambda error: seen.told.append(str(error.error)))
    try:
        yield context, seen
    finally:
        context.close()


def until_loaded(page: Page) -> None:
    """Wait until the editor is there."""
    page.locator(".graphiql-query-editor .view-line").first.wait_for()


def written(page: Page, ending: str = "operation.graphql") -> str:
    """Give what stands in an editor, whole; a page shows only what is scrolled to."""
    return page.evaluate(f"(({MODEL})('{ending}'))?.getValue() ?? ''")


def eventually(
    page: Page, read: Callable[[], Any], fits: Callable[[Any], Any] = bool, seconds: float = SECONDS_MOST
) -> Any:
    """Read until it fits, and give it; not by playwright's own way, which evaluates text and so breaks the policy."""
    for _ in range(int(seconds * 1000 / WAIT_MS)):
        found = read()
        if fits(found):
            return found
        page.wait_for_timeout(WAIT_MS)
    raise AssertionError(found)


def until(page: Page, fits: Callable[[str], bool]) -> str:
    """Wait for an answer."""
    return eventually(page, lambda: written(page, "response.json"), fits)


def choose(page: Page, tab: str) -> None:
    """Click a ready tab."""
    page.get_by_role("tab").get_by_text(tab, exact=True).click()  # the name of one that is chosen has "Close Tab" in it


def run(page: Page, tab: str | None = None) -> dict[str, Any]:
    """Run what stands in the editor, or a ready tab, and give the answer as it is shown."""
    if tab is not None:
        choose(page, tab)
    page.get_by_role("button", name="Execute query").click()
    return json.loads(until(page, lambda answer: answer.startswith("{")))


def write(page: Page, text: str) -> None:
    """Write over all that stands in the editor."""
    page.locator(".graphiql-query-editor .view-lines").click()
    page.keyboard.press("ControlOrMeta+a")
    _insert(page, text)


def until_written(page: Page, text: str) -> None:
    """Wait until the editor holds a text: the console fills a tab in just after it is chosen."""
    eventually(page, lambda: written(page), lambda shown: text in shown)


def write_line(page: Page, holding: str, text: str) -> None:
    """Write over the line of the editor that holds some words."""
    page.locator(".graphiql-query-editor .view-line").filter(has_text=holding).click()
    page.keyboard.press("ControlOrMeta+l")  # all of it, though it goes on in the next line of the screen
    page.keyboard.press("Shift+ArrowLeft")  # but its end
    _insert(page, text)


def _insert(page: Page, text: str) -> None:
    """Write, and wait until it is noted: who clicks a tab before that, even the same, finds what stood there before."""
    page.keyboard.insert_text(text)
    # GraphiQL notes a tenth of a second later what a tab holds; a timer that is due after its own comes after it.
    page.evaluate("() => new Promise((done) => setTimeout(done, 150))")
