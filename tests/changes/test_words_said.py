"""What is said with a step is read by whom it is for, whether it was said at the graph or came by the wire."""

from handing import Desk, consented, drafted, internal, slugged
from referrals_town import PLANTED, Town

WORDS = "declineText withdrawReason events(last: 20) { nodes { kind note } } services { declineReason }"


async def read(desk: Desk, referral: str) -> dict:
    """Read the words of a referral: the notes by kind of event."""
    answer = await desk.ask(f'{{ referral(id: "{referral}") {{ {WORDS} }} }}')
    found = answer["data"]["referral"]
    found["notes"] = {each["kind"]: each["note"] for each in found.pop("events")["nodes"] if each["note"]}
    found["services"] = [each["declineReason"] for each in found["services"]]
    return found


async def handed(lena: Desk, pen: Desk, town: Town, **steps: dict) -> str:
    """Hand a person to PEN, which took it up, and do more steps of PEN's."""
    _case, referral = await drafted(lena, town)
    await consented(lena, town, referral, ["CASE", "IDENTITY"])
    await lena.step("sendReferral", referral=referral)
    town.deliver(internal(referral), town.pen)
    await pen.step("takeReferral", referral=referral)
    for name, given in steps.items():
        done = await pen.step(name, referral=referral, **given)
        assert "code" not in done, done
    return referral


async def test_what_the_recipient_says_is_read_by_the_sender(lena: Desk, pen: Desk, town: Town):
    referral = await handed(
        lena, pen, town, acceptReferral={"note": "A room is free."}, startReferral={"note": "She is here."}
    )
    notes = {"ACCEPT": "A room is free.", "START": "She is here."}
    assert await read(lena, referral) == {
        "declineText": None,
        "withdrawReason": None,
        "services": [None],
        "notes": notes,
    }
    assert (await read(pen, referral))["notes"] == notes
    await pen.step("reportOutcome", referral=referral, reason="HELPED_AS_ASKED", text="An opinion.")
    assert (await read(lena, referral))["notes"] == notes, "an outcome is no note"


async def test_why_it_was_declined_is_an_opinion_for_the_sender(lena: Desk, pen: Desk, town: Town):
    referral = await handed(lena, pen, town, declineReferral={"reason": "OTHER", "text": f"Too near {PLANTED[3]}."})
    found = await read(lena, referral)
    assert found == {
        "declineText": f"Too near {PLANTED[3]}.",
        "withdrawReason": None,
        "services": ["OTHER"],
        "notes": {},
    }
    assert (await read(pen, referral))["declineText"] is None
    assert town.leaks() == []


async def test_why_it_was_taken_back_stays_with_the_sender(lena: Desk, pen: Desk, town: Town):
    referral = await handed(lena, pen, town)
    await lena.step("withdrawReferral", referral=referral, reason="ERROR", note="The wrong body.")
    assert (await read(lena, referral))["withdrawReason"] == "The wrong body."
    theirs = await read(pen, referral)
    assert (theirs["withdrawReason"], theirs["notes"]) == (None, {})


async def test_a_partner_that_sent_reads_why_icorn_declined(lena: Desk, pen: Desk, town: Town):
    wanted = {"purpose": "RESIDENCY_PLACEMENT", "urgency": "URGENT", "services": ["RESIDENCY"]}
    made = await pen.step("createReferral", content={}, recipient=slugged(town, "icorn"), **wanted)
    referral = made["referral"]["id"]
    await consented(pen, town, referral, ["CASE", "IDENTITY"])
    await pen.step("sendReferral", referral=referral)
    await lena.step("takeReferral", referral=referral)
    await lena.step("declineReferral", referral=referral, reason="NO_CAPACITY", text="No city is free this year.")
    expected = {
        "declineText": "No city is free this year.",
        "withdrawReason": None,
        "services": ["NO_CAPACITY"],
        "notes": {},
    }
    assert await read(pen, referral) == expected
    assert await read(lena, referral) == expected


async def test_what_comes_by_the_wire_is_read_alike(lena: Desk, town: Town):
    _case, referral = await drafted(lena, town)
    await consented(lena, town, referral, ["CASE", "IDENTITY"])
    await lena.step("sendReferral", referral=referral)
    which = internal(referral)
    town.deliver(which, town.pen)
    town.tells(town.pen, which, 1, "take", "in_review", text="We look at it.")
    town.tells(town.pen, which, 2, "ask", "info_requested", categories=("identity",), text="What is her name?")
    assert (await read(lena, referral))["notes"] == {"TAKE": "We look at it."}, "a question may be of any category"
    await lena.step("withdrawReferral", referral=referral, reason="ERROR")
    assert (await read(lena, referral))["withdrawReason"] is None
