"""The rules about persons said once more, naively, row by row; nothing of the planner or of its rules is used here.

Rows are dicts as the database holds them; a viewer is a few plain values. Each function answers one question of the
access model: is there such a record for this viewer, and if so, which categories of it, and if not, why not.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

Row = dict[str, Any]
OPEN = {
    "received",
    "in_review",
    "info_requested",
    "partial_offer",
    "waitlisted",
    "accepted",
    "in_progress",
    "on_hold",
    "outcome_reported",
}
SCOPES = {
    "case": {"case:read", "residency:read", "self:read", "delegate:read"},
    "identity": {"identity:read", "self:read", "delegate:read"},
    "contact": {"contact:read", "self:read", "delegate:read"},
    "risk": {"risk:read", "self:read", "delegate:read"},
    "contact coarse": {"contact:read", "consent:manage", "self:read", "delegate:read"},
    "location coarse": {"location:read", "assessment:write", "self:read"},
    "health coarse": {"health:read", "residency:read", "presentation:read", "assessment:write", "self:read"},
    "family coarse": {"family:read", "presentation:read", "assessment:write", "self:read"},
    "assessment coarse": {"assessment:read", "assessment:write", "consent:manage", "self:read"},
}
# Rows of the access matrix: whom V or O lets see a category in full, or V, O or C its coarse form, once there is a tie.
FULL = {
    "case": {"lead", "dpo", "caseworker", "resident", "partner_agreement", "partner_referral"},
    "identity": {"lead", "dpo", "caseworker", "resident", "partner_agreement", "partner_referral"},
    "contact": {"lead", "caseworker", "resident", "partner_agreement", "partner_referral"},
    "risk": {"lead", "caseworker", "resident", "partner_agreement", "partner_referral"},
    "contact coarse": {"lead", "dpo", "caseworker", "resident", "partner_agreement", "partner_referral"},
    "location coarse": {"caseworker", "resident", "partner_agreement", "partner_referral"},
    "health coarse": {"caseworker", "resident", "partner_agreement", "partner_referral"},
    "family coarse": {"lead", "caseworker", "resident", "partner_agreement", "partner_referral"},
    "assessment coarse": {"lead", "dpo", "caseworker", "resident", "partner_agreement", "partner_referral"},
}
ICORN = {"lead", "dpo", "caseworker"}
PARTNERS = {"partner_agreement", "partner_referral"}
TIED = PARTNERS | {"lead", "dpo", "caseworker", "resident"}


@dataclass
class Viewer:
    """Who asks."""

    relation: str
    scopes: set[str]
    body: UUID | None
    account: UUID | None
    purpose: str | None


@dataclass
class Oracle:
    """Answers about one world."""

    tables: dict[str, list[Row]]
    today: date
    withheld: Counter[tuple[tuple[str, ...], str, str]] = field(default_factory=Counter)
    """Path, category and code of what a row kept back, with how often."""
    shut: set[tuple[tuple[str, ...], str, str]] = field(default_factory=set)
    """The same for what no row could have shown."""
    subjects: set[UUID] = field(default_factory=set)

    def of(self, table: str, **wanted: Any) -> list[Row]:
        return [row for row in self.tables[table] if all(row[key] == value for key, value in wanted.items())]

    # ---- Ties --------------------------------------------------------------------------------------------------------

    def agreement(self, who: Viewer) -> Row | None:
        for row in self.of("agreement", organisation_id=who.body):
            start, end = row["from_on"] or "", row["until_on"] or "9999"
            today = self.today.isoformat()
            if row["state"] == "in_force" and start <= today and today[: len(end)] <= end:
                return row
        return None

    def handed(self, who: Viewer, **wanted: Any) -> list[Row]:
        return [
            row
            for row in self.of("referral", recipient_id=who.body, **wanted)
            if row["sent_at"] is not None and row["state"] in OPEN
        ]

    def free(self, who: Viewer, person: UUID) -> bool:
        (row,) = self.of("person", id=person)
        return not row["frozen"] and who.body not in row["blocked_organisations"]

    def works_on(self, who: Viewer, case: Row) -> bool:
        return who.account is not None and who.account in {case["owner_id"], case["cover_id"]}

    def myself(self, who: Viewer, person: UUID) -> bool:
        return who.account is not None and self.of("person", id=person)[0]["account_id"] == who.account

    def case(self, who: Viewer, case: Row) -> bool:
        """Tell whether there is such a case for the viewer."""
        match who.relation:
            case "lead" | "dpo":
                came = self.of("referral", case_id=case["id"], direction="incoming")
                taken = [row for row in came if row["sent_at"] is not None and row["state"] in OPEN - {"received"}]
                return case["holder_id"] is None or bool(taken)
            case "caseworker":
                return self.works_on(who, case)
            case "resident":
                return self.myself(who, case["person_id"])
            case "partner_agreement" | "partner_referral":
                if who.body is None or self.agreement(who) is None:
                    return False
                if case["holder_id"] == who.body:
                    return True
                return bool(self.handed(who, case_id=case["id"])) and self.free(who, case["person_id"])
        return False

    def person(self, who: Viewer, person: Row) -> bool:
        """Tell whether there is such a person for the viewer."""
        if who.relation == "auditor":
            return False
        if who.relation in {"lead", "dpo"}:
            return True
        return any(self.case(who, case) for case in self.of("case_file", person_id=person["id"]))

    def referral(self, who: Viewer, referral: Row) -> bool:
        """Tell whether there is such a referral for the viewer."""
        (case,) = self.of("case_file", id=referral["case_id"])
        match who.relation:
            case "lead" | "dpo":
                return referral["direction"] == "outgoing" or referral["sent_at"] is not None
            case "caseworker":
                came = referral["direction"] == "incoming" and referral["sent_at"] is not None
                return self.works_on(who, case) or (came and case["owner_id"] is None)
            case "resident":
                return self.myself(who, referral["person_id"])
            case "partner_agreement" | "partner_referral":
                if who.body is None or self.agreement(who) is None:
                    return False
                mine = referral["recipient_id"] == who.body and referral["sent_at"] is not None
                return referral["sender_id"] == who.body or mine
        return False

    # ---- Categories --------------------------------------------------------------------------------------------------

    def consented(self, who: Viewer, category: str, case: UUID, person: UUID) -> bool:
        purposes = {row["purpose"] for row in self.handed(who, case_id=case)}
        if who.purpose is None or who.purpose not in purposes:
            return False
        return any(
            row["state"] in {"given", "limited"}
            and row["withdrawn_at"] is None
            and category in row["categories"]
            and who.purpose in row["purposes"]
            and row["from_on"] <= self.today <= row["until_on"]
            for row in self.of("consent", person_id=person, recipient_id=who.body)
        )

    def brought(self, category: str, case: Row) -> bool:
        """Tell whether the person allowed ICORN a category of what a partner brought and somebody took up."""
        return any(
            row["sent_at"] is not None
            and row["state"] in OPEN - {"received"}
            and consent["state"] in {"given", "limited"}
            and consent["withdrawn_at"] is None
            and category in consent["categories"]
            and row["purpose"] in consent["purposes"]
            and consent["from_on"] <= self.today <= consent["until_on"]
            for row in self.of("referral", case_id=case["id"], direction="incoming")
            for consent in self.of("consent", person_id=row["person_id"], recipient_id=row["recipient_id"])
        )

    def why_not(self, who: Viewer, category: str, case: Row, *, sealed: bool) -> str | None:
        """Give the first reason for which a category of a case is kept back on this row; None when it is shown."""
        if who.relation in PARTNERS and case["holder_id"] != who.body:
            terms = self.agreement(who)
            if terms is None or category not in terms["categories"] or who.purpose not in {None, *terms["purposes"]}:
                return "SCOPE"
            if not self.consented(who, category, case["id"], case["person_id"]):
                return "CONSENT"
        if who.relation in ICORN and case["holder_id"] is not None and not self.brought(category, case):
            return "CONSENT"
        if sealed and self.of("subject_key", subject_id=case["person_id"])[0]["wrapped"] is None:
            return "SEALED"
        return None

    def never(self, who: Viewer, kind: str) -> str | None:
        """Give the reason for which no row shows the category at the grain; None when rows decide."""
        if not SCOPES[kind] & who.scopes:
            return "SCOPE"
        return None if who.relation in FULL[kind] else "RELATION"

    def never_staff(self, who: Viewer) -> str | None:
        """Give the reason for which no row shows who of ICORN works on a case; None when rows decide."""
        return self.never(who, "case") or ("RELATION" if who.relation in PARTNERS else None)

    def staff(self, who: Viewer, account: UUID | None) -> dict[str, str | None] | None:
        """Show somebody of ICORN: to colleagues by name, to the person by role; None where nobody is."""
        found = [row for row in self.of("account", id=account) if row["relation"] in ICORN | {"auditor"}]
        if not found:
            return None
        name = found[0]["name"] if who.relation in ICORN else None
        return {"name": name, "role": found[0]["relation"].upper()}

    def shown(self, who: Viewer, kind: str, case: Row, path: tuple[str, ...], *, sealed: bool = False) -> bool:
        """Tell whether a category is shown at a grain, noting it where it is withheld."""
        category = kind.partition(" ")[0]
        if reason := self.never(who, kind):
            self.shut.add((path, category.upper(), reason))
            return False
        if reason := self.why_not(who, category, case, sealed=sealed):
            self.withheld[path, category.upper(), reason] += 1
            return False
        return True
