"""Dates that are known in part: the days a date of a record may be."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date

_FORM = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?", re.ASCII)
FIRST_YEAR = 1850
"""No record of a patient who can be treated today is older."""


@dataclass(frozen=True, slots=True)
class Period:
    """A day lies between two days, both included; they are the same if it is known."""

    earliest: date
    latest: date


def read_period(raw: str) -> Period:
    """Read a day, a month ("2024-03") or a year ("2024"). Raises ValueError for anything else."""
    form = _FORM.fullmatch(raw)
    if form is None or int(form[1]) < FIRST_YEAR:
        raise ValueError("neither a day, a month nor a year")
    year = int(form[1])
    if form[2] is None:
        return Period(date(year, 1, 1), date(year, 12, 31))
    month = int(form[2])
    if form[3] is None:
        return Period(date(year, month, 1), date(year, month, _last(year, month)))
    day = date(year, month, int(form[3]))
    return Period(day, day)


def _last(year: int, month: int) -> int:
    if not 1 <= month <= 12:
        raise ValueError("no such month")
    return monthrange(year, month)[1]
