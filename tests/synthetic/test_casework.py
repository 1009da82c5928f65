"""Made-up persons: the same each time, marked, sealed, and whole enough to be read."""

from datetime import date
from hashlib import sha256

import pytest

from hub.errors import DataRejected
from hub.store.sealed import Sealing
from hub.store.vault import Vault
from hub.synthetic import add_cases, decorate
from schema.tables import CaseIdentityRow
from schema.vocabulary import ReferralState

TODAY = date(2026, 11, 21)


def vault() -> Vault:
    return Vault(Sealing(lambda label: sha256(label.encode()).digest()))


@pytest.fixture
def facts_engine(facts_database):
    engine = facts_database.engine()
    yield engine
    engine.dispose()


def rows(engine, query):
    with engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def test_cases_are_made_up_once_marked_and_sealed(facts_engine):
    added = add_cases(facts_engine, vault(), seed=3, count=60, today=TODAY)
    assert added["person"] == added["case_file"] == added["case_identity"] == 60
    assert rows(facts_engine, "select count(*) from person where not synthetic") == [(0,)]
    assert add_cases(facts_engine, vault(), seed=3, count=60, today=TODAY) == {}
    more = add_cases(facts_engine, vault(), seed=3, count=65, today=TODAY)
    assert more["person"] == 5
    with facts_engine.connect() as connection:
        for (case,) in rows(facts_engine, "select id from case_file limit 5"):
            identity = vault().read(connection, CaseIdentityRow, case)
            assert "(made up)" in identity["legal_name"]
    assert added["event_words"] > 0
    plain = "select count(*) from event_words where position('Made up' in encode(sealed, 'escape')) > 0"
    assert rows(facts_engine, plain) == [(0,)]
    directions = rows(facts_engine, "select direction, count(*) from referral group by 1 order by 1")
    assert [name for name, _ in directions] == ["incoming", "outgoing"]
    states = {state for (state,) in rows(facts_engine, "select distinct state from referral")}
    assert len(states) >= 8
    assert states <= {state.value for state in ReferralState}


def test_events_lead_to_the_state_and_are_numbered_without_gaps_on_both_sides(facts_engine):
    add_cases(facts_engine, vault(), seed=4, count=40, today=TODAY)
    last = (
        "select count(*) from referral r where r.state <> (select to_state from referral_event e "
        "where e.referral_id = r.id order by number desc limit 1)"
    )
    assert rows(facts_engine, last) == [(0,)]
    for number in ("number", "recipient_number"):
        gaps = (
            f"select count(*) from (select max({number}) as most, count({number}) as all_of_them "
            "from referral_event group by referral_id) counted where most <> all_of_them"
        )
        assert rows(facts_engine, gaps) == [(0,)]
    sent = "select id from referral where direction = 'outgoing' and sent_at is not null"
    assert rows(facts_engine, f"select count(*) from ({sent} except select referral_id from packet_copy) r") == [(0,)]
    assert rows(facts_engine, f"select count(*) from packet_copy where referral_id not in ({sent})") == [(0,)]
    unsent = "select count(*) from referral where (sent_at is null) <> (state in ('draft', 'consent_pending', 'ready'))"
    assert rows(facts_engine, unsent) == [(0,)]


def test_who_is_hosted_has_a_made_up_face_of_their_own_where_there_are_some(facts_engine):
    decorate(facts_engine, seed=1, today=TODAY)
    added = add_cases(facts_engine, vault(), seed=5, count=60, today=TODAY)
    ((people,),) = rows(facts_engine, "select count(*) from case_file where state = 'hosted' and holder_id is null")
    ((shown,),) = rows(facts_engine, "select count(*) from resident where certainty = 'synthetic'")
    assert added["person_face"] == min(people, shown) > 0
    strange = (
        "select count(*) from person_face f join resident r on r.id = f.resident_id "
        "join case_file c on c.person_id = f.person_id where r.certainty <> 'synthetic' or c.state <> 'hosted'"
    )
    assert rows(facts_engine, strange) == [(0,)]


def test_without_bodies_there_are_no_cases(engine):
    with pytest.raises(DataRejected):
        add_cases(engine, vault(), seed=1, count=1, today=TODAY)
