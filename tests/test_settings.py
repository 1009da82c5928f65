import dataclasses
import io
import json
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from hub import log
from hub.cli import load
from hub.clock import SetClock, SystemClock
from hub.errors import HubError, QueryTimeout, SettingsRefused
from hub.settings import READERS, ClaimNames, Environment, LogLevel, PartnerPlaces, Settings

OPERATIONS = Path(__file__).parents[1] / "docs" / "operations.md"


def test_every_setting_works_when_absent():
    assert Settings.from_env({}) == Settings()
    assert Settings.from_env(dict.fromkeys(READERS, " ")) == Settings()


def test_every_setting_is_read_from_the_environment():
    assert {field for field, _ in READERS.values()} == {field.name for field in dataclasses.fields(Settings)}


@pytest.mark.parametrize("name", READERS)
def test_every_setting_is_told_to_operators_with_its_default(name):
    row = re.search(rf"^\| `{name}` \| (?P<default>[^|]*) \|", OPERATIONS.read_text(), re.MULTILINE)
    assert row, f"{name} is not in docs/operations.md"
    default = getattr(Settings(), READERS[name][0])
    assert row["default"].strip().strip("`") == ("-" if default is None else str(default))


def test_settings_are_read():
    settings = Settings.from_env(
        {
            "HUB_ENV": "production",
            "HUB_DATABASE_URL": "postgresql://hub:secret@db.example/hub",
            "HUB_DATA_DIR": "/srv/hub",
            "HUB_PORT": "9000",
            "HUB_BASE_URL": "https://hub.example/",
            "HUB_LOG_LEVEL": "WARNING",
            "HUB_READ_CONNECTIONS": "3",
            "PATH": "/bin",
        }
    )
    assert settings.environment is Environment.PRODUCTION
    assert settings.data_dir == Path("/srv/hub")
    assert (settings.port, settings.read_connections) == (9000, 3)
    assert settings.public_url == "https://hub.example"
    assert settings.log_level is LogLevel.WARNING
    assert not settings.embedded


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HUB_PORT", "http"),
        ("HUB_PORT", "65536"),
        ("HUB_PORT", "-1"),
        ("HUB_ENV", "staging"),
        ("HUB_DATABASE_URL", "mysql://x/y"),
        ("HUB_DATABASE_URL", "postgresql://machine"),
        ("HUB_READ_CONNECTIONS", "0"),
        ("HUB_STATEMENT_TIMEOUT_MS", "2s"),
        ("HUB_BODY_BYTES_MAX", "1e6"),
        ("HUB_BASE_URL", "hub.example"),
        ("HUB_BASE_URL", "https://hub.example/?x=1"),
        ("HUB_ISSUER", "https://hub.example/#x"),
        ("HUB_LOG_LEVEL", "loud"),
        ("HUB_COST_MAX", "٣"),
        ("HUB_DATABSE_URL", "misspelt"),
        ("HUB_OPENID_ISSUER", "provider.example"),
        ("HUB_OPENID_ISSUER", "http://127.0.0.1:8000"),
        ("HUB_OPENID_ISSUER", "http://127.0.0.1:8000/"),
        ("HUB_OPENID_AUDIENCE", "a\nb"),
        ("HUB_OPENID_CLAIMS", "client"),
        ("HUB_OPENID_CLAIMS", "client="),
        ("HUB_OPENID_CLAIMS", "client=azp client=client_id"),
        ("HUB_OPENID_CLAIMS", "scope=scope"),
        ("HUB_OPENID_CLAIMS", "roles=realm..roles"),
        ("HUB_OPENID_CLAIMS", "roles=$.realm[0]"),
        ("HUB_OPENID_TOKENS", "any"),
        ("HUB_OPENID_BEARER", "yes"),
        ("HUB_OWN_TOKENS", "refused"),
        ("HUB_OPENID_CLIENT", "the-hub"),
    ],
)
def test_a_setting_the_hub_cannot_use_is_named(name, text):
    with pytest.raises(SettingsRefused) as caught:
        Settings.from_env({name: text})
    assert caught.value.setting == name
    assert name in str(caught.value)


def test_a_provider_is_named_with_its_claims():
    given = {
        "HUB_OPENID_ISSUER": "https://id.example/",
        "HUB_OPENID_CLAIMS": "client=azp  roles=realm_access.roles",
        "HUB_OWN_TOKENS": "refused",
    }
    settings = Settings.from_env(given)
    assert settings.openid_issuer == "https://id.example/"
    assert settings.openid_claims == ClaimNames(client=("azp",), roles=("realm_access", "roles"))
    assert str(settings.openid_claims) == "client=azp scopes=scope roles=realm_access.roles"
    assert ClaimNames.read(str(settings.openid_claims)) == settings.openid_claims


