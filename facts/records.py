"""What the record of a patient holds: therapies, laboratory results, cytogenetics, prescriptions.

Everything here is as it was recorded. What follows from it is derived elsewhere; whether it fits
together is asked there too. Nothing left out is taken to be so or not so.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from facts.errors import did_you_mean
from facts.periods import Period, read_period

LISTS = ("therapies", "laboratory", "cytogenetics", "prescriptions")
"""The lists of records; a case may say of each that it is complete."""
MOST_RECORDS = 1_000
"""Records of one list; a patient has dozens."""
MOST_PROBLEMS = 20
LATEST_LINE = 30
LONGEST_CYCLE = 365
LONGEST_SUPPLY = 1_000
MOST_CAPSULES = 100
HIGHEST_STRENGTH_MG = 1_000
LARGEST_AMOUNT = Decimal(10) ** 9

ONGOING, NONE = "ongoing", "none"


@dataclass(frozen=True, slots=True)
class Analyte:
    """What a laboratory record can be of.

    `units` says how many steps, the whole numbers it is counted in, one of each unit is. A value
    `against_limit` is counted in upper limits of normal. `results` are the words of one that is
    not measured but seen.
    """

    name: str
    title: str
    units: Mapping[str, int]
    results: frozenset[str]
    against_limit: bool


@dataclass(frozen=True, slots=True)
class RecordWords:
    """The words records are written in.

    `words` lists, for each field that takes a word, the words with their titles; `drugs` maps each
    drug's name, brand or code, in lower case, to its name.
    """

    words: Mapping[str, Mapping[str, str]]
    drugs: Mapping[str, str]
    analytes: Mapping[str, Analyte]
    loinc: Mapping[str, str]
    loinc_traps: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Therapy:
    """One course of treatment: a line of therapy, or a part of one.

    Its drugs are all of its drugs. `ongoing` and `no_progression` are said of the request date.
    """

    number: int
    drugs: frozenset[str]
    line: int | None
    phase: str | None
    start: Period | None
    end: Period | None
    ongoing: bool
    best_response: str | None
    progression: Period | None
    no_progression: bool
    stop_reason: str | None


@dataclass(frozen=True, slots=True)
class LaboratoryResult:
    """A value measured, with its unit, or a result seen.

    `comparison` is empty for a value, or one of <, <=, > and >= for a bound of it.
    """

    number: int
    analyte: str
    date: Period | None
    comparison: str = ""
    value: Decimal | None = None
    unit: str | None = None
    upper_limit: Decimal | None = None
    result: str | None = None


@dataclass(frozen=True, slots=True)
class CytogeneticResult:
    """Whether a test found a change of the chromosomes."""

    number: int
    finding: str
    method: str
    result: str
    date: Period | None


@dataclass(frozen=True, slots=True)
class Prescription:
    """A drug ordered; `requested` if the case asks for it, `filled` if it was dispensed."""

    number: int
    drug: str
    requested: bool
    strength_mg: Decimal | None
    capsules_per_dose: int | None
    dose_days: frozenset[int]
    doses_per_cycle: int | None
    cycle_days: int | None
    filled: Period | None
    days_supply: int | None
    paid_by_plan: bool | None


Record = Therapy | LaboratoryResult | CytogeneticResult | Prescription


@dataclass(frozen=True, slots=True)
class Records:
    """The record of one patient; `complete` names the lists that leave nothing out."""

    birth_date: Period | None = None
    complete: frozenset[str] = frozenset()
    therapies: tuple[Therapy, ...] = ()
    laboratory: tuple[LaboratoryResult, ...] = ()
    cytogenetics: tuple[CytogeneticResult, ...] = ()
    prescriptions: tuple[Prescription, ...] = ()


def read_records(raw: object, words: RecordWords) -> tuple[Records, list[str]]:
    """Read the JSON form of records, and list every problem with it."""
    if not isinstance(raw, Mapping):
        return Records(), [
            "records: expected an object of therapies, laboratory results and others"
        ]
    whole = _Fields(raw, "records", words)
    birth_date = whole.period("birth_date")
    complete = whole.each("complete", lambda name: _known(name, LISTS), "a list of records")
    therapies = whole.records("therapies", _therapy)
    laboratory = whole.records("laboratory", _laboratory)
    cytogenetics = whole.records("cytogenetics", _cytogenetics)
    prescriptions = whole.records("prescriptions", _prescription)
    whole.finish()
    problems = whole.problems
    hidden = len(problems) - MOST_PROBLEMS
    if hidden > 0:
        problems = [*problems[:MOST_PROBLEMS], f"records: {hidden} more problems"]
    return (
        Records(
            birth_date, frozenset(complete), therapies, laboratory, cytogenetics, prescriptions
        ),
        problems,
    )


def place(kind: str, number: int) -> str:
    """Name a record in messages and answers: the list and its number there, from 1."""
    return f"{kind} {number}"


class _WrongError(ValueError):
    """A value of a field does not fit; the message says what was expected."""


def _known(name: object, known: Sequence[str] | Mapping[str, object]) -> str:
    if not isinstance(name, str) or name not in known:
        listed = ", ".join(sorted(known))
        raise _WrongError(f"expected one of {listed}{did_you_mean(str(name), known)}")
    return name


def _therapy(fields: "_Fields", number: int) -> Therapy:
    end = fields.one("end", lambda raw: raw if raw == ONGOING else _period(raw, f'or "{ONGOING}"'))
    progression = fields.one(
        "progression", lambda raw: raw if raw == NONE else _period(raw, f'or "{NONE}"')
    )
    return Therapy(
        number=number,
        drugs=frozenset(fields.each("drugs", fields.drug, "a drug", needed=True)),
        line=fields.whole("line", 1, LATEST_LINE),
        phase=fields.word("phase"),
        start=fields.period("start"),
        end=end if isinstance(end, Period) else None,
        ongoing=end == ONGOING,
        best_response=fields.word("best_response"),
        progression=progression if isinstance(progression, Period) else None,
        no_progression=progression == NONE,
        stop_reason=fields.word("stop_reason"),
    )


_VALUE = re.compile(r"\s*(<=|>=|<|>)\s*(\d{1,12}(?:\.\d{1,12})?)\s*", re.ASCII)


def _laboratory(fields: "_Fields", number: int) -> LaboratoryResult | None:
    analyte = fields.analyte()
    value = fields.take("value")
    date = fields.period("date")
    unit = fields.one("unit", _text)
    limit = fields.one("upper_limit", _amount)
    if analyte is None:
        return None
    if analyte.results:
        result = fields.checked("value", value, lambda raw: _known(raw, sorted(analyte.results)))
        if unit is not None or limit is not None:
            fields.problem("unit", f"{analyte.name} is seen, not measured: it has no unit")
        return (
            None if result is None else LaboratoryResult(number, analyte.name, date, result=result)
        )
    measured = fields.checked("value", value, _measured)
    if measured is None:
        return None
    comparison, amount = measured
    if limit == 0:
        fields.problem("upper_limit", "expected more than 0")
    return LaboratoryResult(number, analyte.name, date, comparison, amount, unit, limit)


def _measured(raw: object) -> tuple[str, Decimal]:
    bound = _VALUE.fullmatch(raw) if isinstance(raw, str) else None
    return (
        (bound[1], Decimal(bound[2])) if bound else ("", _amount(raw, 'or a bound such as "<0.1"'))
    )


def _cytogenetics(fields: "_Fields", number: int) -> CytogeneticResult | None:
    finding = fields.word("finding", needed=True)
    method = fields.word("method", needed=True)
    result = fields.word("result", needed=True)
    date = fields.period("date")
    if finding is None or method is None or result is None:
        return None
    return CytogeneticResult(number, finding, method, result, date)


def _prescription(fields: "_Fields", number: int) -> Prescription | None:
    drug = fields.one("drug", lambda raw: fields.drug(raw, agents=True), needed=True)
    cycle = fields.whole("cycle_days", 1, LONGEST_CYCLE)
    days = fields.each("dose_days", lambda raw: _whole(raw, 1, LONGEST_CYCLE), "a day of the cycle")
    doses = fields.whole("doses_per_cycle", 1, LONGEST_CYCLE)
    if days and doses is not None and doses != len(days):
        fields.problem("doses_per_cycle", "it is not the number of dose_days")
    if days and cycle is not None and max(days) > cycle:
        fields.problem("dose_days", "a dose on a day after the end of the cycle")
    prescription = Prescription(
        number=number,
        drug=drug or "",
        requested=fields.one("requested", _truth) or False,
        strength_mg=fields.one("strength_mg", _strength),
        capsules_per_dose=fields.whole("capsules_per_dose", 1, MOST_CAPSULES),
        dose_days=frozenset(days),
        doses_per_cycle=len(days) or doses,
        cycle_days=cycle,
        filled=fields.period("filled"),
        days_supply=fields.whole("days_supply", 1, LONGEST_SUPPLY),
        paid_by_plan=fields.one("paid_by_plan", _truth),
    )
    return prescription if drug else None


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise _WrongError("expected a text")
    return raw


def _truth(raw: object) -> bool:
    if not isinstance(raw, bool):
        raise _WrongError("expected true or false")
    return raw


def _whole(raw: object, low: int, high: int) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int) or not low <= raw <= high:
        raise _WrongError(f"expected a whole number from {low} to {high}")
    return raw


def _amount(raw: object, otherwise: str = "") -> Decimal:
    expected = f"expected a number of at least 0 {otherwise}".strip()
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        raise _WrongError(expected)
    number = Decimal(float.__repr__(raw)) if isinstance(raw, float) else Decimal(raw)
    if not number.is_finite() or not 0 <= number <= LARGEST_AMOUNT:
        raise _WrongError(expected)
    return number


def _strength(raw: object) -> Decimal:
    strength = _amount(raw)
    if not 0 < strength <= HIGHEST_STRENGTH_MG:
        raise _WrongError(f"expected more than 0 mg, and at most {HIGHEST_STRENGTH_MG:,}")
    return strength


def _period(raw: object, otherwise: str = "") -> Period:
    try:
        return read_period(_text(raw))
    except ValueError:
        expected = "expected a date such as 2024-03-09, a month (2024-03) or a year (2024)"
        raise _WrongError(f"{expected} {otherwise}".strip()) from None


Read = TypeVar("Read")


@dataclass(slots=True)
class _Fields:
    """The fields of one object: each is taken once, and what is left over is a problem."""

    raw: Mapping[Any, Any]
    place: str
    words: RecordWords
    problems: list[str] = field(default_factory=list)
    _taken: dict[str, None] = field(default_factory=dict)

    def problem(self, name: str, message: str) -> None:
        self.problems.append(f"{self.place}, {name}: {message}")

    def take(self, name: str) -> Any:
        self._taken[name] = None
        return self.raw.get(name)

    def checked(self, name: str, raw: object, read: Callable[[object], Read]) -> Read | None:
        try:
            return read(raw)
        except _WrongError as wrong:
            self.problem(name, str(wrong))
            return None

    def one(
        self, name: str, read: Callable[[object], Read], *, needed: bool = False
    ) -> Read | None:
        raw = self.take(name)
        if raw is None and not needed:
            return None
        return self.checked(name, raw, read)

    def period(self, name: str) -> Period | None:
        return self.one(name, _period)

    def whole(self, name: str, low: int, high: int) -> int | None:
        return self.one(name, lambda raw: _whole(raw, low, high))

    def word(self, name: str, *, needed: bool = False) -> str | None:
        return self.one(name, lambda raw: self._word(name, raw), needed=needed)

    def _word(self, kind: str, raw: object) -> str:
        known = self.words.words[kind]
        titles = {title.lower(): word for word, title in known.items()}
        return titles.get(str(raw).lower()) or _known(raw, known)

    def drug(self, raw: object, *, agents: bool = False) -> str:
        known = self.words.drugs
        named = known.get(str(raw).lower())
        if named is None and agents:
            known = {**known, **{agent: agent for agent in self.words.words["agent"]}}
            named = known.get(str(raw).lower())
        if not isinstance(raw, str) or named is None:
            other = "; write other_drug for a drug not in the vocabulary"
            raise _WrongError(f"this is no known drug{did_you_mean(str(raw), known) or other}")
        return named

    def analyte(self) -> Analyte | None:
        """Read what a laboratory record is of: a LOINC code, a name of ours, or both."""
        code = self.one("code", self._coded)
        name = self.one("measurement", lambda raw: _known(raw, self.words.analytes))
        if self.raw.get("code") is None and self.raw.get("measurement") is None:
            self.problem("measurement", "expected a LOINC code as code, or a measurement by name")
        elif code is not None and name is not None and code != name:
            self.problem("code", f"this is the code of {code}, and the measurement is {name}")
            return None
        found = code or name
        return self.words.analytes[found] if found else None

    def _coded(self, raw: object) -> str:
        trap = self.words.loinc_traps.get(str(raw))
        if trap is not None:
            raise _WrongError(f"this code is not accepted: {trap}")
        if not isinstance(raw, str) or raw not in self.words.loinc:
            raise _WrongError(
                "this is no LOINC code that rules read; name the measurement instead, or leave it out"
                f"{did_you_mean(str(raw), self.words.loinc)}"
            )
        return self.words.loinc[raw]

    def each(
        self, name: str, read: Callable[[object], Read], what: str, *, needed: bool = False
    ) -> list[Read]:
        raw = self.take(name)
        if raw is None and not needed:
            return []
        if not isinstance(raw, list | tuple) or (needed and not raw):
            self.problem(name, f"expected a list, each of it {what}")
            return []
        found = [self.checked(f"{name} {at}", one, read) for at, one in enumerate(raw, start=1)]
        return [one for one in found if one is not None]

    def records(self, name: str, read: Callable[["_Fields", int], Read | None]) -> tuple[Read, ...]:
        raw = self.take(name)
        if raw is None:
            return ()
        if not isinstance(raw, list | tuple):
            self.problem(name, "expected a list of records")
            return ()
        if len(raw) > MOST_RECORDS:
            self.problem(name, f"more than {MOST_RECORDS:,} records")
            return ()
        return tuple(self._read_each(name, raw, read))

    def _read_each(
        self, name: str, raw: Sequence[object], read: Callable[["_Fields", int], Read | None]
    ) -> Iterator[Read]:
        for number, one in enumerate(raw, start=1):
            named = f"{self.place}, {place(name, number)}"
            if not isinstance(one, Mapping):
                self.problems.append(f"{named}: expected an object")
                continue
            fields = _Fields(one, named, self.words)
            record = read(fields, number)
            fields.finish()
            self.problems += fields.problems
            if record is not None:
                yield record

    def finish(self) -> None:
        """Report the keys that nothing took."""
        for key in self.raw:
            if key not in self._taken:
                self.problem(str(key), f"unknown key{did_you_mean(str(key), self._taken)}")
