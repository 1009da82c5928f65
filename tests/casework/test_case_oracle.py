"""Oracle and planner asked the same about made-up worlds of cases: data, what is withheld and why, and the leaf."""

import json
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

from databases import cloned
from desk import Hub
from office import ADDRESS, CLAIM, COARSE, EVERY_CATEGORY, NAME, NOW, TODAY, VEIL, File, Office, partner, staff
from psycopg import connect
from psycopg.rows import dict_row
from reckoning import FULL, PARTNERS, TIED, Oracle, Viewer

from hub.planner import Planner
from hub.store import Database
from schema.access import AccessProfile
from schema.vocabulary import (
    AccessScope,
    AgreementState,
    Category,
    ConsentState,
    Purpose,
    ReferralState,
    Relation,
)

WORLDS, QUESTIONS = 4, 20
TABLES = ("agreement", "person", "case_file", "consent", "referral", "subject_key", "organisation", "account")
PURPOSES = (Purpose.ASSESSMENT, Purpose.ADVOCACY)
CATEGORIES = tuple(EVERY_CATEGORY)
FIELDS = {
    "id": "id",
    "state": "state",
    "identity": "identity { legalName pronouns }",
    "contact": "contact { rule channels { address kind safe } }",
    "risk": "risk { claim level }",
    "household": "household { adults children }",
    **{name: name for name in COARSE if name != "household"},
    "person": "person { id }",
    "owner": "owner { name role }",
}
KINDS = {
    "id": None,
    "person": "case",
    "state": "case",
    "contactRule": "contact coarse",
    "currentRegion": "location coarse",
    "arrivalMonth": "location coarse",
    "careNeeds": "health coarse",
    "household": "family coarse",
    "opinion": "assessment coarse",
}
"""Category and grain of each field that is not called as they are."""


def some(dice: Random, values: Any) -> list[Any]:
    return [value for value in values if dice.random() < 0.7]


def furnish(office: Office, dice: Random) -> tuple[list[UUID], list[UUID], list[UUID]]:
    """Make up bodies, accounts and cases in every standing."""
    bodies = [office.body(f"body-{number}") for number in range(3)]
    for body in bodies[: dice.choice((2, 3, 3))]:
        office.agree(
            body,
            state=dice.choice([*[AgreementState.IN_FORCE] * 5, *AgreementState]),
            from_on=dice.choice(("2024", "2026-11-21", "2026-12", None)),
            until_on=dice.choice((None, None, "2026", "2026-11-20", "2026-11-21")),
            categories=some(dice, Category) if dice.random() < 0.5 else list(Category),
            purposes=some(dice, PURPOSES) if dice.random() < 0.5 else list(PURPOSES),
        )
    workers = [office.account(Relation.CASEWORKER) for _ in range(2)]
    people: list[UUID] = []
    for _ in range(dice.randint(4, 8)):
        own = office.account(Relation.RESIDENT) if dice.random() < 0.5 else None
        if own:
            people.append(own)
        file = office.file(
            sealed=dice.random() < 0.8,
            holder_id=dice.choice([None, None, None, *bodies]),
            owner_id=dice.choice([None, *workers, *workers]),
            cover_id=dice.choice([None, None, *workers]),
            person={
                "account_id": own,
                "frozen": dice.random() < 0.1,
                "blocked_organisations": [dice.choice(bodies)] if dice.random() < 0.2 else [],
            },
        )
        hand_over(office, dice, file, bodies)
        if dice.random() < 0.15:
            office.vault.destroy_key(office.connection, file.person, NOW)
    return bodies, workers, people


def hand_over(office: Office, dice: Random, file: File, bodies: list[UUID]) -> None:
    for body in [*bodies, *bodies[:1], office.house]:
        if dice.random() < 0.6:
            office.consent(
                file,
                body,
                categories=some(dice, CATEGORIES),
                purposes=some(dice, PURPOSES),
                state=dice.choice([*[ConsentState.GIVEN] * 5, *ConsentState]),
                from_on=TODAY - timedelta(days=dice.choice((0, 3, -1))),
                until_on=TODAY + timedelta(days=dice.choice((1, 5, 9))),
                withdrawn_at=NOW if dice.random() < 0.15 else None,
            )
        if body != office.house and dice.random() < 0.7:
            incoming = dice.random() < 0.4
            office.refer(
                file,
                office.house if incoming else body,
                sender_id=body if incoming else office.house,
                direction="incoming" if incoming else "outgoing",
                state=dice.choice([s for s in ReferralState if s is not ReferralState.DUPLICATE]),
                sent_at=NOW if dice.random() < 0.8 else None,
                purpose=dice.choice(PURPOSES),
            )


