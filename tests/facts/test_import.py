import csv
import shutil
from importlib.resources import as_file, files

import pytest
from sqlalchemy import text

from hub.errors import DataRejected
from hub.facts import import_facts

ROWS = "select count(*) from {}"


@pytest.fixture
def folder(tmp_path):
    """A copy of the hub's own files, to be spoilt."""
    with as_file(files("hub.facts") / "csv") as own:
        shutil.copytree(own, tmp_path / "csv")
    return tmp_path / "csv"


@pytest.fixture
def facts_engine(facts_database):
    engine = facts_database.engine()
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def shared(facts):
    """The facts, for tests that change nothing."""
    engine = facts.engine()
    yield engine
    engine.dispose()


def ask(engine, query, **values):
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query), values)]


def one(engine, query, **values):
    return ask(engine, query, **values)[0][0]


def edit(folder, name, change):
    """Change the rows of a file, each a mapping; `change` gets the list."""
    path = folder / name
    with path.open(newline="") as source:
        reader = csv.DictReader(source)
        header, rows = reader.fieldnames, list(reader)
    change(rows)
    with path.open("w", newline="") as target:
        writer = csv.DictWriter(target, header)
        writer.writeheader()
        writer.writerows(rows)


def report_of(reports, name):
    return next(report for report in reports if report.file == name)


def dump(engine):
    with engine.connect() as connection:
        tables = [
            row[0] for row in connection.execute(text("select tablename from pg_tables where schemaname='public'"))
        ]
        return {t: sorted(map(repr, connection.execute(text(f"select t.*, ctid from {t} t")).all())) for t in tables}


def test_every_file_of_the_folder_has_a_loader_and_loads_without_a_refusal(engine):
    reports = import_facts(engine)
    with as_file(files("hub.facts") / "csv") as own:
        assert {report.file for report in reports} == {path.name for path in own.glob("*.csv")}
    assert [refusal for report in reports for refusal in report.refusals] == []


def test_loading_twice_changes_nothing_not_even_a_row_version(facts_engine):
    before = dump(facts_engine)
    reports = import_facts(facts_engine)
    assert sum(report.added + report.changed + len(report.vanished) for report in reports) == 0
    assert dump(facts_engine) == before


def test_files_are_loaded_in_the_order_they_need_each_other(engine):
    order = [report.file for report in import_facts(engine)]
    for later, earlier in (
        ("cities.csv", "organisations.csv"),
        ("memberships.csv", "cities.csv"),
        ("resolutions.csv", "events_projects.csv"),
        ("organisations.csv", "sources.csv"),
    ):
        assert order.index(later) > order.index(earlier)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("select count(*) from city", 112),
        ("select count(*) from city where status = 'member'", 90),
        ("select count(*) from city where status = 'member' and country = 'NO'", 26),
        ("select count(*) from city where status = 'former'", 9),
        ("select count(*) from city where status = 'predecessor'", 5),
        ("select count(*) from city where status = 'unverified'", 8),
        ("select count(*) from organisation", 49),
        ("select count(*) from source", 124),
        ("select count(*) from vocabulary_term", 307),
        ("select count(*) from timeline_entry", 18),
        ("select count(*) from project", 2),
        ("select count(*) from event", 18),
        ("select count(*) from resident", 3),
        ("select count(*) from figure", 8),
        ("select count(*) from work", 4),
        ("select count(*) from official_total", 7),
        ("select count(*) from project_city", 7),
        ("select count(*) from city where capital_of_culture_year is not null", 22),
    ],
)
def test_what_the_files_hold_is_all_there(shared, query, count):
    assert one(shared, query) == count


def test_every_member_has_one_running_period_and_nobody_else_has(shared):
    running = "select count(*) from membership m where m.city_id = c.id and not m.ended"
    assert ask(shared, f"select slug from city c where (status = 'member') <> (({running}) = 1)") == []
    assert ask(shared, f"select slug from city c where status <> 'member' and ({running}) > 0") == []


