import json
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import closing, contextmanager
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path

import commands
import httpx
import pytest
from auth.partner import Partner
from joserfc.jwk import ECKey
from journeys.secretariat import Lead
from visiting.visitor import Visitor
from web.serving import until

from hub.cli import FILES, load
from hub.clock import SystemClock


def test_a_command_loads_the_files_it_stands_in():
    told = load()
    found = {each.name or each.callback.__name__: {each.callback.__module__} for each in told.registered_commands}
    for group in told.registered_groups:
        found[group.name] = {each.callback.__module__ for each in group.typer_instance.registered_commands}
    assert found == {command: {f"hub.cli.{file}" for file in files} for command, files in FILES.items()}


@pytest.fixture
def settings(tmp_path):
    return {"HUB_DATA_DIR": str(tmp_path / "data"), "HUB_LOG_LEVEL": "error"}


@pytest.fixture
def run(settings):
    return partial(commands.typed, **settings)


def test_a_new_operator_gets_a_filled_database_in_three_commands(run, settings, tmp_path):
    made = commands.started("init", **settings)
    assert (made.returncode, made.stderr) == (0, "")
    assert "The database is ready" in made.stdout
    loaded = commands.started("import", **settings)
    assert loaded.returncode == 0, loaded.stderr
    assert "cities.csv" in loaded.stdout
    decorated = run("synthetic", "--decorate", "--seed", "3")
    assert decorated.returncode == 0, decorated.stderr
    assert "made-up rows written" in decorated.stdout
    cases = run("synthetic", "--cases", "5")
    assert cases.returncode == 0, cases.stderr
    wrapped = run("key", "rewrap")
    assert wrapped.stdout == "5 keys are wrapped under version 2.\n"
    assert not (tmp_path / "data" / "postgres" / "postmaster.pid").exists()


def test_an_import_with_a_refused_file_ends_with_one_and_says_why(run, tmp_path):
    with as_file(files("hub.facts") / "csv") as own:
        shutil.copytree(own, tmp_path / "csv")
    with (tmp_path / "csv" / "sources.csv").open("a") as source:
        source.write("S1,again,again\n")
    loaded = run("import", "--from", str(tmp_path / "csv"), "sources.csv")
    assert loaded.returncode == 1
    assert "sources.csv:126: code: 'S1' is in line 2 already" in loaded.stderr


def test_a_setting_that_is_refused_ends_with_one_and_names_it(settings):
    refused = commands.started("init", **settings, HUB_PORT="eighty")
    assert refused.returncode == 1
    assert "HUB_PORT" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.fixture
def data():
    """A folder of the demonstration's own: those of pytest are shut to the database when another run begins."""
    with tempfile.TemporaryDirectory(prefix="hub-demo-") as folder:
        yield Path(folder) / "data"


@contextmanager
def demonstration(data, port):
    """Run the demonstration until it says that it is ready; give what it says. Ctrl-C ends it."""
    environment = commands.environment({"HUB_DATA_DIR": str(data), "HUB_PORT": str(port)})
    command = [sys.executable, "-c", "from hub.cli import main; main()", "demo"]
    errors = data.with_suffix(".errors").open("w+")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if "The first time:" in line or "Sign in as you did" in line:
                break
        yield "".join(said)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        errors.seek(0)
        text = errors.read()
        errors.close()
    assert (process.returncode, "Traceback" in text) == (0, False), text


def a_free_port():
    with closing(socket.create_server(("127.0.0.1", 0))) as found:
        return found.getsockname()[1]