def somebody(dice: Random, made: tuple[list[UUID], list[UUID], list[UUID]]) -> AccessProfile:
    bodies, workers, people = made
    wanted = (
        AccessScope.CASE_READ,
        AccessScope.IDENTITY_READ,
        AccessScope.CONTACT_READ,
        AccessScope.LOCATION_READ,
        AccessScope.RISK_READ,
        AccessScope.HEALTH_READ,
        AccessScope.FAMILY_READ,
        AccessScope.ASSESSMENT_READ,
    )
    scopes = frozenset(dice.choice((wanted, wanted, some(dice, wanted))))
    relation = dice.choice([*[Relation.PARTNER_AGREEMENT] * 12, *[Relation.CASEWORKER] * 3, *Relation])
    purpose = dice.choice((*PURPOSES, *PURPOSES, None))
    if relation.value in PARTNERS:
        return partner(dice.choice([*bodies * 4, None]), purpose, scopes=scopes, relation=relation)
    account = dice.choice([*workers, *people])
    return staff(relation, account, scopes=scopes, purpose=purpose, organisation_id=dice.choice([None, *bodies]))


class Expected:
    """What must come back, made by the oracle."""

    def __init__(self, tables: dict[str, list[dict[str, Any]]], who: AccessProfile, sealed: set[UUID]) -> None:
        self.oracle = Oracle(tables, TODAY)
        self.who = Viewer(
            who.relation.value,
            {scope.value for scope in who.scopes},
            who.organisation_id,
            who.account_id,
            who.purpose.value if who.purpose else None,
        )
        self.audience = who.audience
        self.sealed = sealed

    def case(self, row: dict[str, Any], fields: list[str], path: tuple[str, ...]) -> dict[str, Any]:
        oracle, who = self.oracle, self.who
        oracle.subjects.add(row["person_id"])
        made: dict[str, Any] = {}
        for name in fields:
            at = (*path, name)
            there = row["id"] in self.sealed
            match name:
                case "id":
                    made[name] = f"ca_{VEIL.hide(self.audience, 'ca', row['id'])}"
                case "state":
                    made[name] = row["state"].upper() if oracle.shown(who, "case", row, at) else None
                case "identity":
                    shown = oracle.shown(who, "identity", row, at, sealed=True)
                    made[name] = {"legalName": NAME, "pronouns": None} if shown and there else None
                case "contact":
                    shown = oracle.shown(who, "contact", row, at, sealed=True)
                    channels = [{"address": ADDRESS, "kind": "SIGNAL", "safe": True}]
                    made[name] = {"rule": "DIRECT", "channels": channels} if shown and there else None
                case "risk":
                    shown = oracle.shown(who, "risk", row, at, sealed=True)
                    made[name] = {"claim": CLAIM, "level": "HIGH"} if shown and there else None
                case "contactRule":
                    made[name] = COARSE[name] if oracle.shown(who, "contact coarse", row, at) else None
                case "currentRegion" | "arrivalMonth" | "careNeeds" | "household" | "opinion":
                    shown = oracle.shown(who, KINDS[name] or "", row, at, sealed=True)
                    made[name] = COARSE[name] if shown and there else None
                case "owner":
                    never = oracle.never_staff(who)
                    shown = not never and oracle.shown(who, "case", row, at)
                    made[name] = oracle.staff(who, row["owner_id"]) if shown else None
                case "person":
                    shown = oracle.shown(who, "case", row, at)
                    made[name] = {"id": f"pe_{VEIL.hide(self.audience, 'pe', row['person_id'])}"} if shown else None
        return made

    def hide_staff(self) -> None:
        """Note what no row shows of who works on a case: it, or the name."""
        reason = self.oracle.never_staff(self.who)
        for path in (("cases", "nodes", "owner"), ("referrals", "nodes", "case", "owner")):
            if reason:
                self.oracle.shut.add((path, "CASE", reason))
            elif self.who.relation == "resident":
                self.oracle.shut.add(((*path, "name"), "CASE", "RELATION"))

    def answer(self, fields: list[str]) -> dict[str, Any]:
        oracle, who = self.oracle, self.who
        if who.relation not in TIED:
            oracle.shut |= {(("cases",), "CASE", "RELATION"), (("referrals",), "CASE", "RELATION")}
            return {"cases": None, "referrals": None}
        for name in fields:
            if name == "owner":
                self.hide_staff()
                continue
            kind = KINDS.get(name, name)
            for path in (("cases", "nodes", name), ("referrals", "nodes", "case", name)):
                if kind and (reason := oracle.never(who, kind)):
                    oracle.shut.add((path, kind.partition(" ")[0].upper(), reason))
        cases = [row for row in oracle.tables["case_file"] if oracle.case(who, row)]
        referrals = [row for row in oracle.tables["referral"] if oracle.referral(who, row)]
        found = []
        for row in referrals:
            (file,) = oracle.of("case_file", id=row["case_id"])
            oracle.subjects.add(row["person_id"])
            shown = self.case(file, fields, ("referrals", "nodes", "case")) if oracle.case(who, file) else None
            found.append({"id": f"rf_{row['id']}", "state": row["state"].upper(), "case": shown})
        return {
            "cases": {
                "totalCount": len(cases),
                "nodes": ordered([self.case(row, fields, ("cases", "nodes")) for row in cases]),
            },
            "referrals": {"totalCount": len(referrals), "nodes": ordered(found)},
        }

    def withheld(self) -> list[dict[str, Any]]:
        oracle = self.oracle
        told = [{"path": list(path), "category": c, "code": code} for path, c, code in oracle.shut]
        told += [
            {"path": list(path), "category": c, "code": code, "count": count}
            for (path, c, code), count in oracle.withheld.items()
        ]
        return sorted(told, key=json.dumps)


