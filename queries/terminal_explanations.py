"""Explanations as a person reads them in a terminal: why, what would change it, what is missing."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from rich.box import HORIZONTALS
from rich.console import Console
from rich.table import Table
from rich.text import Text

from engine.determination import Outcome
from engine.explanation import Explanation, UnderReading, UnderVersion
from engine.policy import Policy
from facts.vocabulary import Vocabulary
from queries.comparison import side_by_side
from queries.phrases import capitalized, cited
from queries.printing import (
    STYLES,
    print_heading,
    print_line,
    print_row,
    print_tree,
    print_wrapped,
    printable,
)
from queries.terminal import (
    show_advisories,
    show_dependence,
    show_outcome,
    show_records,
    show_unknown,
)
from queries.wording import (
    NO_PATHWAY,
    REVIEW,
    Effort,
    alternatives,
    because,
    efforts,
    grounds,
    idle_facts,
    moved,
    other_changes,
    settles,
    standing,
    telling,
    wanted,
    window,
)

_WIDEST_TABLE = 110
"""Columns of a table of sentences, however wide the terminal."""
_NARROWEST_COLUMN = 22
_LABELS = 12
"""Columns of the labels of its rows."""


def show_explanation(
    console: Console, explanation: Explanation, policy: Policy, vocabulary: Vocabulary
) -> None:
    """Print an explanation: why, what would change it, what is missing, where the criteria stand."""
    answer = explanation.determination
    show_outcome(console, answer, policy)
    if not answer.problems:
        _show_reasons(console, explanation, vocabulary)
        _show_changes(console, explanation, vocabulary)
        _show_missing(console, explanation, vocabulary)
        _show_criteria(console, explanation)
    if explanation.readings is None:
        show_dependence(console, answer)
    else:
        _show_readings(console, explanation.readings, answer.outcome)
    if explanation.history is not None:
        _show_history(console, explanation.history)
    show_advisories(console, answer.advisories)
    show_records(console, answer, vocabulary)
    for limit in explanation.limits:
        print_heading(console, f"Not complete: {limit}")
    if answer.needs_clinician:
        print_heading(console, REVIEW)


def _show_reasons(console: Console, explanation: Explanation, vocabulary: Vocabulary) -> None:
    shown, more = grounds(explanation, vocabulary)
    if not shown:
        return
    print_heading(console, because(explanation))
    for number, ground in enumerate(shown, start=1):
        words = capitalized("; ".join(ground.clauses))
        line = Text.assemble(f"{words}.", (cited(ground.sections), "dim"))
        print_wrapped(console, f"{number:>6}. ", " " * 8, line)
    if more:
        print_line(console, 4, (more, "dim"))


def _show_changes(console: Console, explanation: Explanation, vocabulary: Vocabulary) -> None:
    stands = standing(explanation, vocabulary)
    if stands:
        print_heading(console, stands)
    if explanation.approve_if:
        print_heading(console, "Approved if one of these is so")
        for effort in efforts(explanation.approve_if, vocabulary):
            _show_ways(console, effort)
    changes = other_changes(explanation)
    if changes:
        print_heading(console, f"What would lead to {wanted(explanation.want)}")
        for effort in efforts(changes, vocabulary):
            print_line(console, 4, (effort.heading, "underline"))
            _show_ways(console, effort)


def _show_ways(console: Console, effort: Effort) -> None:
    """Print what there is to do in sentences, each on a line, the sections after the last."""
    for number, way in enumerate(effort.ways, start=1):
        first = f"{number:>6}. "
        *most, last = map(str, way.steps)
        for step in most:
            print_wrapped(console, first, " " * 8, Text(step))
            first = " " * 8
        after = f"{cited(way.sections)}{alternatives(way.alternatives)}"
        print_wrapped(console, first, " " * 8, Text.assemble(last, (after, "dim")))
    if effort.more:
        print_line(console, 4, (effort.more, "dim"))


def _show_missing(console: Console, explanation: Explanation, vocabulary: Vocabulary) -> None:
    show_unknown(console, explanation.determination, vocabulary)
    if explanation.next_question:
        print_heading(console, "To ask next")
        question = explanation.next_question
        print_line(console, 4, (question.fact, "yellow"), f"  {question.question} ")
        print_line(console, 4, (settles(question), "dim"))
    idle = idle_facts(explanation, vocabulary)
    if idle:
        print_heading(console, "Not known, and it cannot matter")
        print_line(console, 4, (idle, "dim"))


def _show_criteria(console: Console, explanation: Explanation) -> None:
    answer = explanation.determination
    print_heading(console, "Criteria")
    if answer.criteria.parts:
        print_tree(console, answer.criteria, short=True)
    else:
        print_line(console, 4, NO_PATHWAY)
    for tree in answer.routing:
        print_tree(console, tree, short=True)


def _show_readings(console: Console, readings: Sequence[UnderReading], outcome: Outcome) -> None:
    shown, others = telling(readings, outcome)
    print_heading(console, "Under each reading")
    width = max((len(reading.choice) for reading in shown), default=0) + 2
    for name, choices in groupby(shown, key=lambda reading: reading.name):
        listed = list(choices)
        question = f"  {listed[0].question}"
        print_line(console, 4, (name, "cyan"), question, (cited(listed[0].sections), "dim"))
        for reading in listed:
            mark = "> " if reading.chosen else "  "
            last = Text.assemble(
                reading.text, *((f"\n{line}", "dim") for line in moved(reading.moves))
            )
            print_row(
                console,
                [
                    (f"      {mark}", "bold", 8),
                    (reading.choice, "bold" if reading.chosen else "default", width),
                    (reading.outcome.value.upper(), STYLES[reading.outcome], 9),
                ],
                last,
            )
    if others:
        print_line(console, 4, (f"No difference under {', '.join(others)}", "dim"))


def _show_history(console: Console, versions: Sequence[UnderVersion]) -> None:
    print_heading(console, "Under each version")
    for version in versions:
        print_line(
            console,
            4,
            (f"{'> ' if version.current else '  '}", "bold"),
            f"{window(version.version, version.until):<26}",
            (f"{version.outcome.value.upper():<9}", STYLES[version.outcome]),
            version.status,
        )
        for line in (version.note, *moved(version.moves)):
            print_line(console, 8, (line, "dim"))


def show_side_by_side(
    console: Console,
    explanations: Sequence[Explanation],
    policies: Mapping[str, Policy],
    vocabulary: Vocabulary,
) -> None:
    """Print one case under several policies: the outcomes, what decides, and the smallest change."""
    width = min(console.width, _WIDEST_TABLE)
    each = max(1, (width - _LABELS) // _NARROWEST_COLUMN)
    for start in range(0, len(explanations), each):
        if start:
            console.print()
        chunk = explanations[start : start + each]
        console.print(_side_by_side(chunk, policies, vocabulary, width))


def _side_by_side(
    explanations: Sequence[Explanation],
    policies: Mapping[str, Policy],
    vocabulary: Vocabulary,
    width: int,
) -> Table:
    identifier = explanations[0].determination.id
    table = Table(
        title=Text(printable(identifier)) if identifier else None,
        title_justify="left",
        box=HORIZONTALS,
        width=width,
        pad_edge=False,
        show_lines=True,
    )
    table.add_column("", width=_LABELS - 2, style="dim")
    for explanation in explanations:
        answer = explanation.determination
        policy = policies[answer.policy]
        heading = Text.assemble(
            (answer.outcome.value.upper(), STYLES[answer.outcome]),
            f"\n{policy.payer} {policy.number}",
        )
        table.add_column(heading, ratio=1, overflow="fold")
    for row in side_by_side(explanations, policies, vocabulary):
        table.add_row(row.label, *(Text("\n".join(lines)) for lines in row.cells))
    return table
