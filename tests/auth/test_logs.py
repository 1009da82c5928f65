"""Nothing secret is in the log, at any level, whoever writes it."""

import io
import logging

import pytest
from running import NOON, world

from hub import log
from hub.clock import SetClock
from schema.vocabulary import AccessScope


@pytest.fixture
def everything():
    """All that anybody logs, from DEBUG on."""
    stream, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(stream), root.level
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    # The tests' own client is no part of the hub.
    handler.addFilter(lambda record: not record.name.startswith(("httpx", "httpcore")))
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    log.configure(strict=True, level="debug", stream=stream)
    yield stream
    log.configure(strict=True, level="warning")
    root.setLevel(level)
    root.removeHandler(handler)


def test_no_token_code_or_assertion_is_logged(everything, engine, tmp_path):
    with world(engine, tmp_path, SetClock(NOON)) as hub:
        logging.getLogger("sqlalchemy.engine").setLevel(logging.DEBUG)
        person = hub.people.add(AccessScope.NETWORK_READ)
        partner, console = hub.machine(), hub.web(rotates_refresh=True)
        gateway = hub.gateway(resource="https://front.example/graphql")
        assertion = partner.assertion()
        secrets = [assertion, partner.access_token(assertion=assertion)]
        sent = partner.access_token(resource="https://front.example/graphql")
        secrets += [sent, gateway.exchange(sent).json()["access_token"]]
        pushed = console.push().json()["request_uri"]
        code = console.code(person)
        tokens = console.redeem(code).json()
        secrets += [code, pushed.rpartition(":")[2], tokens["access_token"], tokens["refresh_token"]]
        secrets += [console.refresh(tokens["refresh_token"]).json()["refresh_token"]]
        assert console.refresh(tokens["refresh_token"]).status_code == 400
        assert partner.token(assertion=assertion).status_code == 400
        partner.post("revoke", token=secrets[1])
        partner.read(secrets[1])
        key = hub.auth.server.ring.signer().key.as_dict(private=True)["d"]
        logging.getLogger("sqlalchemy.engine").setLevel(logging.NOTSET)
    written = everything.getvalue()
    assert "oauth.replay_noticed" in written
    assert "sqlalchemy" in written
    for secret in [*secrets, key, "v" * 43]:
        assert secret not in written
        assert secret.rpartition(".")[2] not in written
