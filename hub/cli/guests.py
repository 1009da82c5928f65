"""Who comes to the demonstration: clients with their keys, a person who can sign in, partners with their agreements.

All of it stands in `demo.json`, in the data folder, for its owner alone. What stands there is used again at the next
start; what the database does not know any more is made anew, under the same names and keys.
"""

import json
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pyotp
from joserfc.jwk import ECKey
from sqlalchemy import Engine
from sqlmodel import Session

from hub import agreements
from hub.auth import registry as clients
from hub.auth.people import Browser, People, Place, new_token
from hub.auth.registry import NewClient
from hub.auth.root import RootKey
from hub.cli.private import write_private
from hub.cli.sandboxes import Sandbox, port_for, present
from hub.clock import Clock
from hub.partners import registry as partners
from hub.settings import Settings
from schema.tables import ClientRow
from schema.tables.oauth import ClientKind
from schema.vocabulary import AccessScope, AgreementState, Category, Purpose, Relation

FILE: Final = "demo.json"
REDIRECT: Final = "http://127.0.0.1:8976/back"
LOGIN: Final = "lena"
_PARTNERS: Final = {"sar": "scholars_at_risk", "pen-international": "pen_international"}
"""Bodies with a sandbox, and whose words it speaks."""
_DESK: Final = tuple(
    scope
    for scope in AccessScope
    if scope.value.partition(":")[0] in {"network", "referral", "case", "identity", "risk"}
    and scope is not AccessScope.CASE_WRITE
)
_SITE: Final = (*_DESK, AccessScope.CASE_WRITE)
_CLIENTS: Final = (
    NewClient(
        name="Desk of Scholars at Risk",
        id="demo-sar",
        kind=ClientKind.MACHINE,
        body="sar",
        scopes=_DESK,
        purposes=(Purpose.RESIDENCY_PLACEMENT,),
    ),
    NewClient(
        name="Desk of PEN International",
        id="demo-pen",
        kind=ClientKind.MACHINE,
        body="pen-international",
        scopes=_DESK,
        purposes=(Purpose.ASSESSMENT,),
    ),
    NewClient(
        name="Site where people sign in",
        id="demo-site",
        kind=ClientKind.WEB,
        scopes=_SITE,
        purposes=(Purpose.RESIDENCY_PLACEMENT,),
        redirect_uris=(REDIRECT,),
    ),
    NewClient(name="Service that asks about tokens", id="demo-introspect", kind=ClientKind.INTROSPECT),
)
Json = dict[str, Any]  # Any: JSON


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What the demonstration is made of, beside the data."""

    sandboxes: list[Sandbox]
    users: list[Json]
    file: Path


def prepare(engine: Engine, settings: Settings, clock: Clock) -> Demonstration:
    """Make clients, the person and partners, or find them; write down who they are."""
    folder = settings.data_dir.resolve()
    file = folder / FILE
    before: Json = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    keys = folder / "demo-keys"
    keys.mkdir(mode=0o700, exist_ok=True)
    graph = f"{settings.public_url}/graphql"
    told: Json = {"issuer": settings.issuer or settings.public_url, "graphql": graph}
    told["clients"] = [_client(engine, new, keys, clock) for new in _CLIENTS]
    told["users"] = _users(engine, settings, before.get("users", []), clock)
    sandboxes = _partners(engine, settings, before.get("sandboxes", []), keys, clock) if present() else []
    told["sandboxes"] = [{"body": each.slug, "network": each.network, "address": each.url} for each in sandboxes]
    write_private(file, json.dumps(told, indent=2) + "\n")
    return Demonstration(sandboxes, told["users"], file)


# ---- Clients ---------------------------------------------------------------------------------------------------------


def _client(engine: Engine, new: NewClient, keys: Path, clock: Clock) -> Json:
    assert new.id is not None
    file = keys / f"{new.id}.jwk"
    key = _key(file)
    public = key.as_dict(private=False) | {"kid": key.thumbprint(), "use": "sig", "alg": "ES256"}
    with Session(engine) as session, session.begin():
        known = session.get(ClientRow, new.id)
        if known is None:
            clients.create(session, replace(new, jwks={"keys": [public]}), now=clock.now())
        elif known.jwks != {"keys": [public]}:
            clients.rekey(session, new.id, jwks={"keys": [public]}, jwks_uri=None)
    told = {"id": new.id, "body": new.body, "kind": new.kind.value, "scopes": [scope.value for scope in new.scopes]}
    told["purposes"] = [purpose.value for purpose in new.purposes]
    return told | {"key": str(file), "redirect": next(iter(new.redirect_uris), None)}


def _key(file: Path) -> ECKey:
    if not file.exists():
        key = ECKey.generate_key("P-256")
        write_private(file, json.dumps(key.as_dict(private=True) | {"kid": key.thumbprint(), "alg": "ES256"}))
    return ECKey.import_key(json.loads(file.read_text(encoding="utf-8")))


# ---- People ----------------------------------------------------------------------------------------------------------


def _users(engine: Engine, settings: Settings, before: list[Json], clock: Clock) -> list[Json]:
    people = People(engine, clock, Place.of(settings), RootKey.load(settings.root_key))
    logins = {kept.login for kept in people.accounts.all()}
    if before and all(user["login"] in logins for user in before):
        return before
    names = (LOGIN, *(f"{LOGIN}-{number}" for number in range(2, len(logins) + 3)))
    login = next(name for name in names if name not in logins)
    code = people.accounts.create(login, name="Lena of the demonstration", role=Relation.LEAD)
    entered = people.door.enrol(Browser(token=new_token(), address="127.0.0.1"), code=code)
    session = people.sessions.find(entered.token)
    assert session is not None
    password = "-".join(secrets.token_hex(3) for _ in range(4))
    people.factors.set_password(session, password)
    seed = people.factors.offer_seed(session).text
    # The code of half a minute ago is used up by this, the one of now opens the door.
    people.factors.confirm_seed(session, pyotp.TOTP(seed).at(clock.now() - timedelta(seconds=30)))
    people.factors.new_recovery_codes(session)
    people.sessions.end(entered.token)
    return [{"login": login, "role": Relation.LEAD.value, "password": password, "totp": seed}]


# ---- Partners --------------------------------------------------------------------------------------------------------


def _partners(engine: Engine, settings: Settings, before: list[Json], keys: Path, clock: Clock) -> list[Sandbox]:
    ports = {each["body"]: int(each["address"].rpartition(":")[2]) for each in before}
    return [
        _partner(engine, settings, slug, network, port_for(ports.get(slug)), keys, clock)
        for slug, network in _PARTNERS.items()
    ]


def _partner(  # noqa: PLR0917  # private
    engine: Engine, settings: Settings, slug: str, network: str, port: int, keys: Path, clock: Clock
) -> Sandbox:
    receive = AccessScope.REFERRAL_RECEIVE
    new = NewClient(
        name=f"Sandbox of {slug}",
        id=f"demo-sandbox-{slug}",
        kind=ClientKind.MACHINE,
        body=slug,
        scopes=(receive,),
        purposes=(Purpose.RESIDENCY_PLACEMENT,),
    )
    client = _client(engine, new, keys, clock)
    key: Json = json.loads(Path(client["key"]).read_text(encoding="utf-8"))
    issuer = settings.issuer or settings.public_url
    hub = {
        "issuer": issuer,
        "base": settings.public_url,
        "graphql": f"{settings.public_url}/graphql",
        "client_id": client["id"],
        "key": key,
        "scope": receive.value,
    }
    sandbox = Sandbox(
        slug=slug, network=network, port=port, folder=settings.data_dir.resolve() / f"sandbox-{slug}", hub=hub
    )
    with engine.begin() as connection:
        found = next((each for each in partners.listed(connection) if each.slug == slug), None)
        place = {"issuer": sandbox.url, "base": sandbox.url, "jwks_uri": f"{sandbox.url}/jwks"}
        if found is None:
            partners.add(
                connection,
                slug,
                network_name=network,
                **place,
                pins=(),
                capabilities=None,
                now=clock.now(),
                loopback=True,
            )
            agreements.save(
                connection,
                partners.body_of(connection, slug),
                state=AgreementState.IN_FORCE,
                from_on=clock.now().date().replace(month=1, day=1),
                until_on=None,
                categories=list(Category),
                purposes=list(Purpose),
                onward_allowed=False,
            )
        elif found.known.issuer != sandbox.url:
            partners.move(connection, slug, **place, loopback=True)
    return sandbox