def test_copenhagen_left_and_came_back(shared):
    query = "select from_on, until_on, ended from membership where slug like 'dk-copenhagen-%' order by slug"
    assert ask(shared, query) == [("2010", "2014-12", True), ("2016", None, False)]


def test_a_city_that_left_at_an_unknown_time_has_a_period_without_ends(shared):
    query = "select from_on, until_on, ended from membership where slug = 'no-molde-1'"
    assert ask(shared, query) == [(None, None, True)]


@pytest.mark.parametrize(
    ("slug", "network"),
    [
        ("no-stavanger", "inca"),
        ("es-barcelona", "inca"),
        ("it-toscana", "inca"),
        ("it-grosseto", "host_2000s"),
        ("it-certaldo", "host_2000s"),
        ("us-ithaca", "city_of_asylum"),
        ("nl-amsterdam", "city_of_asylum"),
        ("de-weimar", "city_of_asylum"),
        ("no-oslo", None),
    ],
)
def test_the_earlier_network_is_read_from_its_words(shared, slug, network):
    assert one(shared, "select earlier_network from city where slug = :slug", slug=slug) == network


def test_a_coordinating_body_is_linked_only_where_the_text_names_one_we_know(shared):
    query = """select c.slug, o.slug from city c join organisation o on o.id = c.coordinating_body_id order by 1"""
    assert ask(shared, query) == [
        ("be-antwerp", "pen-vlaanderen"),
        ("es-barcelona", "pen-catala"),
        ("us-pittsburgh", "coa-pittsburgh"),
    ]
    assert one(shared, "select coordinating_body_name from city where slug='be-brussels'") == "Passa Porta"


def test_words_for_support_that_no_vocabulary_has_are_kept_as_they_are(shared):
    query = "select support, support_other from organisation where slug = 'icorn'"
    assert ask(shared, query) == [(["residency", "relocation", "referral"], ["coordination"])]


def test_wide_disciplines_become_those_they_cover(shared):
    of = "select disciplines from organisation where slug = :slug"
    assert one(shared, of, slug="icorn") == []
    assert "poetry" in one(shared, of, slug="pen-catala")
    assert one(shared, of, slug="freemuse") == ["music", "visual_art", "acting", "dance", "performance_art"]
    assert one(shared, "select kind from organisation where slug = 'mdj'") == "host"


def test_a_wide_word_about_one_person_claims_no_discipline(shared):
    query = "select disciplines, note from resident where slug = 'p-campos'"
    assert ask(shared, query) == [([], "Discipline given as literature")]


def test_titles_are_parted_and_a_year_in_brackets_is_read(shared):
    query = "select title, year from work w join resident r on r.id = w.resident_id order by r.slug, title"
    assert ask(shared, query) == [
        ("Blue and Red", 1999),
        ("Beauty, the Symbol of Freedom", None),
        ("In Search of My Homeland", None),
        ("The Struggle of Beauty", None),
    ]


def test_events_find_their_city_and_their_project(shared):
    query = """select c.slug, p.slug from event e left join city c on c.id = e.city_id
        left join project p on p.id = e.project_id where e.slug = :slug"""
    assert ask(shared, query, slug="ev-2024-bodo") == [("no-bodo", "pr-arts-of-democracy")]
    assert ask(shared, query, slug="ev-2007-nm") == [("es-barcelona", "pr-shahrazad")]
    assert ask(shared, query, slug="ev-2020-ga") == [(None, None)]


def test_keys_are_folded(shared):
    assert one(shared, "select name_key from city where slug = 'no-tromso'") == "tromso"
    assert one(shared, "select acronym_key from organisation where slug = 'york-cahr'") == "cahr"


def test_every_source_a_fact_names_is_known(shared):
    for table in ("city", "membership", "organisation", "event", "term", "resolution", "official_total", "resident"):
        query = f"select s from {table}, unnest(sources) s where s not in (select code from source)"
        assert ask(shared, query) == [], table


