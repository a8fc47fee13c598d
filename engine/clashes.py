"""Clashes: all minimal ways in which values of units contradict each other.

The contradictions of a vocabulary say some of them; others follow. A drug to which the disease is
refractory is a prior drug, and a prior drug means a prior line: so refractory disease without a
prior line clashes too. With all minimal clashes at hand, values known of some units are free of
contradictions together if and only if they hold no clash.

They are the prime implicants of "some contradiction is broken", found by iterated consensus on
units with several values (Quine, A way to simplify truth functions, 1955).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from itertools import combinations, islice, product
from typing import TypeAlias

from engine.circuit import TRUE, Circuit, Literal, Source
from facts.errors import PolicygroundsError

Clash: TypeAlias = tuple[tuple[int, int], ...]
"""For some domains, by place, the values that contradict each other."""

MOST_CLASHES = 1_000
"""Clashes of one vocabulary; the packaged one has about a hundred."""
MOST_TERMS = 20_000
"""Terms looked at on the way to them; the packaged policies need below a thousand."""


class TooManyClashesError(PolicygroundsError):
    """The contradictions entangle facts so much that the clashes cannot all be listed."""

    def __init__(self) -> None:
        super().__init__(
            "the contradictions entangle the facts too much to look for changes: they give rise to "
            "too many minimal clashes"
        )


def minimal_clashes(circuit: Circuit, invalid: Literal) -> list[Clash]:
    """Return all minimal clashes by which a literal holds. Raises TooManyClashesError."""
    every = [domain.all for domain in circuit.domains]
    kept: list[Mapping[int, int]] = []
    count = 0
    waiting: list[tuple[int, int, Mapping[int, int]]] = []
    for term in islice(_terms(circuit, invalid), MOST_TERMS + 1):
        heappush(waiting, (len(term), count := count + 1, term))
    while waiting:
        if count > MOST_TERMS or len(kept) > MOST_CLASHES:
            raise TooManyClashesError
        _, _, term = heappop(waiting)
        if any(_holds_in(term, other) for other in kept):
            continue
        kept = [other for other in kept if not _holds_in(other, term)]
        for other in kept:
            for further in _consensus(term, other, every):
                heappush(waiting, (len(further), count := count + 1, further))
        kept.append(term)
    return sorted(tuple(sorted(term.items())) for term in kept)


def implied(possible: Sequence[int], clashes: Iterable[Clash]) -> list[int]:
    """Take out the values that clash with what is known of the other units."""
    left = list(possible)
    for clash in clashes:
        free = [(place, values) for place, values in clash if possible[place] & ~values]
        if len(free) == 1:
            ((place, values),) = free
            left[place] &= ~values
    return left


def _terms(circuit: Circuit, literal: Literal) -> Iterator[Mapping[int, int]]:
    """Yield terms that together hold where the literal does."""
    if literal == TRUE:
        yield {}
        return
    if literal == -TRUE:
        return
    node = circuit.nodes[abs(literal)]
    if isinstance(node, Source):
        every = circuit.domains[node.domain].all
        yield {node.domain: node.values if literal > 0 else every & ~node.values}
        return
    needed = node.bound if literal > 0 else len(node.literals) - node.bound + 1
    parts = node.literals if literal > 0 else [-part for part in node.literals]
    for chosen in combinations(parts, needed):
        for terms in product(*(list(_terms(circuit, part)) for part in chosen)):
            joined = _joined(terms)
            if joined is not None:
                yield joined


def _joined(terms: Iterable[Mapping[int, int]]) -> Mapping[int, int] | None:
    """Join terms that all hold; None if they cannot."""
    joined: dict[int, int] = {}
    for term in terms:
        for place, values in term.items():
            joined[place] = joined.get(place, values) & values
            if not joined[place]:
                return None
    return joined


def _holds_in(term: Mapping[int, int], other: Mapping[int, int]) -> bool:
    """Whether a term holds only where another one does."""
    return all(place in term and not term[place] & ~values for place, values in other.items())


def _consensus(
    one: Mapping[int, int], other: Mapping[int, int], every: Sequence[int]
) -> Iterator[Mapping[int, int]]:
    """Yield what follows from two terms if the value of one domain is left open."""
    for place in one.keys() & other.keys():
        if not one[place] & ~other[place] or not other[place] & ~one[place]:
            continue
        rest = _joined(
            [{p: values for p, values in term.items() if p != place} for term in (one, other)]
        )
        if rest is not None:
            both = one[place] | other[place]
            yield rest if both == every[place] else {**rest, place: both}
