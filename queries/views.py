"""What documents show of explanations, case by case: ready to be set in a template."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from engine.determination import CriterionStatus, Determination, Outcome
from engine.explanation import Explanation, UnderReading
from engine.policy import Policy, Version, section_order
from facts.vocabulary import Vocabulary
from queries.comparison import Row, side_by_side
from queries.criteria import spent
from queries.printing import printable
from queries.wording import (
    Effort,
    Ground,
    Open,
    Shown,
    efforts,
    grounds,
    idle_facts,
    open_facts,
    other_changes,
    record_problems,
    shown_cautions,
    shown_facts,
    standing,
    telling,
)


@dataclass(frozen=True, slots=True)
class Node:
    """A criterion in a tree: its level, its place among the parts of another, and its own parts.

    What is `spent` cannot matter any more.
    """

    criterion: CriterionStatus
    level: int
    place: int
    of: int
    spent: bool
    parts: tuple["Node", ...]

    def flat(self) -> Iterator["Node"]:
        """Yield the node and all below it, in the order they are read."""
        yield self
        for part in self.parts:
            yield from part.flat()


@dataclass(frozen=True, slots=True)
class Section:
    """A section that is cited, with its text and the name of its place in the document."""

    anchor: str
    section: str
    text: str


@dataclass(frozen=True, slots=True)
class View:
    """What a document shows of one explanation; `trees` are its criteria, then where it goes."""

    anchor: str
    name: str
    explanation: Explanation
    answer: Determination
    policy: Policy
    version: Version
    grounds: tuple[Ground, ...]
    more_grounds: str
    standing: str | None
    answers: tuple[Effort, ...]
    changes: tuple[Effort, ...]
    open_facts: tuple[Open, ...]
    idle_facts: str
    trees: tuple[Node, ...]
    readings: tuple[tuple[UnderReading, ...], ...]
    idle_readings: tuple[str, ...]
    sections: Mapping[str, Section]
    recorded: tuple[Shown, ...]
    cautions: tuple[Shown, ...]
    record_problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chapter:
    """One case: its explanations, and how they compare if they are several."""

    anchor: str
    views: tuple[View, ...]
    rows: tuple[Row, ...]


def chapters(
    explanations: Sequence[Explanation], policies: Mapping[str, Policy], vocabulary: Vocabulary
) -> tuple[Chapter, ...]:
    """Prepare explanations; those of one case under several policies make one chapter."""
    cases: list[list[View]] = []
    for number, explanation in enumerate(explanations, start=1):
        policy = policies[explanation.determination.policy]
        view = _view(f"answer-{number}", number, explanation, policy, vocabulary)
        if cases and _continues(cases[-1], view):
            cases[-1].append(view)
        else:
            cases.append([view])
    return tuple(
        Chapter(
            f"case-{number}",
            tuple(views),
            side_by_side([view.explanation for view in views], policies, vocabulary)
            if len(views) > 1
            else (),
        )
        for number, views in enumerate(cases, start=1)
    )


def _continues(views: Sequence[View], view: View) -> bool:
    """Whether an explanation is of the same case as those before it, under another policy."""
    first = views[0]
    return (
        (view.answer.id, view.answer.on) == (first.answer.id, first.answer.on)
        and view.explanation.known == first.explanation.known
        and view.answer.policy not in {other.answer.policy for other in views}
    )


def _view(
    anchor: str, number: int, explanation: Explanation, policy: Policy, vocabulary: Vocabulary
) -> View:
    answer = explanation.determination
    decided = not answer.problems
    version = policy.version(answer.version)
    why, more_grounds = grounds(explanation, vocabulary)
    answers = efforts(explanation.approve_if, vocabulary)
    changes = efforts(other_changes(explanation), vocabulary)
    readings, idle_readings = telling(explanation.readings or (), answer.outcome)
    trees = (answer.criteria, *answer.routing) if decided and answer.criteria.parts else ()
    shown = [
        *(ground.sections for ground in why),
        *(way.sections for effort in (*answers, *changes) for way in effort.ways),
    ]
    return View(
        anchor=anchor,
        name=f"Case {number}" if answer.id is None else printable(answer.id),
        explanation=explanation,
        answer=answer,
        policy=policy,
        version=version,
        grounds=why,
        more_grounds=more_grounds,
        standing=standing(explanation, vocabulary) if decided else None,
        answers=answers,
        changes=changes,
        open_facts=open_facts(answer, vocabulary),
        idle_facts=idle_facts(explanation, vocabulary),
        trees=tuple(
            _node(tree, 1, place, len(trees), faded=False)
            for place, tree in enumerate(trees, start=1)
        ),
        readings=tuple(
            tuple(choices) for _, choices in groupby(readings, key=lambda reading: reading.name)
        ),
        idle_readings=idle_readings,
        sections=_cited(anchor, answer, shown, version),
        recorded=shown_facts(answer, vocabulary),
        cautions=shown_cautions(answer),
        record_problems=record_problems(answer),
    )


def _node(criterion: CriterionStatus, level: int, place: int, of: int, *, faded: bool) -> Node:
    parts = tuple(
        _node(part, level + 1, number, len(criterion.parts), faded=faded or spent(criterion, part))
        for number, part in enumerate(criterion.parts, start=1)
    )
    return Node(criterion, level, place, of, faded, parts)


def _cited(
    anchor: str, answer: Determination, shown: Sequence[Sequence[str]], version: Version
) -> dict[str, Section]:
    """List the sections that a document cites, with what each says."""
    quantities = answer.authorization.quantities
    cited = {
        *answer.deciding_sections,
        *(answer.pathways if answer.outcome is Outcome.APPROVE else ()),
        *(quantity.section for quantity in quantities if quantity is not None),
        *(section for sections in shown for section in sections),
        *(section for reading in answer.readings for section in reading.sections),
        *(advisory.section for advisory in answer.advisories),
    }
    return {
        section: Section(f"{anchor}-section-{number}", section, version.texts[section])
        for number, section in enumerate(sorted(cited, key=section_order), start=1)
        if section in version.texts
    }
