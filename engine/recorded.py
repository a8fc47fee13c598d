"""Records as the atoms that rules of derivation read: days and amounts as whole numbers.

A day is counted from the year 1, a period is its first and last day, an amount is counted in the
steps its unit has. A value between two steps, or a bound, lies between two numbers of steps.
"""

from calendar import monthrange
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from itertools import pairwise
from typing import TypeVar

from engine.derived import RecordProblem
from engine.program import Term
from facts.errors import did_you_mean
from facts.periods import Period
from facts.records import (
    Analyte,
    LaboratoryResult,
    Prescription,
    Record,
    Records,
    RecordWords,
    Therapy,
    place,
)

PATIENT = 0
"""The number that stands for the records as a whole, the birth date among them."""
UNKNOWN_LINE = 0
"""The line of a therapy that was left out and states none."""
MOST_STEPS = 10_000_000
"""Of an amount: so multiplied by percents, twice over, it fits clingo's integers."""
MOST_THERAPIES = 60
"""Each is compared with each."""
_MICROGRAMS = 1_000
_MOST_MICROGRAMS = 100_000_000
_EXACT = Context(prec=60)

Arguments = tuple[Term, ...]
Entry = TypeVar("Entry", bound=Record)


@dataclass(slots=True)
class Recorded:
    """The atoms of one case, by predicate, and what is wrong with single records.

    `places` names each record by its number in the atoms.
    """

    atoms: dict[str, list[Arguments]] = field(default_factory=dict)
    problems: list[RecordProblem] = field(default_factory=list)
    places: dict[int, str] = field(default_factory=lambda: {PATIENT: "patient"})

    def add(self, predicate: str, *arguments: Term) -> None:
        """Add an atom."""
        self.atoms.setdefault(predicate, []).append(arguments)

    def enter(self, kind: str, record: Record) -> int:
        """Give a record its number."""
        number = len(self.places)
        self.places[number] = place(kind, record.number)
        return number

    def problem(self, number: int, name: str, message: str) -> None:
        """Say what is wrong with a record."""
        self.problems.append(RecordProblem(self.places[number], name, message))


def record_atoms(
    records: Records,
    on: date,
    words: RecordWords,
    measurements: Mapping[str, str],
    agents: Mapping[str, str],
    without: Collection[str] = (),
) -> Recorded:
    """Turn records into atoms, those named in `without` excepted; their lists are not complete.

    `measurements` maps analytes to the measurements that references speak of, `agents` drugs to
    how they act.
    """
    recorded = Recorded()
    days: set[date] = {on}
    recorded.add("request", on.toordinal())
    if records.birth_date is not None and recorded.places[PATIENT] not in without:
        born = _until(records.birth_date, on)
        recorded.add("born", *_ordinals(born))
        recorded.add("dated", PATIENT, "birth_date", *_ordinals(born))
        days |= {born.earliest, born.latest}
    for number, therapy in _entered(recorded, "therapies", records.therapies, without):
        if len(recorded.atoms.get("therapy", ())) >= MOST_THERAPIES:
            recorded.problem(number, "therapies", f"more than {MOST_THERAPIES} are not read")
        else:
            days.update(_therapy(recorded, number, _tightened(therapy, on)))
    for therapy in records.therapies:
        if place("therapies", therapy.number) in without:
            recorded.add("left_out", therapy.line or UNKNOWN_LINE)
    for number, result in _entered(recorded, "laboratory", records.laboratory, without):
        analyte = words.analytes[result.analyte]
        _laboratory(recorded, number, result, analyte, measurements[analyte.name], on)
    for number, test in _entered(recorded, "cytogenetics", records.cytogenetics, without):
        recorded.add("cytogenetic", number, test.finding, test.method, test.result)
        if test.date is not None:
            recorded.add("dated", number, "date", *_ordinals(_until(test.date, on)))
    for number, ordered in _entered(recorded, "prescriptions", records.prescriptions, without):
        _prescription(recorded, number, ordered, agents, on)
    lists = {named.rpartition(" ")[0] for named in without}
    for kind in sorted(records.complete - lists):
        recorded.add("complete", kind)
    missing = {
        result.analyte
        for result in records.laboratory
        if place("laboratory", result.number) in without
    }
    _order(recorded, missing)
    for day in sorted(days):
        recorded.add("calendar", day.toordinal(), *_calendar(day))
    return recorded