def test_permit_routes_follow_the_country_and_the_region(shared):
    of = "select permit_route from city where slug = :slug"
    assert one(shared, of, slug="no-oslo") == "resettlement_quota"
    assert one(shared, of, slug="it-toscana") == "study_permit"
    assert one(shared, of, slug="it-chiusi") is None


def test_all_bad_cells_of_a_file_are_named_with_their_place(engine, folder):
    def spoil(rows):
        rows[0]["country"] = "NX"
        rows[0]["lat"] = "north"
        rows[2]["status"] = "maybe"
        rows[4]["source"] = "KCL NOWHERE"
        rows[5]["certainty"] = "synthetic"
        rows[6]["year_joined"] = "3008"
        rows[7]["id"] = rows[8]["id"]

    edit(folder, "cities.csv", spoil)
    report = report_of(import_facts(engine, folder=folder), "cities.csv")
    assert [(r.line, r.column) for r in report.refusals] == [
        (2, "country"),
        (2, "lat"),
        (4, "status"),
        (6, "source"),
        (7, "certainty"),
        (8, "year_joined"),
        (10, "id"),
    ]
    assert report.refusals[0].reason == "'NX' is not a country code of ISO 3166-1"
    assert str(report.refusals[3]) == "cities.csv:6: source: source 'NOWHERE' is not in sources.csv"


def test_of_a_file_with_a_bad_row_nothing_is_loaded_and_the_others_are(engine, folder):
    edit(folder, "timeline.csv", lambda rows: rows[3].update(date="2005-13"))
    reports = import_facts(engine, folder=folder)
    assert report_of(reports, "timeline.csv").refused
    assert one(engine, "select count(*) from timeline_entry") == 0
    assert one(engine, "select count(*) from city") == 112


def test_a_refused_file_leaves_what_was_loaded_before(facts_engine, folder):
    edit(folder, "timeline.csv", lambda rows: (rows[0].update(what="changed"), rows[3].update(what="")))
    assert report_of(import_facts(facts_engine, folder=folder), "timeline.csv").refused
    assert one(facts_engine, "select count(*) from timeline_entry where text = 'changed'") == 0
    assert one(facts_engine, "select count(*) from timeline_entry") == 18


def test_a_changed_row_keeps_its_id_and_changes_its_key(facts_engine, folder):
    before = one(facts_engine, "select id from city where slug = 'no-oslo'")
    edit(folder, "cities.csv", lambda rows: next(r for r in rows if r["id"] == "no-oslo").update(name="Øslo"))
    report = report_of(import_facts(facts_engine, folder=folder), "cities.csv")
    assert (report.added, report.changed) == (0, 1)
    query = "select id, name, name_key from city where slug = 'no-oslo'"
    assert ask(facts_engine, query) == [(before, "Øslo", "oslo")]


def test_a_vanished_row_is_told_and_kept(facts_engine, folder):
    edit(folder, "cities.csv", lambda rows: rows.pop(0))
    report = report_of(import_facts(facts_engine, folder=folder), "cities.csv")
    assert report.vanished == ("no-stavanger", "no-stavanger-1")
    assert one(facts_engine, "select count(*) from city") == 112


def test_what_others_wrote_beside_a_fact_is_left_alone(facts_engine):
    with facts_engine.begin() as connection:
        connection.execute(text("update city set residency_months = 24 where slug = 'no-oslo'"))
    assert report_of(import_facts(facts_engine), "cities.csv").changed == 0
    assert one(facts_engine, "select residency_months from city where slug = 'no-oslo'") == 24


def test_one_file_alone_finds_what_it_needs_in_the_database(facts_engine, folder):
    edit(folder, "memberships.csv", lambda rows: rows[0].update({"from": "2009-12-24"}))
    (report,) = import_facts(facts_engine, folder=folder, names=["memberships.csv"])
    assert (report.added, report.changed, report.unchanged) == (0, 1, 21)


