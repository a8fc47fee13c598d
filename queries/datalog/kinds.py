"""Kinds: which values a variable takes, by the columns it stands in, and whether a value fits.

A variable joins columns of one type, and of one domain where they have any: a join of policies with
drugs is empty, and always a mistake.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from engine.relation import ColumnType, Database, Value
from facts.case import is_date
from facts.errors import did_you_mean
from queries.datalog.aggregation import shortest

MOST_SUGGESTED = 1_000
"""Values of a domain that a suggestion is looked for in; with more it would take too long."""

_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,38})(\.[0-9]{1,38})?")


@dataclass(frozen=True, slots=True)
class Kind:
    """What values a column or variable has; `origin` says in messages where that is known from."""

    type: ColumnType
    domain: str | None
    origin: str
    many: bool = False

    def __str__(self) -> str:
        what = {ColumnType.TEXT: "text", ColumnType.DATE: "a date", ColumnType.NUMBER: "a number"}
        if self.many:
            return f"a list ({self.origin})"
        described = what[self.type] if self.domain is None else f"a {self.domain}"
        return f"{described} ({self.origin})"

    def clashes(self, other: "Kind") -> bool:
        """Tell whether no value can be of both kinds, or only by accident."""
        domains = {self.domain, other.domain} - {None}
        return self.type is not other.type or len(domains) > 1

    def joined(self, other: "Kind") -> "Kind":
        """Return the narrower of two kinds that do not clash."""
        return other if self.domain is None and other.domain is not None else self


class MisfitError(ValueError):
    """A value is not of the kind that stands at its place."""


def fitted(
    value: object, kind: Kind, database: Database, *, member: bool = True, suggest: bool = True
) -> Value:
    """Return a value as one of a kind. Raises MisfitError with the reason and the remedy.

    `member` asks that it be one of the domain, where there is one, and `suggest` that the reason
    name the nearest value of it, which takes a while. Numbers may come as text, as
    they do from a command line, but never as binary fractions, which are not what was written.
    """
    fit = _number(value, kind) if kind.type is ColumnType.NUMBER else _text(value, kind)
    if member and kind.domain is not None:
        values = database.values(kind.domain)
        if fit not in values:
            suggested = suggest and len(values) <= MOST_SUGGESTED
            hint = _meant(str(fit), sorted(map(str, values))) if suggested else ""
            raise MisfitError(f"{written(fit)} is no known {kind.domain}{hint}")
    return fit


def _meant(value: str, known: Sequence[str]) -> str:
    """Suggest a known value: one in the same words, or else one that is spelt nearly so."""
    words = sorted(value.lower().split())
    same = [other for other in known if sorted(other.lower().split()) == words]
    return did_you_mean(same[0] if same else value, same or known)


def _number(value: object, kind: Kind) -> Value:
    if isinstance(value, float):
        raise MisfitError("give a number with decimals as text or as a Decimal, not as a float")
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = Decimal(value)
    if type(value) is int or (isinstance(value, Decimal) and value.is_finite()):
        return shortest(Decimal(value))
    raise misfit(value, kind)


def _text(value: object, kind: Kind) -> Value:
    if isinstance(value, str) and (kind.type is ColumnType.TEXT or is_date(value)):
        return value
    raise misfit(value, kind)


def misfit(value: object, kind: Kind) -> MisfitError:
    """Say that a value is not of the type that stands at its place."""
    what = {ColumnType.TEXT: "text", ColumnType.DATE: "date", ColumnType.NUMBER: "number"}[
        kind.type
    ]
    help_ = {
        ColumnType.TEXT: f'; a text of digits is quoted: "{written(value)}"',
        ColumnType.DATE: '; a date is written like "2025-01-31"',
        ColumnType.NUMBER: "",
    }[kind.type]
    return MisfitError(f"{written(value)} is no {what}, but stands where there is {kind}{help_}")


def own_kind(value: object, origin: str) -> Kind:
    """Return the kind of a value that no column tells."""
    number = isinstance(value, int | Decimal)
    return Kind(ColumnType.NUMBER if number else ColumnType.TEXT, None, origin)


def written(value: object) -> str:
    """Write a value as it stands in a query, shortened."""
    text = str(value)
    if isinstance(value, str) and not re.fullmatch(r"[a-z][A-Za-z0-9_]*", text):
        text = '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    return text if len(text) <= 60 else text[:57] + "..."
