"""What is wanted of a case, as a goal that completions have or fail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.determination import OUTCOMES, Outcome
from engine.program import Atom, GroundProgram
from facts.errors import UnknownWantError, did_you_mean

Clause: TypeAlias = Sequence[tuple[Atom, bool]]
"""Atoms that hold or do not, of which at least one must be as it says."""

PARTS = {
    "months": Outcome.APPROVE,
    "quantity": Outcome.APPROVE,
    "refer_to": Outcome.REFER,
    "basis": None,
}
"""The parts of an answer that can be asked for, and the outcome that has them; None if several."""
BASES = ("medically_necessary", "not_medically_necessary", "investigational")
NONE = "none"
"""The value of a part that the answer does not state."""


@dataclass(frozen=True, slots=True)
class Want:
    """What is asked for: an outcome, and if need be the values of parts of the answer.

    Parts are months, quantity (an amount), basis and refer_to; values are texts, "none" for a part
    that is not to be stated.
    """

    outcome: Outcome
    parts: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = [f"{part}={value}" for part, value in self.parts.items()]
        return ", ".join([self.outcome.value, *parts])

    @staticmethod
    def parse(text: str) -> "Want":
        """Read "approve", "deny, basis=investigational", "months=12" or "12 months".

        Raises UnknownWantError if it is none of these or contradicts itself.
        """
        outcomes: list[Outcome] = []
        parts: dict[str, str] = {}
        for word in (piece.strip() for piece in text.split(",")):
            part, equals, value = (piece.strip() for piece in word.partition("="))
            number, _, unit = word.partition(" ")
            if word in [outcome.value for outcome in OUTCOMES]:
                outcomes.append(Outcome(word))
            elif equals and part in PARTS and _fits(part, value):
                parts[part] = str(int(value)) if value.isdecimal() else value
            elif number.isdecimal() and number.isascii() and unit in ("month", "months"):
                parts["months"] = str(int(number))
            else:
                known = [*(outcome.value for outcome in OUTCOMES), *(f"{name}=" for name in PARTS)]
                raise UnknownWantError(word, did_you_mean(word, known))
        for part, value in parts.items():
            outcome = PARTS[part] or (Outcome.APPROVE if value == BASES[0] else Outcome.DENY)
            outcomes.append(outcome)
        if len(set(outcomes)) != 1:
            raise UnknownWantError(text, "; it speaks of more than one outcome")
        return Want(outcomes[0], dict(sorted(parts.items())))

    def clauses(self, program: GroundProgram, *, total: bool) -> list[Clause]:
        """Return what a completion must satisfy to have what is wanted, and nothing beside it.

        `total` says that each completion has exactly one outcome, so that one need not be asked
        for with the others ruled out.
        """
        clauses: list[Clause] = [
            [(("outcome", outcome.value), outcome is self.outcome)]
            for outcome in OUTCOMES
            if outcome is self.outcome or not total
        ]
        for part, value in self.parts.items():
            answers = [atom for atom in program.possible("answer") if atom[1] == part]
            wanted = [(atom, True) for atom in answers if str(atom[3]) == value]
            clauses += [[(atom, False)] for atom in answers if str(atom[3]) != value]
            if value != NONE:
                clauses.append(wanted)
        return clauses


def _fits(part: str, value: str) -> bool:
    """Whether a part of an answer can have a value."""
    if part == "basis":
        return value in BASES
    if part == "refer_to":
        return bool(value)
    return value == NONE or (value.isascii() and value.isdecimal())
