"""What records show, worked out by brute force: every day a partial date can be is tried.

Written from the definitions of the facts (docs/derivation.md) and not from the rules: dates are dates,
ages are birthdays counted, months are added one by one, and lines are numbered in every way there is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise, product

from facts.periods import read_period

NEVER = 36500
RESPONDED = ("minimal", "partial", "very_good_partial", "complete", "stringent_complete")


@dataclass(frozen=True)
class Course:
    """One therapy; dates are texts of a case, or days once they are settled."""

    drugs: frozenset[str]
    line: int | None = None
    phase: str | None = None
    start: date | None = None
    end: date | None = None
    ongoing: bool = False
    response: str | None = None
    progression: date | None = None
    no_progression: bool = False
    stopped: str | None = None


def days(text: str | None, on: date) -> list[date | None]:
    """List the days a date can be, none of them after the request."""
    if text is None:
        return [None]
    period = read_period(text)
    found = (
        period.earliest + timedelta(days=n)
        for n in range((period.latest - period.earliest).days + 1)
    )
    return [day for day in found if day <= on]


def settled(raw: Mapping[str, object], on: date) -> Iterator[Course]:
    """Yield a therapy with every choice of its days that start, end and progression allow."""
    end, progression = raw.get("end"), raw.get("progression")
    ongoing, none = end == "ongoing", progression == "none"
    course = Course(
        drugs=frozenset(raw["drugs"]),  # type: ignore[call-overload]
        line=raw.get("line"),  # type: ignore[arg-type]
        phase=raw.get("phase"),  # type: ignore[arg-type]
        ongoing=ongoing,
        response=raw.get("best_response"),  # type: ignore[arg-type]
        no_progression=none,
        stopped=raw.get("stop_reason"),  # type: ignore[arg-type]
    )
    for first, last, worse in product(
        days(raw.get("start"), on),  # type: ignore[arg-type]
        days(None if ongoing else end, on),  # type: ignore[arg-type]
        days(None if none else progression, on),  # type: ignore[arg-type]
    ):
        if first and ((last and last < first) or (worse and worse < first)):
            continue
        yield replace(course, start=first, end=last, progression=worse)


def completions(raw: Sequence[Mapping[str, object]], on: date) -> Iterator[list[Course]]:
    """Yield the therapies with every choice of all their days."""
    for chosen in product(*(list(settled(one, on)) for one in raw)):
        yield list(chosen)


def age(birth: date, on: date) -> int:
    """Count birthdays; one of 29 February is on 1 March of other years."""
    count = 0
    for year in range(birth.year + 1, on.year + 1):
        try:
            birthday = birth.replace(year=year)
        except ValueError:
            birthday = date(year, 3, 1)
        count += birthday <= on
    return count


def _add_months(day: date, months: int) -> date:
    """Add calendar months; a month that is too short ends on its last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        if last <= day.day:
            try:
                return date(year, month + 1, last)
            except ValueError:
                continue
    raise ValueError(day)


def tenths_of_months(start: date, end: date) -> int:
    """Count months in tenths: whole ones, then a tenth for each begun tenth, but never ten."""
    if end <= start:
        return 0
    months = 0
    while _add_months(start, months + 1) <= end:
        months += 1
    reached, coming = _add_months(start, months), _add_months(start, months + 1)
    passed, length = (end - reached).days, (coming - reached).days
    tenths = 0
    while tenths * length < 10 * passed:
        tenths += 1
    return 10 * months + min(tenths, 9)


def is_refractory(course: Course) -> bool | None:
    """Say whether a therapy leaves the disease refractory, None if it does not show."""
    over = course.end is not None or course.stopped is not None or course.progression is not None
    if course.stopped == "progression":
        return True
    if course.progression and (
        course.ongoing or (course.end and (course.progression - course.end).days <= 60)
    ):
        return True
    if course.response in ("stable", "progressive") and over:
        return True
    late = course.progression and course.end and (course.progression - course.end).days > 60
    return False if course.response in RESPONDED and (course.no_progression or late) else None


def numberings(courses: Sequence[Course], *, complete: bool) -> Iterator[tuple[int, ...]]:
    """Yield every way to number the lines of therapies.

    A stated number stands. What starts on or after the progression on another therapy is a later
    line. In a complete list no line is without a therapy; otherwise lines may be missing from it,
    of which as many are tried as could matter.
    """
    most = len(courses) if complete else len(courses) + 2
    most = max([most, *(course.line or 0 for course in courses)])
    choices = [[course.line] if course.line else range(1, most + 1) for course in courses]
    for lines in product(*choices):
        if complete and set(lines) != set(range(1, max(lines, default=0) + 1)):
            continue
        if all(
            lines[i] < lines[j]
            for i, one in enumerate(courses)
            for j, other in enumerate(courses)
            if i != j and one.progression and other.start and one.progression <= other.start
        ):
            yield lines


def completed_lines(courses: Sequence[Course], *, complete: bool) -> Iterator[tuple[int, set[int]]]:
    """Yield how many lines may be completed, with the places of the therapies in them.

    Only the last line may go on; whether a therapy does is open where nothing says that it is over.
    """
    over = [bool(one.end or one.stopped or one.progression) for one in courses]
    surely = [one.ongoing and one.no_progression for one in courses]
    for lines in numberings(courses, complete=complete):
        last = max(lines, default=0)
        open_ones = [at for at, is_over in enumerate(over) if not is_over]
        for going in product(*([True] if surely[at] else [True, False] for at in open_ones)):
            on = {at for at, goes in zip(open_ones, going, strict=True) if goes}
            if any(lines[at] != last for at in on):
                continue
            count = last - 1 if on else last
            yield count, {at for at in range(len(courses)) if lines[at] <= count}
            if not complete and not on:
                yield last + 1, {*range(len(courses))}


def values(
    raw: Sequence[Mapping[str, object]], on: date, value: Callable[[list[Course]], object]
) -> set[object]:
    """Return the values that something has in the completions of therapies."""
    return {value(courses) for courses in completions(raw, on)}


def serum_progression(
    highest: Sequence[float],
    lowest: Sequence[float],
    first: float,
    second: float,
    first_highest: float,
) -> bool:
    """Say whether two assessments running surely show progression, values in g/L.

    `highest` and `lowest` bound those before, the baseline first. The first of the two lies between
    `first` and `first_highest`; for the second, it is among those before.
    """
    pairs = pairwise(highest)
    bound = min([highest[0], *(max(pair) for pair in pairs)])
    later = min(bound, max(highest[-1], first_highest)) if len(highest) > 1 else bound
    least = min(lowest)
    return all(
        (4 * value >= 5 * before and value - before >= 5) or (low >= 50 and value - before >= 10)
        for value, before, low in ((first, bound, least), (second, later, min(least, first)))
    )
