"""The schema as a whole: described, ruled, and true to the lists it is made from."""

import csv
import enum
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    is_specified_scalar_type,
)

import schema.vocabulary
from hub.planner.catalogue import Catalogue
from schema.access import MATRIX
from schema.root import SCHEMA
from schema.vocabulary import Category, Relation
from schema.vocabulary.base import Vocabulary

GRAPH = SCHEMA._schema  # noqa: SLF001  # strawberry keeps graphql-core's schema there
CSV = Path(schema.__file__).parent.parent / "hub" / "facts" / "csv"
# Names of lists in vocabularies.csv that differ from the names of their enums.
ENUMS = {"support": "SupportKind"}


def _types():
    return [
        each
        for each in GRAPH.type_map.values()
        if "__" not in each.name and not each.name.startswith("_") and not is_specified_scalar_type(each)
    ]


def test_every_type_field_argument_and_value_is_described():
    missing = []
    for named in _types():
        if not named.description:
            missing.append(named.name)
        if isinstance(named, GraphQLEnumType):
            missing += [f"{named.name}.{name}" for name, value in named.values.items() if not value.description]
        if isinstance(named, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for name, field in named.fields.items():
                if not field.description and not name.startswith("_"):
                    missing.append(f"{named.name}.{name}")
                arguments = getattr(field, "args", {}).items()
                missing += [
                    f"{named.name}.{name}({argument})"
                    for argument, value in arguments
                    if not value.description and not name.startswith("_")
                ]
    assert missing == []


def test_every_scalar_of_our_own_says_where_it_is_specified():
    ours = {"DateTime", "Date", "PartialDate", "CountryCode", "LanguageTag", "URL"}
    assert {name for name in ours if getattr(GRAPH.type_map[name], "specified_by_url", None)} == ours


def test_every_field_has_a_rule():
    catalogue = Catalogue(GRAPH)
    assert len(catalogue.types) > 40
    assert all(field.access for info in catalogue.types.values() for field in info.fields.values())


def test_the_matrix_is_the_one_of_the_csv():
    with (CSV / "access_matrix.csv").open(encoding="utf-8") as file:
        rows = {row["actor"]: row for row in csv.DictReader(file)}
    assert rows.keys() == {relation.value for relation in Relation}
    for relation, cells in MATRIX.items():
        assert cells == {category: rows[relation.value][category.value] for category in Category}, relation


def test_every_vocabulary_is_the_one_of_the_csv():
    with (CSV / "vocabularies.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lists: dict[str, list[str]] = {}
    for row in rows:
        lists.setdefault(row["vocabulary"], []).append(row["code"])
    assert len(lists) == 25
    for name, codes in lists.items():
        listed = getattr(schema.vocabulary, ENUMS.get(name, name.title().replace("_", "")))
        assert [member.value for member in listed] == codes, name
        assert [member.name for member in listed] == [code.upper() for code in codes], name


def test_no_other_distribution_provides_our_packages():
    provided = packages_distributions()
    for name in ("hub", "schema", "connectors"):
        # An editable install names its packages to nobody.
        assert set(provided.get(name, ())) <= {"icorn-hub"}
        assert Path(find_spec(name).origin).parent.parent == CSV.parent.parent.parent


@pytest.mark.parametrize(
    "vocabulary", [each for each in vars(schema.vocabulary).values() if isinstance(each, enum.EnumMeta)]
)
def test_values_of_a_vocabulary_say_what_they_mean(vocabulary: type[Vocabulary]):
    assert all(member.says for member in vocabulary)
