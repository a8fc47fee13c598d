"""Partings: how the answers of two subjects to one patient can differ in a part."""

from collections.abc import Iterator
from itertools import combinations, product

from engine.analysis.subject import Subject
from engine.circuit import TRUE, Literal
from engine.goals import NONE
from engine.program import Term


def unlike(first: Subject, second: Subject, part: str) -> Iterator[tuple[str, str, Literal]]:
    """Yield two values of a part, with the literal by which the one gives this, the other that.

    A policy can give a patient several values; to whom both give the same ones, they are alike.
    """
    circuit = first.circuit
    mine, theirs = (_values(subject, part) for subject in (first, second))
    several = circuit.any_of(
        circuit.all_of(pair)
        for values in (mine, theirs)
        for pair in combinations(values.values(), 2)
    )
    differing = TRUE
    if first.patients.find(several) is not None:
        differing = circuit.any_of(
            circuit.all_of([sign * mine.get(value, -TRUE), -sign * theirs.get(value, -TRUE)])
            for value in sorted(mine.keys() | theirs.keys())
            for sign in (1, -1)
        )
    for (one, here), (other, there) in product(mine.items(), theirs.items()):
        if one != other:
            yield one, other, circuit.all_of([here, there, differing])


def _values(subject: Subject, part: str) -> dict[str, Literal]:
    """Return the values a part of the answer can have, in order, then none, with their literals."""
    in_order = sorted(subject.values(part).items(), key=lambda item: list(map(_rank, item[0])))
    values = {said(value): literal for value, literal in in_order}
    return values | {NONE: subject.circuit.all_of(-literal for literal in values.values())}


def _rank(term: Term) -> tuple[int, str]:
    """Return what puts numbers in order, and words by their letters."""
    return (term, "") if isinstance(term, int) else (0, term)


def said(value: tuple[Term, ...]) -> str:
    """Say a value of a part: "12", "3 capsule 28"."""
    return " ".join(map(str, value))
