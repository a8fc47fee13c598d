"""Asking: from the text of a query to its answer."""

from collections.abc import Mapping

from engine.datalog import Query
from engine.relation import Database
from facts.errors import CrossCheckError
from queries.datalog.answer import Answer
from queries.datalog.checking import check_query
from queries.datalog.dispatch import evaluated
from queries.datalog.messages import Limits
from queries.datalog.parsing import parse_query, parse_rules
from queries.datalog.planning import plan, rows_of
from queries.datalog.syntax import Source


def read_query(
    database: Database,
    text: str,
    *,
    parameters: Mapping[str, object] | None = None,
    rules: str = "",
    source: str = "query",
) -> Query:
    """Read and check a query over a database. Raises QueryError with all problems found.

    `parameters` are the values of its `$names`: texts, integers or Decimals, and numbers as text
    too; `rules` is a text of rules that it may use. `source` names the text in messages.
    """
    written = parse_query(Source(source, text))
    more = parse_rules(Source("rules", rules))
    return check_query(written, database, rules=more, parameters=parameters)


def ask(
    database: Database,
    text: str,
    *,
    parameters: Mapping[str, object] | None = None,
    rules: str = "",
    source: str = "query",
    limits: Limits | None = None,
) -> Answer:
    """Answer a query over a database with pyDatalog; the arguments are those of `read_query`.

    Raises QueryError where it cannot be asked, and QueryLimitError where it takes too much.
    """
    query = read_query(database, text, parameters=parameters, rules=rules, source=source)
    return _answer(database, query, limits or Limits())


def check(
    database: Database,
    text: str,
    *,
    parameters: Mapping[str, object] | None = None,
    rules: str = "",
    source: str = "query",
    limits: Limits | None = None,
) -> Answer:
    """Answer a query like `ask`, and have clingo answer it too, from everything that is stored.

    Raises CrossCheckError if the two differ.
    """
    query = read_query(database, text, parameters=parameters, rules=rules, source=source)
    answer = _answer(database, query, limits or Limits())
    stored = {name: rows_of(database, name) for name in query.stored()}
    rows = evaluated("clingo", query, stored, limits or Limits())
    if rows != answer.rows:
        alone, others = set(answer.rows) - set(rows), set(rows) - set(answer.rows)
        raise CrossCheckError(
            f"{source}: pyDatalog gives {len(answer.rows):,} rows and clingo {len(rows):,}; "
            f"{len(alone):,} are pyDatalog's alone and {len(others):,} clingo's; trust neither, and report the query"
        )
    return answer


def _answer(database: Database, query: Query, limits: Limits) -> Answer:
    reduced = plan(query, database)
    return Answer(query.columns, evaluated("pyDatalog", reduced.query, reduced.tables, limits))