def answers(url):
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def test_the_demonstration_says_where_the_console_is_and_how_to_sign_in(data):
    port = a_free_port()
    with demonstration(data, port) as text:
        url = f"http://localhost:{port}"
        assert text.startswith(f"The demonstration is ready at {url}/graphql")
        assert f"The console: {url}/console" in text
        code, login = re.search(rf"{url}/enrol with the code (\S+); your login is (\S+)", text).groups()
        visitor = Visitor(url, SystemClock(), {})
        assert visitor.enrol(code).path == "/enrol"
        visitor.add_passkey()
        visitor.make_codes()
        visitor.finish()
        assert visitor.sign_in_by_passkey(goal="/console").json() == {"next": "/console"}
        assert login == "demo-1"
        visitor.close()
        for line in re.findall(r"^curl .*$", text, re.MULTILINE):
            words = shlex.split(line)
            asked = httpx.post(words[2], content=words[-1], headers={"content-type": "application/json"}).json()
            assert "errors" not in asked
            assert all(asked["data"].values())
        assert text.count("\ncurl ") == 3


def test_all_that_stands_in_the_demonstrations_file_works_and_lasts(data):
    port, file = a_free_port(), data / "demo.json"
    with demonstration(data, port):
        assert file.stat().st_mode & 0o777 == 0o600
        told = json.loads(file.read_text())
        with httpx.Client() as http:
            tokens = machines(told, http)
            introspected(told, http, tokens)
            pushed(told, http)
        with closing(Visitor(told["issuer"], SystemClock(), {})) as visitor:
            handed_over(told, signed_in(told, visitor))
    places = [each["address"] for each in told["sandboxes"]]
    assert [place for place in places if answers(f"{place}/health")] == []
    assert not (data / "postgres" / "postmaster.pid").exists()

    with demonstration(data, port) as text, httpx.Client() as http:
        assert text.count("Sandbox partners: sar at") == 1
        assert json.loads(file.read_text()) == told
        machines(told, http)
        assert all(answers(f"{place}/health") for place in places)


def client_of(told, http, client):
    key = ECKey.import_key(json.loads(Path(client["key"]).read_text()))
    assert Path(client["key"]).stat().st_mode & 0o777 == 0o600
    return Partner(told["issuer"], SystemClock(), http, id=client["id"], key=key, kid=key.thumbprint())


def machines(told, http):
    """Every program asks for a token, and asks the graph who it is."""
    found = {client["body"]: client for client in told["clients"] if client["kind"] == "machine"}
    assert set(found) == {"sar", "pen-international"}
    tokens = []
    for slug, client in found.items():
        partner = client_of(told, http, client)
        token = partner.access_token()
        proof = partner.proof("POST", told["graphql"], token=token)
        question = {"query": "{ viewer { organisation { slug } } referrals(first: 1) { totalCount } }"}
        headers = {"authorization": f"DPoP {token}", "dpop": proof}
        answer = http.post(told["graphql"], json=question, headers=headers).json()["data"]
        assert answer["viewer"]["organisation"]["slug"] == slug
        tokens.append(token)
    return tokens


def introspected(told, http, tokens):
    [client] = [client for client in told["clients"] if client["kind"] == "introspect"]
    service = client_of(told, http, client)
    for token in tokens:
        assert service.post("introspect", token=token).json()["active"] is True


def pushed(told, http):
    """The site sends people to the sign-in pages."""
    [client] = [client for client in told["clients"] if client["kind"] == "web"]
    assert client["redirect"].startswith("http://127.0.0.1:")
    site = client_of(told, http, client)
    answer = site.push(redirect_uri=client["redirect"], scope="network:read case:read")
    assert answer.status_code == 201, answer.text
    assert site.authorize(answer.json()["request_uri"]).status_code == 303


def signed_in(told, visitor):
    [user] = told["users"]
    visitor.seed = user["totp"]
    assert visitor.sign_in(user["login"], user["password"]).path == "/account"
    lead = Lead(visitor)
    assert lead.ask("{ viewer { relation } }") == {"viewer": {"relation": user["role"].upper()}}
    return lead


def handed_over(told, lead):
    """Both partners of the demonstration fetch what they are sent."""
    for each in told["sandboxes"]:
        body = lead.ask(f'{{ organisation(slug: "{each["body"]}") {{ id }} }}')["organisation"]["id"]
        referral = lead.hand_over(body)
        until(lambda referral=referral: lead.state(referral) in {"RECEIVED", "IN_REVIEW"})
