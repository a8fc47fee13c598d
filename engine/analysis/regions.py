"""Regions: what a few facts say of all patients who have them, in the fewest words.

A region gives, for some units, the values each may have. It is **prime** for a property if every
patient in it has the property, and without any one of its units, or with one more value of a unit,
some patient in it would not. (Prime implicants: Quine, The problem of simplifying truth functions,
1952.) Regions that together hold every patient with the property cover it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeAlias

from engine.analysis.patients import Patient, Patients
from engine.circuit import Circuit, Literal
from engine.inputs import places

Region: TypeAlias = Mapping[int, int]
"""For some domains, by place, the values they may have, as bits."""


def prime_region(
    patients: Patients, holds: Literal, patient: Patient, kept: Collection[int] = ()
) -> Region:
    """Return a prime region around a patient in which a literal holds; the places kept stay."""
    circuit = patients.circuit
    needed = patients.core([-holds], patient)
    if needed is None:
        raise ValueError(patient)
    failing = patients.failing_flips(patient, holds)
    region = {place: 1 << patient[place] for place in {*needed, *kept}}
    for place in sorted(region, key=lambda place: _priority(circuit, place)):
        if place in kept or place in failing:
            continue
        rest = {other: values for other, values in region.items() if other != place}
        if patients.find(-holds, *inside(circuit, rest)) is None:
            region = rest
    for place in sorted(region):
        if place not in kept:
            region = _widened(patients, holds, region, place, failing.get(place, 0))
    return dict(sorted(region.items()))


def _priority(circuit: Circuit, place: int) -> tuple[bool, int]:
    """Members of sets go first: what is left of a region is then what people speak of."""
    return circuit.domains[place].unit.member is None, -place


def _widened(
    patients: Patients, holds: Literal, region: Region, place: int, failing: int
) -> dict[int, int]:
    """Add the values of one unit with which the literal still holds; a number's in one range.

    With those that are failing it surely does not.
    """
    circuit = patients.circuit
    domain = circuit.domains[place]
    widened = dict(region)
    growing = domain.size > 2
    while growing:
        growing = False
        candidates = domain.all & ~widened[place] & ~failing
        if domain.ordered:
            candidates &= widened[place] << 1 | widened[place] >> 1
        for value in places(candidates):
            only_new = inside(circuit, {**widened, place: 1 << value})
            if patients.find(-holds, *only_new) is None and patients.find(*only_new) is not None:
                widened[place] |= 1 << value
                growing = True
    return widened


def inside(circuit: Circuit, region: Region) -> list[Literal]:
    """Return the literals that hold inside of a region."""
    return [circuit.holding(place, values) for place, values in region.items()]


def cover(
    patients: Patients, holds: Literal, kept: Collection[int] = (), most: int | None = None
) -> Iterator[Region]:
    """Yield prime regions until they hold every patient for whom a literal does.

    The end of the iteration proves that there is no other. Raises SolvingStoppedError at a limit.
    """
    circuit = patients.circuit
    outside: list[Literal] = []
    while most is None or len(outside) < most:
        patient = patients.find(holds, *outside)
        if patient is None:
            return
        region = prime_region(patients, holds, patient, kept)
        yield region
        outside.append(-circuit.all_of(inside(circuit, region)))


def irredundant(patients: Patients, holds: Literal, regions: Sequence[Region]) -> list[Region]:
    """Leave out regions whose patients the others hold already, the longest first."""
    circuit = patients.circuit
    left = sorted(regions, key=len)
    outside = [-circuit.all_of(inside(circuit, region)) for region in left]
    for at in range(len(left) - 1, -1, -1):
        others = [*outside[:at], *outside[at + 1 :]]
        if patients.find(holds, -outside[at], *others) is None:
            del left[at], outside[at]
    return left