def test_the_secret_of_the_database_is_not_in_the_error():
    with pytest.raises(SettingsRefused) as caught:
        Settings.from_env({"HUB_DATABASE_URL": "mysql://hub:secret@machine/hub"})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("unsafe", "euid", "setting"),
    [
        ({}, 0, "HUB_DATABASE_URL"),
        ({"base_url": "http://hub.example"}, 1000, "HUB_BASE_URL"),
        ({"issuer": "http://hub.example"}, 1000, "HUB_ISSUER"),
        ({"openid_issuer": "http://id.example"}, 1000, "HUB_OPENID_ISSUER"),
        ({"host": "0.0.0.0"}, 1000, "HUB_BASE_URL"),  # noqa: S104  # that is what is refused
        ({"partner_places": PartnerPlaces.LOOPBACK}, 1000, "HUB_PARTNER_PLACES"),
        ({"log_level": LogLevel.DEBUG}, 1000, "HUB_LOG_LEVEL"),
    ],
)
def test_production_refuses_what_is_unsafe_and_names_it(unsafe, euid, setting):
    with pytest.raises(SettingsRefused) as caught:
        Settings(environment=Environment.PRODUCTION, **unsafe).refuse_unsafe(euid=euid)
    assert caught.value.setting == setting
    Settings(**unsafe).refuse_unsafe(euid=euid)


def test_production_starts_with_the_embedded_database_and_no_root():
    Settings(environment=Environment.PRODUCTION).refuse_unsafe(euid=1000)
    Settings(environment=Environment.PRODUCTION).refuse_unsafe(euid=None)


@pytest.fixture
def lines():
    stream = io.StringIO()
    yield stream
    log.configure(strict=True, level="warning")


def test_the_log_is_one_line_of_json_for_each_fact(lines):
    log.configure(strict=True, level="info", stream=lines)
    log.logger().info("store.migrated", revision="0001")
    log.logger().debug("store.migrated", revision="0002")
    (line,) = lines.getvalue().splitlines()
    entry = json.loads(line)
    assert datetime.fromisoformat(entry.pop("timestamp")).tzinfo is not None
    assert entry == {"event": "store.migrated", "level": "info", "revision": "0001"}


@pytest.mark.parametrize(("event", "facts"), [("person.found", {"name": "Ada"}), ("found a person", {})])
def test_a_key_or_an_event_that_is_not_listed_raises_but_in_production(lines, event, facts):
    log.configure(strict=True, level="info", stream=lines)
    with pytest.raises(log.KeyNotListed):
        log.logger().info(event, **facts)
    log.configure(strict=False, level="info", stream=lines)
    log.logger().info(event, **facts)
    assert "Ada" not in lines.getvalue()
    assert "found a person" not in lines.getvalue()


def test_an_error_tells_operators_its_facts_and_strangers_its_sentence():
    error = QueryTimeout(timeout_ms=100)
    assert str(error) == f"query_timeout: {QueryTimeout.public} (timeout_ms=100)"
    assert "100" not in error.public


def test_codes_of_errors_are_never_the_same():
    assert load(), "all rooms are there"
    kinds, found = [HubError], []
    while kinds:
        kind = kinds.pop()
        # One that narrows another may share its code.
        found += [kind.code] if "code" in vars(kind) else []
        kinds += kind.__subclasses__()
    assert {code for code in found if found.count(code) > 1} == set()


def test_a_set_clock_stands_still_until_it_is_advanced():
    clock = SetClock(datetime(2026, 11, 21, 12, tzinfo=timezone(timedelta(hours=1))))
    assert clock.now() == clock.now() == datetime(2026, 11, 21, 11, tzinfo=UTC)
    clock.advance(days=1, hours=1, minutes=1, seconds=1)
    assert clock.now() == datetime(2026, 11, 22, 12, 1, 1, tzinfo=UTC)
    assert clock.now().tzinfo is UTC


def test_a_clock_without_a_zone_is_no_clock():
    with pytest.raises(ValueError, match="aware"):
        SetClock(datetime(2026, 11, 21))  # noqa: DTZ001  # that is what is refused


def test_the_systems_clock_tells_aware_time():
    assert SystemClock().now().utcoffset() == timedelta(0)
