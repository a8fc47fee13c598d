"""What a tree of criteria tells a reader: what failed, what is open, what cannot matter any more."""

from collections.abc import Iterator

from engine.determination import CriterionStatus, Determination, Status


def decisive(answer: Determination, status: Status) -> Iterator[CriterionStatus]:
    """Yield the criteria by which the pathways of an answer are not met, or are unknown."""
    several = answer.criteria.section == answer.policy
    for pathway in answer.criteria.parts if several else (answer.criteria,):
        yield from _decisive(pathway, status)


def _decisive(node: CriterionStatus, status: Status) -> Iterator[CriterionStatus]:
    """Yield the parts that decide, followed down, where all are needed; else the criterion itself."""
    if node.status is not status:
        return
    parts = [part for part in node.parts if part.status is status] if node.needs == "all" else []
    if not parts:
        yield node
    for part in parts:
        yield from _decisive(part, status)


def sections(node: CriterionStatus) -> Iterator[str]:
    """Yield the sections of a criterion and of all below it."""
    yield node.section
    for part in node.parts:
        yield from sections(part)


def spent(node: CriterionStatus, part: CriterionStatus) -> bool:
    """Whether a part cannot matter any more: another one meets the criterion already."""
    return node.needs == "any" and node.status is Status.MET and part.status is not Status.MET
