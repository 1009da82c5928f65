"""The console as a browser is given it: its page, its files, its ready operations, and how it is built."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate
from visiting.house import housed

from hub.web.console import Built

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "hub" / "web" / "console" / "source"
READY = {path.stem: path.read_text(encoding="utf-8") for path in sorted((SOURCE / "operations").glob("*.graphql"))}
POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; style-src 'self' 'nonce-NONCE'; "
    "style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


@pytest.fixture
def house(database, console):
    """The pages for people, and the console."""
    with housed(database, built=console) as house:
        yield house


@pytest.fixture
def anna(house):
    """Somebody who is signed in, and follows no redirects by herself."""
    visitor = house.with_passkey()
    visitor.sign_in_by_passkey()
    visitor.client.follow_redirects = False
    return visitor


# ---- The page --------------------------------------------------------------------------------------------------------


def test_who_is_not_signed_in_is_led_to_the_sign_in_pages_and_back(house):
    visitor = house.with_passkey()
    page = visitor.get("/console")
    assert page.path == "/signin?next=%2Fconsole"
    assert visitor.sign_in_by_passkey(goal="/console").json() == {"next": "/console"}
    assert visitor.get("/console").path == "/console"


def test_setting_up_does_not_open_the_console(house):
    visitor = house.visitor()
    visitor.enrol(house.account())
    assert visitor.get("/console").path == "/enrol"


def test_the_policy_is_the_settled_one_with_a_nonce_of_the_requests_own(anna):
    nonces = set()
    for _ in range(2):
        answer = anna.client.get("/console")
        (nonce,) = re.findall(r'<meta property="csp-nonce" nonce="([\w-]{24,})">', answer.text)
        assert answer.headers["content-security-policy"] == POLICY.replace("NONCE", nonce)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-frame-options"] == "DENY"
        nonces.add(nonce)
    assert len(nonces) == 2


def test_the_page_names_files_of_ours_only_and_holds_no_secret_of_the_session(anna):
    page = anna.client.get("/console").text
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(named) > 8
    assert all(address.startswith(("/", "#")) and not address.startswith("//") for address in named)
    for address in named:
        if address.startswith("/console/"):
            assert anna.client.get(address).status_code == 200
    assert "<script>" not in page
    assert "style=" not in page
    assert not [value for _, value in anna.cookies() if value in page]


def test_a_browser_is_led_to_the_console_and_a_program_is_not(house):
    visitor = house.visitor()
    visitor.client.follow_redirects = False
    led = visitor.client.get("/", headers={"accept": "text/html,application/xhtml+xml"})
    assert (led.status_code, led.headers["location"]) == (303, "/console")
    assert visitor.client.get("/", headers={"accept": "application/json"}).status_code == 404


def test_a_hub_without_the_built_files_says_so(database, tmp_path):
    with housed(database, built=Built(tmp_path)) as house:
        visitor = house.with_passkey()
        visitor.sign_in_by_passkey()
        answer = visitor.client.get("/console")
        assert answer.status_code == 503
        assert "make console" in answer.text


# ---- Its files -------------------------------------------------------------------------------------------------------


def test_files_are_kept_for_good_and_sent_small(house, console):
    client = house.visitor().client
    with client.stream("GET", f"/console/{console.script}", headers={"accept-encoding": "gzip"}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["vary"] == "accept-encoding"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    plain = client.get(f"/console/{console.script}", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == gzip.decompress(raw)


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("BR;q=0.5", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=1.0", "gzip"),
        ("br;q=0.0, gzip;q=0", None),
        ("", None),
        ("identity", None),
        ("brotli", None),
    ],
)
def test_a_browser_gets_the_smallest_form_it_takes(console, accepted, encoding):
    asset = max(console.assets.values(), key=lambda asset: asset.path.stat().st_size)
    assert asset.best(accepted)[0] == encoding
    assert asset.best(accepted)[1].stat().st_size <= asset.path.stat().st_size


@pytest.mark.parametrize(
    "name", ["nothing.js", "../manifest.json", "..%2Fmanifest.json", "%2e%2e/manifest.json", "manifest.json", ""]
)
def test_nothing_else_is_served(house, name):
    assert house.visitor().client.get(f"/console/assets/{name}").status_code in {404, 405}


def test_compressed_forms_have_no_address_of_their_own(house, console):
    client = house.visitor().client
    assert console.assets
    for name, asset in console.assets.items():
        assert client.head(f"/console/assets/{name}").status_code == 200
        for form in asset.encodings.values():
            assert client.head(f"/console/assets/{form.name}").status_code == 404


def test_nothing_of_it_names_a_server_to_load_from(console):
    text = "".join(
        asset.path.read_text(encoding="utf-8")
        for asset in console.assets.values()
        if asset.path.suffix in {".js", ".css"}
    )
    assert not re.findall(r"(?:unpkg|jsdelivr|esm\.sh|googleapis|gstatic|cdnjs|skypack)\.(?:com|net|org)", text)
    assert "sourceMappingURL=http" not in text
    licences = (ROOT / "hub" / "web" / "console" / "built" / "licences.md").read_text(encoding="utf-8")
    assert all(package in licences for package in ("react", "graphiql", "monaco-editor", "d3-geo", "graphql-sse"))


# ---- Its operations --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READY)
def test_a_ready_operation_fits_the_schema(name):
    schema = build_schema((ROOT / "schema.graphql").read_text(encoding="utf-8"), assume_valid_sdl=True)
    document = parse(READY[name])
    assert validate(schema, document) == []
    (operation,) = document.definitions
    assert operation.name is not None, "its name is the tab's"
    assert READY[name].startswith("# "), "it says what it answers"
    assert not operation.variable_definitions, "it runs as it is"


TABS = r"(\w+(?: or \w+)*)"
FILLED = re.compile(rf'"[^"]*" # (?:a new key|in \d+ days|from {TABS}(?:, or copied from {TABS})?)$')


@pytest.mark.parametrize("name", READY)
def test_what_a_ready_operation_leaves_open_is_filled_in_by_the_console(name):
    """Ids come from tabs that are there and show one; no day of ours goes by."""
    shows = {
        found.group(1): text
        for text in READY.values()
        if (found := re.search(r"^(?:query|mutation) (\w+)", text, re.MULTILINE))
    }
    assert not re.search(r"\d{4}-\d{2}-\d{2}", READY[name])
    for line in READY[name].splitlines():
        if re.search(r'idempotencyKey|"YYYY-MM-DD"|"[a-z]{2}_', line):
            filled = FILLED.search(line)
            assert filled, line
            for tab in (tab for named in filled.groups() if named for tab in named.split(" or ")):
                assert re.search(r"^ +id$", shows[tab], re.MULTILINE), f"{tab} shows no id"


# ---- How it is built -------------------------------------------------------------------------------------------------


def test_packages_are_pinned_and_locked_and_no_registry_is_named():
    wanted = json.loads((SOURCE / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((SOURCE / "package-lock.json").read_text(encoding="utf-8"))
    for version in [*wanted["dependencies"].values(), *wanted["devDependencies"].values()]:
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    packages = [each for name, each in lock["packages"].items() if name]
    assert len(packages) > 50
    assert all("resolved" not in each and each["integrity"].startswith("sha512-") for each in packages)


@pytest.fixture
def copy(tmp_path, console):  # noqa: ARG001  # built by now
    """A copy of the sources, with what was built from them."""
    shutil.copytree(SOURCE, tmp_path / "source", ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    shutil.copytree(SOURCE.parent / "built", tmp_path / "built")
    return tmp_path


def _build(copy, **environment):
    """Build where there is neither node nor a network."""
    # -S: without the packages of this environment, among which is node.
    command = [sys.executable, "-I", "-S", copy / "source" / "build.py"]
    lonely = {"PATH": "/nowhere", "HOME": str(copy)} | environment
    return subprocess.run(command, env=lonely, capture_output=True, text=True, check=False)


def test_what_is_built_already_needs_neither_node_nor_network(copy):
    built = _build(copy)
    assert (built.returncode, built.stdout) == (0, "The console is up to date.\n")


def test_a_machine_with_nothing_says_what_is_missing(copy):
    shutil.rmtree(copy / "built")
    built = _build(copy)
    assert built.returncode == 1
    assert "neither node 20.19 or newer" in built.stderr
    assert "Traceback" not in built.stderr


def test_an_older_build_stays_where_no_new_one_can_be_made_and_it_is_said(copy):
    (copy / "source" / "src" / "main.ts").write_text("console.log(1);\n")
    built = _build(copy)
    assert built.returncode == 0
    assert "older than its sources" in built.stdout
    assert (copy / "built" / "manifest.json").is_file()


def test_without_a_network_the_build_says_so(copy):
    shutil.rmtree(copy / "built")
    offline = {"npm_config_registry": "http://127.0.0.1:9/", "npm_config_cache": str(copy / "cache")}
    environment = os.environ | offline | {"npm_config_fetch_retries": "0"}
    command = [sys.executable, copy / "source" / "build.py"]
    built = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 1
    assert "Is there a network?" in built.stderr
    assert not (copy / "built").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda source: (source / "src" / "new.ts").write_text(""),
        lambda source: (source / "src" / "page.css").unlink(),
        lambda source: (source / "src" / "page.css").rename(source / "src" / "other.css"),
        lambda source: (source / "operations" / "20-cities.graphql").write_text("query Cities { __typename }"),
        lambda source: (source / "package-lock.json").write_text("{}"),
    ],
    ids=["added", "removed", "renamed", "operation", "lock"],
)
def test_any_change_of_a_source_asks_for_a_build(copy, change):
    change(copy / "source")
    assert "up to date" not in _build(copy).stdout
