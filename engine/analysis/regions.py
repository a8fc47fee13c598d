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
from engine.inputs import places, runs

Region: TypeAlias = Mapping[int, int]
"""For some domains, by place, the values they may have, as bits."""


def prime_region(
    patients: Patients, holds: Literal, patient: Patient, kept: Collection[int] = ()
) -> Region:
    """Return a prime region around a patient in which a literal holds; the places kept stay.

    It starts from why the literal holds for him, which needs few facts and no solver.
    """
    circuit = patients.circuit
    failing, why = patients.around(patient, holds)
    region = {place: _one_range(circuit, place, values, patient) for place, values in why.items()}
    region |= {place: 1 << patient[place] for place in kept}
    region = _shrunk(patients, holds, region, {*failing, *kept})
    several = [place for place in region if place not in kept and circuit.domains[place].size > 2]
    # A value that nobody in the region has yet may be had once another unit has more values.
    growing = True
    while growing:
        growing = False
        for place in several:
            growing |= _widen(patients, holds, region, place, failing)
    return region


def _one_range(circuit: Circuit, place: int, values: int, patient: Patient) -> int:
    """Of the values of a number, keep those that are in one range with the patient's."""
    if not circuit.domains[place].ordered:
        return values
    return next(run for run in runs(values) if run >> patient[place] & 1)


def _shrunk(
    patients: Patients, holds: Literal, region: Region, needed: Collection[int]
) -> dict[int, int]:
    """Leave out as many places as can be, such that a literal still holds for all who are left."""
    circuit = patients.circuit
    left = dict(sorted(region.items()))
    spare = sorted(
        (place for place in left if place not in needed), key=lambda at: _priority(circuit, at)
    )
    if len(spare) > 1 and patients.core([-holds], _having(circuit, left, spare)) is not None:
        return {place: values for place, values in left.items() if place not in spare}
    for place in spare:
        if place in left:
            core = patients.core([-holds], _having(circuit, left, [place]))
            if core is not None:
                left = {at: left[at] for at in sorted({*core, *needed})}
    return left


def _having(circuit: Circuit, region: Region, without: Collection[int]) -> dict[int, Literal]:
    return {
        place: circuit.holding(place, values)
        for place, values in region.items()
        if place not in without
    }


def _priority(circuit: Circuit, place: int) -> tuple[bool, int]:
    """Members of sets go first: what is left of a region is then what people speak of."""
    return circuit.domains[place].unit.member is None, -place


def _widen(
    patients: Patients, holds: Literal, region: dict[int, int], place: int, failing: dict[int, int]
) -> bool:
    """Add the values of one unit with which the literal still holds; a number's in one range.

    `failing` are the values, by place, with which it surely does not; it is added to. Return
    whether something was added.
    """
    circuit = patients.circuit
    domain = circuit.domains[place]
    rest = inside(circuit, {other: values for other, values in region.items() if other != place})
    before, nobody = region[place], 0
    while True:
        candidates = domain.all & ~region[place] & ~failing.get(place, 0) & ~nobody
        if domain.ordered:
            candidates &= region[place] << 1 | region[place] >> 1
        if not candidates:
            return region[place] != before
        for value in places(candidates):
            only_new = [*rest, circuit.holding(place, 1 << value)]
            if patients.find(-holds, *only_new) is not None:
                failing[place] = failing.get(place, 0) | 1 << value
            elif patients.find(*only_new) is None:
                nobody |= 1 << value
            else:
                region[place] |= 1 << value


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
