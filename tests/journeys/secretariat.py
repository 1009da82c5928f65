"""The secretariat at its desk: it asks and changes through the console's door, as a browser does."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

from visiting.visitor import Visitor

from hub.clock import SystemClock

CONTENT = {
    "profile": {"originRegion": "WESTERN_ASIA", "languages": ["ar"], "support": ["RESIDENCY"], "urgency": "URGENT"},
    "identity": {"legalName": "Nadim Planted", "names": ["N. P."], "birthDate": "1984-03"},
    "risk": {"claim": "Held for a poem.", "incidents": [{"act": "ARREST"}], "convicted": True},
}
REFERRAL = """
  ... on ReferralPayload { event { kind } referral { id state case { id identity { legalName } } } }
  ... on Problem { code message path }
"""
CONSENT = "... on ConsentPayload { consent { id state } referral { state } } ... on Problem { code message path }"
_keys = count(1)


@dataclass
class Desk:
    """Somebody of the secretariat, signed in at the console."""

    visitor: Visitor

    def ask(self, document: str, **variables: object) -> dict[str, Any]:
        headers = {"origin": self.visitor.url, "x-hub-console": "1"}
        body = {"query": document, "variables": variables}
        answer = self.visitor.client.post("/graphql", json=body, headers=headers).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def do(self, name: str, selection: str = REFERRAL, **given: object) -> dict[str, Any]:
        kind = f"{name[0].upper()}{name[1:]}Input"
        document = f"mutation($input: {kind}!) {{ it: {name}(input: $input) {{ {selection} }} }}"
        return self.ask(document, input={"idempotencyKey": f"an intent, number {next(_keys)}", **given})["it"]

    def revoke(self, consent: str) -> dict[str, Any]:
        """Record that the person takes a consent back."""
        return self.do("revokeConsent", CONSENT, consent=consent, channel="ENCRYPTED_MESSAGE")


class Lead(Desk):
    """The lead."""

    def state(self, referral: str) -> str | None:
        found = self.ask("query($id: ID!) { referral(id: $id) { state } }", id=referral)["referral"]
        return found and found["state"]

    def kinds(self, referral: str) -> list[str]:
        asked = "query($id: ID!) { referral(id: $id) { events(first: 50) { nodes { kind } } } }"
        return [each["kind"] for each in self.ask(asked, id=referral)["referral"]["events"]["nodes"]]

    def consent(self, referral: str) -> str:
        asked = "query($id: ID!) { referral(id: $id) { consent { id } } }"
        return self.ask(asked, id=referral)["referral"]["consent"]["id"]

    def hand_over(self, body: str, urgency: str = "URGENT") -> str:
        """Hand a person over to a body, from the first word to the sending; give the referral."""
        referral = self.ready(body, urgency)
        sent = self.do("sendReferral", referral=referral)
        assert sent["referral"]["state"] == "SENT", sent
        return referral

    def ready(self, body: str, urgency: str = "URGENT") -> str:
        """Bring a referral as far as it can be without sending it; give it."""
        opened = self.do("openCase", "... on CasePayload { case { id } } ... on Problem { code }", content=CONTENT)
        made = self.do(
            "createReferral",
            case=opened["case"]["id"],
            recipient=body,
            purpose="RESIDENCY_PLACEMENT",
            urgency=urgency,
            services=["RESIDENCY"],
        )
        assert made["referral"]["state"] == "DRAFT", made
        referral = made["referral"]["id"]
        asked = self.do(
            "requestConsent",
            CONSENT,
            referral=referral,
            categories=["CASE", "IDENTITY", "RISK"],
            until=(SystemClock().now() + timedelta(days=90)).date().isoformat(),
        )
        given = self.do(
            "recordConsent",
            CONSENT,
            consent=asked["consent"]["id"],
            given=["CASE", "IDENTITY", "RISK"],
            channel="ENCRYPTED_MESSAGE",
            wordingVersion="2026-11",
            language="ar",
            basis="ART9_2_A",
        )
        assert given["referral"]["state"] == "READY", given
        return referral
