"""A slice of the campaign in benchmarks/soak_queries.py: three evaluations give the same rows."""

import random

import pytest
from datalog_drawing import draw_database, draw_query, text_of
from datalog_reference import answer
from soak_queries import difference, drawn

from queries.datalog import check, read_query


@pytest.mark.parametrize("seed", range(4))
def test_random_queries_are_answered_alike_by_pydatalog_clingo_and_the_reference(seed: int) -> None:
    for _, database, query, text in drawn(100, f"slice {seed}"):
        assert difference(database, text, query) is None, text


def test_random_queries_have_rows_often_enough_to_tell_something() -> None:
    some = [bool(answer(query, database.data)) for _, database, query, _ in drawn(500, "rows")]
    assert sum(some) > 100


def test_another_layout_of_a_query_is_the_same_query() -> None:
    rng = random.Random("layout")
    for _ in range(100):
        database = draw_database(rng)
        query = draw_query(rng, database)
        assert read_query(database, text_of(rng, query)).rules[-1].body == (
            read_query(database, text_of(rng, query)).rules[-1].body
        )


def test_the_order_in_which_a_query_is_written_does_not_matter() -> None:
    rng = random.Random("order")
    for _, database, query, text in drawn(100, "order"):
        *rules, last = query.rules
        shuffled = type(last)(
            last.relation, last.head, tuple(rng.sample(last.body, len(last.body)))
        )
        again = type(query)((*rules, shuffled), query.order, query.limit)
        names = check(database, text).names
        rewritten = check(database, text_of(rng, again))
        if rewritten.names == names:
            assert rewritten.rows == check(database, text).rows