def _entered(
    recorded: Recorded, kind: str, records: Sequence[Entry], without: Collection[str]
) -> Iterator[tuple[int, Entry]]:
    """Give the records of a list their numbers, and yield those that are not left out."""
    for record in records:
        number = recorded.enter(kind, record)
        if recorded.places[number] not in without:
            yield number, record


def _therapy(recorded: Recorded, number: int, therapy: Therapy) -> Iterator[date]:
    """Enter a therapy, and yield the days of its periods."""
    recorded.add("therapy", number)
    for drug in sorted(therapy.drugs):
        recorded.add("drug_of", number, drug)
    for predicate, value in (
        ("line", therapy.line),
        ("phase", therapy.phase),
        ("best_response", therapy.best_response),
        ("stopped_for", therapy.stop_reason),
    ):
        if value is not None:
            recorded.add(predicate, number, value)
    for predicate, name, period in (
        ("starts", "start", therapy.start),
        ("ends", "end", therapy.end),
        ("progressed", "progression", therapy.progression),
    ):
        if period is not None:
            recorded.add(predicate, number, *_ordinals(period))
            recorded.add("dated", number, name, *_ordinals(period))
            yield from (period.earliest, period.latest)
    if therapy.ongoing:
        recorded.add("ongoing", number)
    if therapy.no_progression:
        recorded.add("not_progressed", number)


def _tightened(therapy: Therapy, on: date) -> Therapy:
    """Leave out the days that the order of start, end, progression and request rules out.

    The bounds that are left are those of the days that meet all four conditions together: each
    can be met at its bound while the others are.
    """
    start, end, progression = (
        period and _until(period, on)
        for period in (therapy.start, therapy.end, therapy.progression)
    )
    if start is not None:
        later = [period for period in (end, progression) if period is not None]
        latest = min([start.latest, *(period.latest for period in later)])
        if latest >= start.earliest:
            start = Period(start.earliest, latest)
            end = end and Period(max(end.earliest, start.earliest), end.latest)
            progression = progression and Period(
                max(progression.earliest, start.earliest), progression.latest
            )
    return replace(therapy, start=start, end=end, progression=progression)


def _until(period: Period, on: date) -> Period:
    """Leave out the days after the request, unless that leaves none."""
    return Period(period.earliest, min(period.latest, on)) if period.earliest <= on else period


def _laboratory(
    recorded: Recorded,
    number: int,
    found: LaboratoryResult,
    analyte: Analyte,
    measurement: str,
    on: date,
) -> None:
    if found.result is not None:
        recorded.add("seen", number, measurement, found.result)
    else:
        try:
            low, high = _steps(found, analyte)
        except _MisfitError as misfit:
            recorded.problem(number, misfit.field, str(misfit))
            return
        recorded.add("assessed", number, analyte.name, measurement, low, high)
    if found.date is not None:
        taken = _until(found.date, on)
        recorded.add("taken", number, *_ordinals(taken))
        recorded.add("dated", number, "date", *_ordinals(taken))


class _MisfitError(ValueError):
    """A field of a laboratory result does not fit; the message says why."""

    def __init__(self, name: str, message: str) -> None:
        self.field = name
        super().__init__(message)


def _steps(found: LaboratoryResult, analyte: Analyte) -> tuple[int, int]:
    """Return the least and the greatest number of steps a value can be."""
    unit = found.unit
    if unit is None:
        listed = ", ".join(analyte.units)
        raise _MisfitError("unit", f"{analyte.name} needs one of its units: {listed}")
    if unit not in analyte.units:
        listed = ", ".join(analyte.units)
        raise _MisfitError(
            "unit",
            f"this is no unit of {analyte.name}{did_you_mean(unit, analyte.units)} ({listed})",
        )
    value = _EXACT.multiply(found.value or Decimal(0), analyte.units[unit])
    if analyte.against_limit and unit != "x ULN":
        if found.upper_limit is None:
            raise _MisfitError(
                "upper_limit", f"{analyte.name} is judged by the upper limit of normal: add it"
            )
        value = _EXACT.divide(
            _EXACT.multiply(found.value or Decimal(0), analyte.units["x ULN"]), found.upper_limit
        )
    low, high = _whole(value, ROUND_FLOOR), _whole(value, ROUND_CEILING)
    if high >= MOST_STEPS:
        raise _MisfitError("value", f"no {analyte.name} is that high: check the unit")
    match found.comparison:
        case "<":
            return 0, max(high - 1, 0)
        case "<=":
            return 0, low
        case ">":
            return low + 1, MOST_STEPS
        case ">=":
            return high, MOST_STEPS
    return low, high


