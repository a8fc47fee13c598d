"""Errors survive being sent from one process to another."""

import pickle

import pytest

from facts.errors import (
    CaseError,
    FileProblem,
    KnowledgeBaseError,
    PolicygroundsError,
    UncoveredDateError,
    UnknownPolicyError,
    UnknownWantError,
)


@pytest.mark.parametrize(
    "error",
    [
        CaseError("c-1", ["one", "two"]),
        KnowledgeBaseError(
            [FileProblem("a.lp", 1, 2, "wrong"), FileProblem("b.lp", None, None, "x")]
        ),
        UncoveredDateError("P", "2020-01-01", ["2021-01-01 to now"]),
        UnknownPolicyError("P", ["Q"]),
        UnknownWantError("aprove", "; did you mean 'approve'?"),
    ],
)
def test_an_error_is_the_same_after_a_pipe(error: PolicygroundsError) -> None:
    received = pickle.loads(pickle.dumps(error))  # noqa: S301  (our own bytes)
    assert type(received) is type(error)
    assert str(received) == str(error)
    assert vars(received) == vars(error)
