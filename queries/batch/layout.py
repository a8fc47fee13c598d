"""Which column of a table says what of a case.

A column is named for a fact, or for one member of a set ("prior_drugs.bortezomib", true if it is in
the set). `id`, `on` and `policy` name the case, its day and its policy. Others are refused, unless
they are to be kept or ignored.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from facts.errors import TableError, did_you_mean
from facts.vocabulary import Fact, Kind, Vocabulary

FRAME = ("id", "policy", "on")
"""Columns that are no facts."""
ANSWERS = (
    *("row", "policy", "version", "outcome", "reason_codes", "basis", "pathway", "months"),
    *("authorization", "refer_to", "deciding_sections", "needs_clinician"),
    *("change", "change_effort", "problem"),
)
"""Columns of the answers, which none that is kept can be named for."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A column that says something of a fact, or of one member of a set."""

    column: str
    fact: Fact
    member: str | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a table: those of facts, those of the frame, and those to keep."""

    facts: tuple[Heading, ...]
    frame: frozenset[str]
    kept: tuple[str, ...]


NOTHING = Layout((), frozenset(), ())


def laid_out(
    columns: Sequence[str],
    vocabulary: Vocabulary,
    *,
    keep: Collection[str] = (),
    ignore: Collection[str] = (),
) -> Layout:
    """Match columns to the vocabulary. Raises TableError with everything that does not fit."""
    problems = [
        f"there is no column {name!r} to {what}{did_you_mean(name, columns)}"
        for what, names in (("keep", keep), ("ignore", ignore))
        for name in names
        if name not in columns
    ]
    problems += [
        f"column {name!r} is there twice" for name in sorted({*columns}) if columns.count(name) > 1
    ]
    problems += [
        f"column {name!r} cannot be kept: the answers have a column of that name"
        for name in keep
        if name in ANSWERS
    ]
    facts: dict[str, Heading] = {}
    for name in dict.fromkeys(columns):
        if name in keep or name in ignore or name in FRAME:
            continue
        heading = _heading(name, vocabulary)
        if isinstance(heading, str):
            problems.append(heading)
        else:
            facts[name] = heading
    for name, heading in facts.items():
        if heading.member is not None and heading.fact.name in facts:
            problems.append(f"column {name!r}: column {heading.fact.name!r} says this already")
    if problems:
        raise TableError(problems)
    frame = frozenset(
        name for name in FRAME if name in columns and name not in ignore and name not in keep
    )
    return Layout(tuple(facts.values()), frame, tuple(name for name in columns if name in keep))


def _heading(name: str, vocabulary: Vocabulary) -> Heading | str:
    """Return what a column says, or what is wrong with its name."""
    fact = vocabulary.facts.get(name)
    if fact is not None:
        return Heading(name, fact)
    before, dot, member = name.partition(".")
    fact = vocabulary.facts.get(before)
    if not dot or fact is None:
        known = [*vocabulary.facts, *FRAME]
        return (
            f"column {name!r} is no fact of the vocabulary{did_you_mean(name, known)}; "
            "a column that is none can be kept or ignored"
        )
    if fact.kind is not Kind.SET:
        return f"column {name!r}: {before!r} is no set, and has no members"
    if member not in fact.known_values:
        return f"column {name!r}: {before!r} has no member {member!r}{did_you_mean(member, fact.values)}"
    return Heading(name, fact, member)
