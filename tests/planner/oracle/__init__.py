"""The oracle: answers operations row by row, as slowly and plainly as the graph can be said.

It shares nothing with the planner: no SQL, no sources, no rules, orders or filters of `schema.source`. Each is written
here a second time, as a plain function over rows, so that a mistake must be made twice to go unseen. From the schema it
takes the GraphQL type system alone: which type a field has, and how values of arguments are read.

    access.py     who may see what
    rows.py       the tables, as lists of dicts
    filters.py    what a `where` asks of a row
    pages.py      orders, cursors, pages
    graph.py      every field of every type: where its value comes from
    numbers.py    size of the network, statistics
    evaluate.py   the walk: refusals and what is withheld first, then the data
"""

from oracle.access import Who
from oracle.evaluate import Answer, Oracle, Refusal
from oracle.rows import Rows, load

__all__ = ["Answer", "Oracle", "Refusal", "Rows", "Who", "load"]