def test_one_file_alone_is_refused_where_what_it_needs_is_missing(engine):
    (report,) = import_facts(engine, names=["cities.csv"])
    assert report.refused
    assert report.refusals[0].column == "source"


def test_a_file_nobody_knows_is_rejected_before_any_is_loaded(engine):
    with pytest.raises(DataRejected) as caught:
        import_facts(engine, names=["sources.csv", "secrets.csv"])
    assert caught.value.facts["file"] == "secrets.csv"
    assert one(engine, "select count(*) from source") == 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "this column is missing"),
        (b"code,address\nS1,x\n", "this column is missing"),
        (b"code,address,about,extra\nS1,x,y,z\n", "this column is unknown, or there twice"),
        (b"code,address,about\nS1,x\n", "has 2 cells in place of 3"),
        (b"code,address,about\nS1,x,y\nS1,x,y\n", "'S1' is in line 2 already"),
        (b"code,address,about\nS1,\xff,y\n", "the file is not UTF-8 at byte 22"),
        (b'code,address,about\nS1,"x"z,y\n', "the file is not csv: ',' expected after '\"'"),
        (b"code,address,about\nSYN,x,y\n", "this code is for made-up data"),
        (None, "the file cannot be read: No such file or directory"),
    ],
)
def test_a_file_of_the_wrong_shape_is_refused(engine, tmp_path, content, reason):
    if content is not None:
        (tmp_path / "sources.csv").write_bytes(content)
    (report,) = import_facts(engine, folder=tmp_path, names=["sources.csv"])
    assert reason in [refusal.reason for refusal in report.refusals]
    assert one(engine, "select count(*) from source") == 0


@pytest.mark.parametrize(
    ("file", "row", "cells"),
    [
        ("vocabularies.csv", 0, {"code": "tickling"}),
        ("vocabularies.csv", 0, {"vocabulary": "moods"}),
        ("access_matrix.csv", 0, {"risk": "X"}),
        ("access_matrix.csv", 0, {"actor": "anybody"}),
        ("referral_transitions.csv", 3, {"to_state": "lost"}),
        ("referral_transitions.csv", 3, {"from_states": "draft|lost"}),
        ("referral_transitions.csv", 8, {"event": "delivery_error", "from_states": "sent"}),
        ("organisations.csv", 1, {"kind": "club"}),
        ("organisations.csv", 1, {"website": "no address"}),
        ("organisations.csv", 1, {"disciplines": "juggling"}),
        ("organisations.csv", 1, {"refers_to_icorn": "perhaps"}),
        ("events_projects.csv", 0, {"start": ""}),
        ("events_projects.csv", 0, {"end": "2006-06-01"}),
        ("timeline.csv", 4, {"date": "2007-06"}),
        ("residents_public.csv", 1, {"host_city_id": "xx-nowhere"}),
        ("residents_public.csv", 1, {"is_resident": "yes"}),
        ("memberships.csv", 0, {"ended": "no"}),
        ("memberships.csv", 0, {"city": "xx-nowhere"}),
        ("board_terms.csv", 0, {"role": "king"}),
        ("resolutions.csv", 0, {"event": "ev-nowhere"}),
        ("official_totals.csv", 0, {"members": "many"}),
        ("permit_routes.csv", 0, {"route": "balloon"}),
    ],
)
def test_a_bad_cell_refuses_its_file(shared, folder, file, row, cells):
    edit(folder, file, lambda rows: rows[row].update(cells))
    (report,) = import_facts(shared, folder=folder, names=[file])
    assert next(iter(cells)) in {refusal.column for refusal in report.refusals}


def test_the_matrix_must_hold_every_relation(shared, folder):
    edit(folder, "access_matrix.csv", lambda rows: rows.pop())
    (report,) = import_facts(shared, folder=folder, names=["access_matrix.csv"])
    assert [refusal.reason for refusal in report.refusals] == ["there is no row for 'operator'"]
