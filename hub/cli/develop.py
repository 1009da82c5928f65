"""Commands for developers: the schema as printed, and plans explained."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.base import app, read_settings
from hub.planner import Limits, Planner
from hub.planner.explain import explain as explained
from schema.access import AccessProfile
from schema.root import SCHEMA
from schema.vocabulary import AccessScope, Relation


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
) -> None:
    """Show every stage of a plan: what is asked, what the rules make of it, the statement, its cost."""
    settings = read_settings()
    planner = Planner(SCHEMA, Limits(depth=settings.depth_max, cost=settings.cost_max))
    profile = AccessProfile(relation=relation, scopes=frozenset(scope or ()))
    sys.stdout.write(explained(planner, document.read_text(encoding="utf-8"), json.loads(variables), profile))
