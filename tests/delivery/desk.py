"""A hub that hands persons over by its own services, with a registered partner: for kill loops and measurements.

What is enqueued is written here, in the transactions of the house. Who brings it, serves packets and takes answers in
is another process: `hub_environment` is what that needs.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from joserfc.jwk import ECKey
from sqlalchemy import insert, select
from sqlmodel import Session

from hub import agreements
from hub.auth import registry as clients
from hub.auth.registry import NewClient
from hub.auth.root import RootKey
from hub.clock import SystemClock
from hub.consent import Acting, Answered, Changed
from hub.delivery import HandoffOutbox
from hub.partners import Book, OwnKeys, registry
from hub.referrals.cases import Content, Profile
from hub.referrals.office import Office
from hub.referrals.sending import Draft
from hub.referrals.service import Referrals
from hub.store import Database
from hub.store.sealed import Sealing
from hub.store.vault import Vault
from schema.access import AccessProfile
from schema.tables import AccountRow
from schema.tables.base import table_of
from schema.tables.oauth import ClientKind
from schema.tables.people import AccountStatus
from schema.vocabulary import (
    AccessScope,
    AgreementState,
    Category,
    ClosingReason,
    ConsentChannel,
    LegalBasis,
    Purpose,
    Region,
    Relation,
    SupportKind,
    Urgency,
)
from tests.delivery.world import REFERRAL, House
from tests.sandbox.sandbox_process import ROOT, Sandbox

NETWORK = "scholars_at_risk"
GIVEN = (Category.CASE, Category.IDENTITY, Category.RISK)
CONTENT = Content(
    profile=Profile(
        origin_region=Region.WESTERN_ASIA,
        languages=["ar", "fr"],
        household_size=2,
        support=[SupportKind.RESIDENCY],
        urgency=Urgency.URGENT,
    ),
    identity={"legal_name": "Made Up", "names": ["M. U."], "birth_date": "1984-03"},
    risk={"claim": "Made up.", "incidents": [{"act": "arrest"}], "convicted": True},
)


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as found:
        return found.getsockname()[1]


@dataclass
class Desk:
    """The secretariat's lead, over the hub's own services in this process."""

    database: Database
    folder: Path
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.engine = self.database.engine()
        self.clock = SystemClock()
        root = RootKey.load(self.folder / "root.key")
        self.partners = Book(self.engine, OwnKeys(self.engine, root, self.clock, self.url), self.clock, loopback=True)
        self.office = Office(
            vault=Vault(Sealing(root.derive)),
            me=self.partners.me,
            outbox=HandoffOutbox(),
            partner_of=self.partners.partner_of,
        )
        self.referrals = Referrals(self.office)
        self.account = uuid4()
        self.key = ECKey.generate_key("P-256")
        with self.engine.begin() as connection:
            self.home, self.body = (House.body(connection, slug) for slug in ("icorn", "sar"))
            row = AccountRow(
                id=self.account,
                login="lena",
                name="Made up",
                relation=Relation.LEAD,
                status=AccountStatus.ACTIVE,
                scopes=list(AccessScope),
                created_at=self.clock.now(),
            )
            values = {column.name: getattr(row, column.name) for column in table_of(AccountRow).columns}
            connection.execute(insert(table_of(AccountRow)).values(values))
            agreements.save(
                connection,
                self.body,
                state=AgreementState.IN_FORCE,
                from_on=self.clock.now().date() - timedelta(days=30),
                until_on=None,
                categories=list(Category),
                purposes=list(Purpose),
                onward_allowed=False,
            )
        public = self.key.as_dict(private=False) | {"kid": self.key.thumbprint(), "use": "sig", "alg": "ES256"}
        new = NewClient(
            name="Sandbox",
            id="sandbox",
            kind=ClientKind.MACHINE,
            body="sar",
            scopes=(AccessScope.REFERRAL_RECEIVE,),
            purposes=(Purpose.RESIDENCY_PLACEMENT,),
            jwks={"keys": [public]},
        )
        with Session(self.engine) as session, session.begin():
            clients.create(session, new, now=self.clock.now())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def partner(self, **config: Any) -> Sandbox:
        """The partner to be; it reads with a token of its own."""
        hub = {
            "issuer": self.url,
            "graphql": f"{self.url}/graphql",
            "client_id": "sandbox",
            "key": self.key.as_dict(private=True),
            "scope": AccessScope.REFERRAL_RECEIVE.value,
        }
        return Sandbox(self.folder / "books", NETWORK, hub, **config)

    def register(self, sandbox: Sandbox) -> None:
        """Know the partner where it is now."""
        with self.engine.begin() as connection:
            registry.add(
                connection,
                "sar",
                network_name=NETWORK,
                issuer=sandbox.url,
                base=sandbox.url,
                jwks_uri=f"{sandbox.url}/jwks",
                pins=(),
                capabilities=None,
                now=self.clock.now(),
                loopback=True,
            )

    def hub_environment(self) -> dict[str, str]:
        return {
            "HUB_DATABASE_URL": self.database.conninfo,
            "HUB_DATA_DIR": str(self.folder / "data"),
            "HUB_ROOT_KEY_FILE": str(self.folder / "root.key"),
            "HUB_PORT": str(self.port),
            "HUB_BASE_URL": self.url,
            "HUB_PARTNER_PLACES": "loopback",
            "HUB_LOG_LEVEL": "error",
            # One partner, at a pace that many have together.
            "HUB_HANDOFF_PER_MINUTE": "1000000",
            "HUB_OAUTH_PER_MINUTE": "1000000",
        }

    def close(self) -> None:
        self.engine.dispose()

    # ---- Steps --------------------------------------------------------------------------------------------------

    @property
    def lena(self) -> Acting:
        return self._as(Relation.LEAD)

    def _as(self, relation: Relation) -> Acting:
        profile = AccessProfile(relation=relation, scopes=frozenset(AccessScope), account_id=self.account)
        return Acting(profile, self.clock.now())

    def ready(self) -> Changed:
        """Bring a referral of a new person as far as ready, in one transaction."""
        with self.engine.begin() as connection:
            case = self.referrals.open_case(connection, self.lena, CONTENT)
            draft = Draft(
                recipient_id=self.body,
                purpose=Purpose.RESIDENCY_PLACEMENT,
                urgency=Urgency.NORMAL,
                services=(SupportKind.RESIDENCY,),
                case_id=case.case_id,
            )
            made = self.referrals.create(connection, self.lena, draft)
            until = self.clock.now().date() + timedelta(days=90)
            asked = self.referrals.request_consent(
                connection, self.lena, made.referral_id, categories=GIVEN, until=until
            )
            said = Answered(
                given=GIVEN,
                channel=ConsentChannel.ENCRYPTED_MESSAGE,
                wording_version="2026-11",
                language="ar",
                basis=LegalBasis.ART9_2_A,
            )
            return self.referrals.record_consent(connection, self.lena, asked.consent_id, said)

    def send(self, referral: UUID) -> None:
        with self.engine.begin() as connection:
            self.referrals.send(connection, self.lena, referral)

    def withdraw(self, referral: UUID) -> None:
        with self.engine.begin() as connection:
            self.referrals.withdraw(connection, self.lena, referral, reason=ClosingReason.PERSON_WITHDREW)

    def revoke(self, consent: UUID) -> None:
        with self.engine.begin() as connection:
            self.referrals.revoke_consent(connection, self._as(Relation.DPO), consent, ConsentChannel.ENCRYPTED_MESSAGE)

    def state(self, referral: UUID) -> Any:
        with self.engine.connect() as connection:
            return connection.execute(select(REFERRAL.c.state).where(REFERRAL.c.id == referral)).scalar_one()


class Process:
    """A process of the hub, started and killed."""

    def __init__(self, name: str, command: Sequence[str], environment: dict[str, str]) -> None:
        self.name = name
        self._command = [sys.executable, *command]
        self._environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"} | environment
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            self._command, cwd=ROOT, env=self._environment, stdout=subprocess.DEVNULL, start_new_session=True
        )

    @property
    def ended(self) -> bool:
        """True when it ended by itself."""
        return self.process.poll() is not None

    def kill(self) -> None:
        """End it as a power cut would, as far as a process can tell."""
        self.process.kill()
        self.process.wait()
