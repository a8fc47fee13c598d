"""One case under several policies: what each says of it, side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.determination import Determination, Outcome, Status
from engine.explanation import Explanation
from engine.goals import Want
from engine.policy import Policy
from facts.vocabulary import Vocabulary
from queries.criteria import decisive
from queries.grouping import group_changes
from queries.wording import duration, standing, version_line, way


@dataclass(frozen=True, slots=True)
class Row:
    """One aspect of a case, with some lines for each policy."""

    label: str
    cells: tuple[tuple[str, ...], ...]


def side_by_side(
    explanations: Sequence[Explanation], policies: Mapping[str, Policy], vocabulary: Vocabulary
) -> tuple[Row, ...]:
    """Compare a case under several policies; rows that would be empty are left out."""
    answers = [explanation.determination for explanation in explanations]
    rows: dict[str, list[tuple[str, ...]]] = {
        "Version": [
            (version_line(policies[answer.policy].version(answer.version)),) for answer in answers
        ],
        "Months": [
            (duration(answer.authorization),) if answer.outcome is Outcome.APPROVE else ()
            for answer in answers
        ],
        "Refers to": [answer.refer_to for answer in answers],
        "Basis": [tuple(basis.replace("_", " ") for basis in answer.basis) for answer in answers],
        "Problems": [tuple(problem.message for problem in answer.problems) for answer in answers],
        "Decided by": [answer.deciding_sections for answer in answers],
        "Not met": [_decisive(answer, Status.NOT_MET) for answer in answers],
        "Still open": [_decisive(answer, Status.UNKNOWN) for answer in answers],
        "Smallest change to approval": [
            smallest(explanation, vocabulary) for explanation in explanations
        ],
    }
    return tuple(
        Row(label, tuple(cell or ("\N{EN DASH}",) for cell in cells))
        for label, cells in rows.items()
        if any(cells)
    )


def _decisive(answer: Determination, of: Status) -> tuple[str, ...]:
    if answer.problems or answer.outcome is Outcome.APPROVE:
        return ()
    return tuple(f"{node.section}: {node.text}" for node in decisive(answer, of))


def smallest(explanation: Explanation, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Say the first of the changes that lead to approval, or why there is none."""
    if explanation.determination.outcome is Outcome.APPROVE:
        return ("None is needed.",)
    asked = explanation.want == Want(Outcome.APPROVE)
    changes = explanation.changes if asked else explanation.approve_if
    if changes:
        first = way(group_changes(changes, vocabulary)[0], vocabulary)
        return tuple(str(step) for step in first.steps)
    stands = standing(explanation, vocabulary) if asked else None
    return (stands or "None was looked for.",)
