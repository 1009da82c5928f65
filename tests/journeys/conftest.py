"""One hub and one partner for all journeys between them; each journey has a person of its own."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import commands
import pytest
from databases import cloned
from joserfc.jwk import ECKey
from journeys.both import Both, Run
from journeys.secretariat import Desk, Lead
from sqlalchemy import Engine
from visiting.visitor import Visitor
from web.serving import hub_process, root_key

from hub.clock import SystemClock
from hub.store import Database
from tests.sandbox.sandbox_process import Sandbox

HUB = {"HUB_PARTNER_PLACES": "loopback"}
SERVE = ("-m", "tests.delivery.process", "serve")
"""As operators do, only in a hurry."""


@pytest.fixture(scope="package")
def database(facts_template: Database) -> Iterator[Database]:
    with cloned(facts_template) as database:
        yield database


@pytest.fixture(scope="package")
def engine(database: Database) -> Iterator[Engine]:
    """Look into the hub's books, and let time pass there."""
    engine = database.engine()
    yield engine
    engine.dispose()


@pytest.fixture(scope="package")
def served(database: Database) -> Iterator[tuple[str, Run]]:
    """A hub over the facts, and its commands."""
    with hub_process(database, "localhost", serve=SERVE, **HUB) as (url, _process):
        settings = {**HUB, "HUB_DATABASE_URL": database.conninfo, "HUB_BASE_URL": url}
        settings["HUB_ROOT_KEY_FILE"] = str(root_key())

        def run(*words: str) -> str:
            done = commands.typed(*words, **settings)
            done.check_returncode()
            return done.stdout

        yield url, run


@pytest.fixture(scope="package")
def lead(served: tuple[str, Run]) -> Iterator[Lead]:
    with signed_in(served, "lena", "lead") as visitor:
        yield Lead(visitor)


@pytest.fixture(scope="package")
def officer(served: tuple[str, Run]) -> Iterator[Desk]:
    """The data protection officer, who records what persons say of their consents."""
    with signed_in(served, "dora", "dpo") as visitor:
        yield Desk(visitor)


@contextmanager
def signed_in(served: tuple[str, Run], login: str, role: str) -> Iterator[Visitor]:
    url, run = served
    said = run("user", "create", login, "--name", login.title(), "--role", role)
    visitor = Visitor(url, SystemClock(), {})
    visitor.enrol(re.search(r"Enrolment code: (\S+)", said).group(1))
    visitor.add_passkey()
    visitor.make_codes()
    visitor.finish()
    visitor.sign_in_by_passkey()
    yield visitor
    visitor.close()


@pytest.fixture(scope="package")
async def both(
    served: tuple[str, Run], lead: Lead, engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Both]:
    """The partner is given a client, started, registered, and has an agreement."""
    url, run = served
    folder = tmp_path_factory.mktemp("sar")
    key = ECKey.generate_key("P-256")
    (folder / "jwks").write_text(json.dumps({"keys": [key.as_dict(private=False) | {"kid": key.thumbprint()}]}))
    client = run(
        "client", "create", "SAR's system", "--body", "sar", "--scope", "referral:receive",
        "--purpose", "residency_placement", "--jwks", str(folder / "jwks"),
    ).split()[-1]  # fmt: skip
    hub = {"issuer": url, "graphql": f"{url}/graphql", "client_id": client, "key": key.as_dict(private=True)}
    sandbox = Sandbox(folder / "books", "scholars_at_risk", hub | {"scope": "referral:receive"})
    await sandbox.start()
    try:
        run("partner", "add", "sar", "--network", "scholars_at_risk", "--issuer", sandbox.url)
        body = lead.ask('{ organisation(slug: "sar") { id } }')["organisation"]["id"]
        agreed = lead.do(
            "saveAgreement",
            "... on AgreementPayload { agreement { state } } ... on Problem { code }",
            organisation=body,
            state="IN_FORCE",
            categories=["NETWORK", "CASE", "IDENTITY", "RISK"],
            purposes=["RESIDENCY_PLACEMENT"],
            **{"from": "2026-01-01"},
        )
        assert agreed == {"agreement": {"state": "IN_FORCE"}}
        yield Both(lead, sandbox, body, engine)
    finally:
        sandbox.stop()