def _whole(value: Decimal, rounding: str) -> int:
    return int(value.to_integral_value(rounding))


def _prescription(
    recorded: Recorded, number: int, ordered: Prescription, agents: Mapping[str, str], on: date
) -> None:
    recorded.add("prescribed", number, ordered.drug)
    if ordered.drug in agents:
        recorded.add("acts_as", ordered.drug, agents[ordered.drug])
    if ordered.requested:
        recorded.add("requested", number)
    if ordered.strength_mg is not None and ordered.capsules_per_dose is not None:
        dose = _EXACT.multiply(ordered.strength_mg * ordered.capsules_per_dose, _MICROGRAMS)
        if dose != dose.to_integral_value():
            recorded.problem(number, "strength_mg", "it has more than three digits after the point")
        elif dose > _MOST_MICROGRAMS:
            recorded.problem(number, "strength_mg", "no dose is that high")
        else:
            recorded.add("dose", number, int(dose))
    for day in sorted(ordered.dose_days):
        recorded.add("dose_day", number, day)
    for predicate, value in (
        ("doses", ordered.doses_per_cycle),
        ("cycle", ordered.cycle_days),
        ("supply", ordered.days_supply),
    ):
        if value is not None:
            recorded.add(predicate, number, value)
    if ordered.filled is not None:
        filled = _until(ordered.filled, on)
        recorded.add("filled", number, *_ordinals(filled))
        recorded.add("dated", number, "filled", *_ordinals(filled))
    if ordered.paid_by_plan is not None:
        recorded.add("paid" if ordered.paid_by_plan else "not_paid", number)


def _order(recorded: Recorded, missing: Collection[str]) -> None:
    """Say of each analyte in which order its results came, and which may be the latest.

    An order is said only where no partial date leaves it open between any two of them, and none of
    them was left out: analytes of which one was are `missing`.
    """
    taken = {int(number): (int(first), int(last)) for number, first, last in _of(recorded, "taken")}
    groups: dict[str, list[int]] = {}
    for number, analyte, *_ in (*_of(recorded, "assessed"), *_of(recorded, "seen")):
        groups.setdefault(str(analyte), []).append(int(number))
    for analyte, numbers in sorted(groups.items()):
        dated = sorted((number for number in numbers if number in taken), key=taken.__getitem__)
        follow = list(pairwise(dated))
        whole = len(dated) == len(numbers) and analyte not in missing
        if whole and all(taken[a][1] < taken[b][0] for a, b in follow):
            recorded.add("ordered", analyte)
            for earlier, later in follow:
                recorded.add("follows", earlier, later)
        latest = max((taken[number][0] for number in dated), default=0)
        for number in numbers:
            if number not in taken or taken[number][1] >= latest:
                recorded.add("may_be_latest", number)


def _of(recorded: Recorded, predicate: str) -> list[Arguments]:
    return recorded.atoms.get(predicate, [])


def _ordinals(period: Period) -> tuple[int, int]:
    return period.earliest.toordinal(), period.latest.toordinal()


def _calendar(day: date) -> tuple[int, ...]:
    """Return the months before a day's own, its place in the month, and how long months are.

    The lengths are those of the month before, its own, and the one after.
    """
    # December and January are of one length in all years, so the year of a neighbour is no matter.
    around = ((day.month + step - 1) % 12 + 1 for step in (-1, 0, 1))
    lengths = (monthrange(day.year, month)[1] for month in around)
    return (day.year * 12 + day.month, day.day, *lengths)
