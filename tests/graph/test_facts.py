"""What the graph tells of the network, as the sources have it."""

from asking import Ask


async def test_there_are_ninety_members_and_they_are_the_default(ask: Ask):
    answer = await ask("{ cities(first: 3, orderBy: {field: NAME}) { totalCount nodes { slug status } } }")
    assert answer["data"]["cities"]["totalCount"] == 90
    assert {city["status"] for city in answer["data"]["cities"]["nodes"]} == {"MEMBER"}


async def test_cities_without_proof_of_membership_are_as_if_they_did_not_exist(ask: Ask):
    answer = await ask(
        """{ named: city(slug: "se-boras") { name }
             counted: cities(where: {status: UNVERIFIED}) { totalCount nodes { name } } }"""
    )
    assert answer == {"data": {"named": None, "counted": {"totalCount": 0, "nodes": []}}}


async def test_copenhagen_left_and_came_back(ask: Ask):
    answer = await ask('{ city(slug: "dk-copenhagen") { memberships { from until running } } }')
    assert answer["data"]["city"]["memberships"] == [
        {"from": "2010", "until": "2014-12", "running": False},
        {"from": "2016", "until": None, "running": True},
    ]


async def test_a_city_that_had_left_is_no_member_on_a_day_between(ask: Ask):
    document = """query($day: Date) {
        cities(where: {slug: {eq: "dk-copenhagen"}, memberOn: $day}) { totalCount } }"""
    counts = [(await ask(document, day=day))["data"]["cities"]["totalCount"] for day in ("2012-01-01", "2015-06-01")]
    assert counts == [1, 0]


async def test_every_fact_tells_how_sure_it_is_and_where_it_was_read(ask: Ask):
    answer = await ask('{ city(slug: "no-stavanger") { provenance { certainty sources { code address } note } } }')
    assert answer["data"]["city"]["provenance"] == {
        "certainty": "HIGH",
        "sources": [
            {"code": "ICS", "address": "icorn.org/city/stavanger"},
            {"code": "NPEN25", "address": "norskpen.no/fribyordningen"},
            {"code": "S1", "address": "seed document 000"},
        ],
        "note": "Seat of the Secretariat",
    }


async def test_official_totals_stand_beside_what_the_rows_give(ask: Ask):
    answer = await ask(
        """{ networkSize(where: {fromYear: 2023, untilYear: 2023}) {
               year country members undated official { members countries asOf } } }"""
    )
    (size,) = answer["data"]["networkSize"]
    assert size["official"] == [{"members": 85, "countries": 19, "asOf": "2023-07"}]
    assert size["members"] + size["undated"] <= 90
    assert size["country"] is None


async def test_accents_and_case_do_not_matter_when_searching(ask: Ask):
    answer = await ask('{ cities(where: {name: {contains: "TROMSO"}}) { nodes { name } } }')
    assert answer["data"]["cities"]["nodes"] == [{"name": "Tromsø"}]


async def test_assemblies_carry_their_resolutions(ask: Ask):
    answer = await ask(
        """{ events(where: {kind: {eq: GENERAL_ASSEMBLY}, from: {lt: "2015-01-01"}}) {
               nodes { name resolutions { title adopted } } } }"""
    )
    by_name = {event["name"]: event["resolutions"] for event in answer["data"]["events"]["nodes"]}
    assert by_name["Founding meeting"]
    assert by_name["General Assembly 2007"] == []


async def test_the_three_residents_of_the_seeds_are_shown_with_their_works(ask: Ask):
    answer = await ask(
        """{ residents(first: 100, where: {name: {contains: "Er Tai Gao"}}) {
               nodes { name originCountry city { slug } works { totalCount nodes { title year } } } } }"""
    )
    (gao,) = answer["data"]["residents"]["nodes"]
    assert gao["city"] == {"slug": "us-lasvegas"}
    assert gao["works"]["totalCount"] == 3


async def test_made_up_rows_say_so(ask: Ask):
    answer = await ask("{ residents(first: 50) { nodes { name provenance { certainty } } } }")
    residents = answer["data"]["residents"]["nodes"]
    made_up = [each["name"] for each in residents if each["provenance"]["certainty"] == "SYNTHETIC"]
    assert made_up
    assert all("made up" in name for name in made_up)


async def test_only_the_residents_of_the_seeds_are_shown_as_real(ask: Ask):
    real, after = [], None
    document = """query($after: String) { residents(first: 100, after: $after) {
        nodes { name provenance { certainty } } pageInfo { hasNextPage endCursor } } }"""
    while after is not False:
        page = (await ask(document, after=after))["data"]["residents"]
        real += [each["name"] for each in page["nodes"] if each["provenance"]["certainty"] != "SYNTHETIC"]
        after = page["pageInfo"]["endCursor"] if page["pageInfo"]["hasNextPage"] else False
    assert real == ["Er Tai Gao", "José Aníbal Campos", "Soudabeh Alishahi"]
