"""Who does a step is who the graph then names: the case is theirs, the consent was taken by them."""

from handing import CONTENT, Desk, consented, drafted, slugged
from referrals_town import Town


async def test_who_opens_a_case_owns_it_and_who_records_a_consent_took_it(lena: Desk, town: Town):
    with town.engine.begin() as connection:
        connection.exec_driver_sql("update account set name = 'Lena' where login = 'lena'")
    case, referral = await drafted(lena, town)
    answer = await consented(lena, town, referral, ["CASE", "IDENTITY"])
    found = await lena.ask(
        "query($case: ID!, $consent: ID!) { case(id: $case) { owner { name role } cover { name } } "
        "node(id: $consent) { ... on Consent { takenBy { name } } } }",
        case=case,
        consent=answer["consent"]["id"],
    )
    assert found["data"]["case"] == {"owner": {"name": "Lena", "role": "LEAD"}, "cover": None}
    assert found["data"]["node"] == {"takenBy": {"name": "Lena"}}


async def test_who_takes_up_what_came_in_owns_it_until_it_is_over(lena: Desk, pen: Desk, town: Town):
    wanted = {"purpose": "RESIDENCY_PLACEMENT", "urgency": "URGENT", "services": ["RESIDENCY"]}
    made = await pen.step("createReferral", content=CONTENT, recipient=slugged(town, "icorn"), **wanted)
    referral = made["referral"]["id"]
    await consented(pen, town, referral, ["CASE", "IDENTITY"])
    await pen.step("sendReferral", referral=referral)
    ask = f'{{ referral(id: "{referral}") {{ case {{ owner {{ role }} }} consent {{ takenBy {{ name }} }} }} }}'
    assert (await lena.ask(ask))["data"]["referral"]["case"] is None
    await lena.step("takeReferral", referral=referral)
    taken = (await lena.ask(ask))["data"]["referral"]
    assert taken == {"case": {"owner": {"role": "LEAD"}}, "consent": {"takenBy": None}}, "a partner's program took it"
    theirs = await pen.ask(ask)
    assert theirs["data"]["referral"] == {"case": {"owner": None}, "consent": {"takenBy": None}}
    assert {each["code"] for each in theirs["extensions"]["withheld"]} == {"RELATION"}
