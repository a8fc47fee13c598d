"""Which criteria carry an answer: the deepest sections from which a status comes."""

from collections.abc import Iterator, Mapping, Sequence

from engine.circuit import Circuit, Derivation, Literal, surely
from engine.determination import Outcome
from engine.goals import Want
from engine.policy import Branch, Policy, Version, branches, section_order
from engine.program import Atom

Statuses = Mapping[Atom, bool | None]
"""Whether an atom surely holds, surely fails, or neither is sure."""


class Grounds:
    """Reads off a circuit which criteria are met, and which of them an answer rests on."""

    def __init__(
        self, circuit: Circuit, derivation: Derivation, policy: Policy, version: Version
    ) -> None:
        program = version.program
        self._circuit = circuit
        self._number = policy.number
        self._branches: Mapping[str, Branch] = branches(program)
        self._pathways = [str(section) for _, section in program.arguments("pathway")]
        self._dispositions = [str(section) for _, section in program.arguments("disposition")]
        self._answers = list(program.possible("answer"))
        self._atoms: list[Atom] = [
            *(("met", policy.number, str(s)) for _, s, _ in program.arguments("criterion")),
            *program.possible("applies"),
            *self._answers,
        ]
        roots: list[Literal] = [derivation.literal(atom) for atom in self._atoms]
        self._surely = surely(circuit, roots)

    def statuses(self, cases: Sequence[Sequence[int]]) -> list[Statuses]:
        """Return the statuses in cases, each given by the values that every domain may have."""
        found = self._surely(*self._circuit.lanes(cases))
        count = len(self._atoms)
        return [
            {
                atom: _status(found[place] >> lane & 1, found[count + place] >> lane & 1)
                for place, atom in enumerate(self._atoms)
            }
            for lane in range(len(cases))
        ]

    def sections(
        self, want: Want, after: Statuses, before: Statuses | None = None
    ) -> tuple[str, ...]:
        """Return the deepest sections that carry what is wanted, and did not carry it before."""
        found: set[str] = set()
        approves = want.outcome is Outcome.APPROVE
        for pathway in self._pathways:
            if after.get(("applies", self._number, pathway), True) is not False:
                found.update(self._support(pathway, after, before, holds=approves))
        for disposition in self._dispositions if not approves else ():
            if after.get(("applies", self._number, disposition), True) is not False:
                found.update(self._support(disposition, after, before, holds=True))
        for answer in self._answers:
            cited = answer[1] in want.parts or (not approves and answer[1] in ("basis", "refer_to"))
            if cited and after[answer] and not (before and before[answer]):
                found.add(str(answer[2]))
        return tuple(sorted(found, key=section_order))

    def _support(
        self, section: str, after: Statuses, before: Statuses | None, *, holds: bool
    ) -> Iterator[str]:
        """Yield the deepest criteria by which a criterion is met, or is not.

        Where its own status is not sure, those by which it could be.
        """
        atom = ("met", self._number, section)
        if after.get(atom) is (not holds):
            return
        branch = self._branches.get(section, Branch(None, ()))
        parts_hold = holds != (branch.needs == "none")
        settled = [
            part for part in branch.parts if after.get(("met", self._number, part)) is parts_hold
        ]
        needs_every_part = (branch.needs, holds) in (("all", True), ("any", False), ("none", True))
        if needs_every_part or (branch.parts and not settled and after.get(atom) is None):
            settled = list(branch.parts)
        for part in settled:
            yield from self._support(part, after, before, holds=parts_hold)
        if not settled and after.get(atom) is holds and not (before and before.get(atom) is holds):
            yield section


def _status(surely: int, surely_not: int) -> bool | None:
    return True if surely else (False if surely_not else None)
