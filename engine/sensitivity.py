"""What makes a difference between two determinations: the criteria that stand otherwise."""

from collections.abc import Iterator

from engine.determination import CriterionStatus, Determination, Status
from engine.explanation import Move


def moves(before: Determination, after: Determination) -> tuple[Move, ...]:
    """Return the deepest criteria whose status, or existence, differs between determinations.

    A criterion that only one of them looks at counts if its text is not in force in the other,
    or if the other falls under another pathway; its status there is None.
    """
    old, new = _by_section(before), _by_section(after)
    return tuple(
        Move(
            section,
            (new.get(section) or old[section]).text,
            old[section].status if section in old else None,
            new[section].status if section in new else None,
        )
        for section in dict.fromkeys([*new, *old])
        if _moved(section, old, new)
        and not any(
            _moved(part.section, old, new)
            for nodes in (old, new)
            if section in nodes
            for part in nodes[section].parts
        )
    )


def _moved(section: str, old: dict[str, CriterionStatus], new: dict[str, CriterionStatus]) -> bool:
    statuses: list[Status | None] = [
        nodes[section].status if section in nodes else None for nodes in (old, new)
    ]
    return statuses[0] is not statuses[1]


def _by_section(determination: Determination) -> dict[str, CriterionStatus]:
    roots = (determination.criteria, *determination.routing)
    return {node.section: node for root in roots for node in _below(root)}


def _below(node: CriterionStatus) -> Iterator[CriterionStatus]:
    yield node
    for part in node.parts:
        yield from _below(part)
