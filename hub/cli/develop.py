"""Commands for developers: the schema as printed, and plans explained."""

import json
import sys
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from hub.cli.base import app, read_settings
from hub.planner import Limits, Planner
from hub.planner.explain import explain as explained
from schema.access import AccessProfile
from schema.root import SCHEMA
from schema.vocabulary import AccessScope, Purpose, Relation


@app.command()
def schema() -> None:
    """Print the subgraph as gateways compose it."""
    sys.stdout.write(Planner(SCHEMA, Limits()).sdl + "\n")


@app.command()
def explain(
    document: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="File with one operation.")],
    *,
    variables: Annotated[str, typer.Option(help="Variables as JSON.")] = "{}",
    relation: Annotated[Relation, typer.Option(help="Who asks: a row of the access matrix.")] = Relation.ANONYMOUS,
    scope: Annotated[list[AccessScope] | None, typer.Option(help="A scope of the token; may be given again.")] = None,
    purpose: Annotated[Purpose | None, typer.Option(help="The purpose declared.")] = None,
) -> None:
    """Show every stage of a plan: what is asked, what the rules make of it, the statement, its cost."""
    settings = read_settings()
    planner = Planner(SCHEMA, Limits(depth=settings.depth_max, cost=settings.cost_max))
    # Somebody with ids of every sort, so that what the rows decide is shown as the rules it is.
    who = None if relation is Relation.ANONYMOUS else UUID(int=1)
    profile = AccessProfile(
        relation=relation,
        scopes=frozenset(scope or ()),
        purpose=purpose,
        organisation_id=who,
        city_id=who,
        account_id=who,
    )
    sys.stdout.write(explained(planner, document.read_text(encoding="utf-8"), json.loads(variables), profile))
