"""The vocabulary: which facts a case may state, and the drugs and diagnoses they name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal
from enum import StrEnum

_EXACT = Context(prec=50)
"""Enough digits for any number below 10**12 and its decimals, whatever the caller's context."""


class Kind(StrEnum):
    """What sort of value a fact has."""

    BOOLEAN = "boolean"
    NUMBER = "number"
    CHOICE = "choice"
    SET = "set"


class Changer(StrEnum):
    """What it takes for a fact to change, easiest first."""

    DOCUMENT = "document"
    PRESCRIBE = "prescribe"
    WAIT = "wait"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of the vocabulary.

    `options` holds the values of a choice or the members of a set, with their titles; `aliases` maps
    brands and codes, in lower case, to the option they stand for. A number
    lies between `lowest` and `highest`, both counted in steps of its last decimal: with one
    decimal, 2.3 mg is 23 steps. What `grows` can only become more, or have members added; the
    `passing` values of a choice do not come back once they are left.
    """

    name: str
    kind: Kind
    changer: Changer
    title: str
    question: str
    unit: str = ""
    lowest: int = 0
    highest: int = 0
    decimals: int = 0
    options: Mapping[str, str] | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    grows: bool = False
    passing: frozenset[str] = frozenset()
    values: tuple[str, ...] = field(init=False)
    """The values of a choice or the members of a set, sorted; empty for other kinds."""
    known_values: frozenset[str] = field(init=False)
    """The same as a set."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(sorted(self.options or ())))
        object.__setattr__(self, "known_values", frozenset(self.values))

    def steps(self, number: Decimal) -> int | None:
        """Count a number in steps of the last decimal; None if it has more decimals than that."""
        if number.adjusted() > 12:
            return None
        last = Decimal(1).scaleb(-self.decimals, _EXACT)
        rounded = number.quantize(last, context=_EXACT)
        return int(rounded.scaleb(self.decimals, _EXACT)) if rounded == number else None

    def option_title(self, option: str) -> str:
        """Return the title of a value of a choice, or of a member of a set."""
        return (self.options or {})[option]

    def number(self, steps: int) -> int | float:
        """Turn steps back into a number: an integer where it is one, else the nearest float."""
        whole, rest = divmod(steps, 10**self.decimals)
        return whole if rest == 0 else float(Decimal(steps).scaleb(-self.decimals))


@dataclass(frozen=True, slots=True)
class Code:
    """One code for a drug or one of its products, with where the code was found."""

    system: str
    code: str
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Drug:
    """One ingredient, whatever its brand or form."""

    name: str
    title: str
    classes: tuple[str, ...]
    brands: tuple[str, ...]
    codes: tuple[Code, ...]


@dataclass(frozen=True, slots=True)
class CodeTrap:
    """A range of ICD-10-CM codes that do not show the diagnosis, and why."""

    first: str
    last: str
    text: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One diagnosis, its billable ICD-10-CM codes with their meaning, and the traps around it.

    `cautions` says of a code what is often read into it and cannot be.
    """

    name: str
    title: str
    icd10: Mapping[str, str]
    cautions: Mapping[str, str]
    traps: tuple[CodeTrap, ...]


@dataclass(frozen=True, slots=True)
class Measurement:
    """What is measured or looked for in a patient: the units of its values, or its results."""

    name: str
    title: str
    units: tuple[str, ...]
    results: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All facts, drugs, drug classes, diagnoses and contradictions, by name.

    `measurements` and `terms` are what references speak of besides; terms are by sort, then by name,
    with their titles.
    """

    facts: Mapping[str, Fact]
    drugs: Mapping[str, Drug]
    classes: Mapping[str, str]
    diagnoses: Mapping[str, Diagnosis]
    contradictions: Mapping[str, str]
    measurements: Mapping[str, Measurement] = field(default_factory=dict)
    terms: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


NO_VOCABULARY = Vocabulary({}, {}, {}, {}, {})
"""What is known of facts before the vocabulary has been read."""
