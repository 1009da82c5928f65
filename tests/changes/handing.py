"""People at the graph who hand somebody over: what they send, and the first steps of a referral."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from referrals_town import PLANTED, Town

from hub.operations import Operations
from schema.access import AccessProfile
from schema.vocabulary import AccessScope, Relation

NAME, PEN_NAME, BORN, PRISON, TITLE = PLANTED
CONTENT = {
    "profile": {
        "originRegion": "WESTERN_ASIA",
        "languages": ["ar", "fr"],
        "support": ["RESIDENCY"],
        "urgency": "URGENT",
    },
    "identity": {"legalName": NAME, "names": [PEN_NAME], "birthDate": BORN},
    "risk": {"claim": f"Held in {PRISON}.", "incidents": [{"act": "ARREST", "account": PRISON}], "convicted": True},
    "works": [{"title": TITLE, "published": False}],
}
REFERRAL = """
  ... on ReferralPayload {
    replayed event { number kind } consent { id state categories }
    referral { id state mySide case { id identity { legalName } risk { claim samples { title } } } }
  }
  ... on Problem { code message path }
"""


class Desk:
    """Somebody at the graph: sends mutations, each with a key of its own."""

    def __init__(self, operations: Operations, profile: AccessProfile) -> None:
        self.operations = operations
        self.profile = profile
        self.keys = 0
        self.name = uuid4().hex

    async def ask(self, document: str, **variables: object) -> dict[str, Any]:
        answer = await self.operations.execute(document, variables=variables, profile=self.profile)
        return json.loads(answer.body)

    async def do(self, name: str, selection: str, **given: object) -> dict[str, Any]:
        self.keys += 1
        kind = f"{name[0].upper()}{name[1:]}Input"
        document = f"mutation($input: {kind}!) {{ it: {name}(input: $input) {{ {selection} }} }}"
        answer = await self.ask(document, input={"idempotencyKey": f"intent-{self.name}-{self.keys}", **given})
        assert "errors" not in answer, answer
        return answer["data"]["it"]

    async def step(self, name: str, **given: object) -> dict[str, Any]:
        return await self.do(name, REFERRAL, **given)


def staff(town: Town, relation: Relation) -> AccessProfile:
    account = {Relation.LEAD: town.lead, Relation.CASEWORKER: town.caseworker, Relation.DPO: town.dpo}[relation]
    return AccessProfile(relation=relation, scopes=frozenset(AccessScope), account_id=account)


def slugged(town: Town, slug: str) -> str:
    return f"or_{town.ids[slug]}"


async def drafted(lena: Desk, town: Town, **more: object) -> tuple[str, str]:
    """Open a case and draft a referral to PEN; give the ids of both."""
    opened = await lena.do("openCase", "... on CasePayload { case { id } } ... on Problem { code }", content=CONTENT)
    case = opened["case"]["id"]
    wanted = {"purpose": "RESIDENCY_PLACEMENT", "urgency": "URGENT", "services": ["RESIDENCY"]} | more
    made = await lena.step("createReferral", case=case, recipient=slugged(town, "pen-international"), **wanted)
    assert made["referral"]["state"] == "DRAFT", made
    return case, made["referral"]["id"]


async def consented(
    lena: Desk, town: Town, referral: str, given: list[str], asked: Sequence[str] = ("CASE", "IDENTITY", "RISK")
) -> dict[str, Any]:
    """Ask the person, and record the answer."""
    until = (town.now + timedelta(days=90)).date().isoformat()
    waiting = await lena.do(
        "requestConsent",
        "... on ConsentPayload { consent { id state } referral { state } } ... on Problem { code path }",
        referral=referral,
        categories=list(asked),
        until=until,
    )
    assert waiting["referral"]["state"] == "CONSENT_PENDING", waiting
    return await lena.do(
        "recordConsent",
        "... on ConsentPayload { consent { id state categories } referral { state } } ... on Problem { code path }",
        consent=waiting["consent"]["id"],
        given=given,
        channel="ENCRYPTED_MESSAGE",
        wordingVersion="2026-11",
        language="ar",
        basis="ART9_2_A",
    )


def internal(referral: str) -> UUID:
    """Give the id behind a global one."""
    return UUID(referral.partition("_")[2])