def ordered(rows: list[Any]) -> list[Any]:
    """Sort what comes in an order of no meaning."""
    return sorted(rows, key=json.dumps)


async def test_the_planner_answers_about_persons_as_the_oracle_does(template: Database, planner: Planner):
    met: set[str] = set()
    for seed in range(WORLDS):
        met |= await agreeing(template, planner, seed)
    assert met >= {"shown", "SCOPE", "RELATION", "CONSENT", "SEALED"}, met


async def agreeing(template: Database, planner: Planner, seed: int) -> set[str]:
    """Ask both about one world; give what was met."""
    dice = Random(f"casework {seed}")  # noqa: S311  # worlds, not secrets
    met: set[str] = set()
    with cloned(template) as database:
        hub = Hub(database, planner)
        try:
            with hub.engine.begin() as connection:
                made = furnish(Office(connection), dice)
            with connect(database.conninfo, row_factory=dict_row) as connection:
                tables = {name: list(connection.execute(f"select * from {name}")) for name in TABLES}
                sealed = {row["case_id"] for row in connection.execute("select case_id from case_identity")}
            for _ in range(QUESTIONS):
                who = somebody(dice, made)
                fields = ["id", *some(dice, list(FIELDS)[1:])]
                inner = " ".join(FIELDS[name] for name in fields)
                document = (
                    f"{{ cases(first: 100) {{ totalCount nodes {{ {inner} }} }} "
                    f"referrals(first: 100) {{ totalCount nodes {{ id state case {{ {inner} }} }} }} }}"
                )
                expected = Expected(tables, who, sealed)
                data = expected.answer(fields)
                answer = await hub.ask(document, who)
                got = answer["data"]
                for name in ("cases", "referrals"):
                    if got[name]:
                        got[name]["nodes"] = ordered(got[name]["nodes"])
                told = (seed, document, who)
                assert got == data, told
                withheld = answer.get("extensions", {}).get("withheld", [])
                assert sorted(withheld, key=json.dumps) == expected.withheld(), told
                check_leaf(hub, who, expected)
                met |= {code for _, _, code in (*expected.oracle.shut, *expected.oracle.withheld)}
                met |= {"shown"} if expected.oracle.subjects else set()
        finally:
            await hub.open.aclose()
            await hub.audited.aclose()
            hub.engine.dispose()
    return met


def check_leaf(hub: Hub, who: AccessProfile, expected: Expected) -> None:
    """Hold the newest leaf against what the oracle saw; then take it away."""
    leaves = hub.rows("select subjects, categories, fields_returned, relation from audit_leaf")
    with hub.engine.begin() as connection:
        connection.exec_driver_sql("delete from audit_leaf")
    nobody = who.relation.value not in TIED or (who.relation.value in PARTNERS and who.organisation_id is None)
    if nobody:
        # No row could ever be theirs: none was asked for.
        assert leaves == []
        return
    (leaf,) = leaves
    assert set(leaf.subjects) == expected.oracle.subjects
    assert leaf.relation == who.relation.value
    assert set(leaf.categories) <= {
        "case",
        *(each.partition(" ")[0] for each in FULL if who.relation.value in FULL[each]),
    }
