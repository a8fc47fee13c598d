"""Points gathered into boxes: the values that change something, as few ranges as it takes."""

from collections.abc import Collection, Iterator, Sequence
from itertools import product

from engine.inputs import Domain, places


def boxes(
    points: Collection[tuple[int, ...]], domains: Sequence[Domain]
) -> Iterator[tuple[int, ...]]:
    """Yield boxes that cover the points and nothing else; each is as large as it can be.

    A point has a place for each domain, a box a set of places. The places of a number stay
    neighbours. Boxes may overlap. Each grows from the first point that no box covers yet.
    """
    inside = set(points)
    covered: set[tuple[int, ...]] = set()
    for point in points:
        if point in covered:
            continue
        box = _grown(point, inside, domains)
        covered.update(product(*map(places, box)))
        yield box


def _grown(
    point: tuple[int, ...], inside: Collection[tuple[int, ...]], domains: Sequence[Domain]
) -> tuple[int, ...]:
    box = [1 << value for value in point]
    for place, domain in enumerate(domains):
        growing = domain.size > 1
        while growing:
            growing = False
            for value in _next(box[place], domain):
                slab = [*box[:place], 1 << value, *box[place + 1 :]]
                if all(added in inside for added in product(*map(places, slab))):
                    box[place] |= 1 << value
                    growing = True
    return tuple(box)


def _next(values: int, domain: Domain) -> Iterator[int]:
    """Yield the values that may be added: for a number, the neighbours of those it has."""
    candidates = domain.all & ~values
    if domain.ordered:
        candidates &= values << 1 | values >> 1
    yield from places(candidates)
