"""Findings, comparisons and routes as terminals show them."""

import json
from collections.abc import Mapping, Sequence
from itertools import islice

from rich.console import Console
from rich.text import Text

from engine.analysis.difference import Comparison
from facts.vocabulary import Vocabulary
from queries.differences import ComparisonView, DifferenceView, Parted, matrix
from queries.findings import Checked, Shown, shown_findings, summary
from queries.phrases import capitalized, cited, counted
from queries.printing import new_table, print_heading, print_line, print_wrapped
from queries.routes import RoutesView
from queries.witnesses import witness_json

MOST_ROWS = 10
"""Rows of one difference, or of one pathway, that a terminal shows unless asked for all."""
_STYLES = {
    "error": "bold red",
    "warning": "bold yellow",
    "note": "bold cyan",
    "accepted": "green",
}
_VERDICTS = {
    "equivalent": "green",
    "same-outcomes": "green",
    "stricter": "bold red",
    "looser": "bold cyan",
    "incomparable": "bold yellow",
    "undecided": "bold magenta",
    "no-common-patient": "bold magenta",
}


def show_checked(
    console: Console,
    checked: Checked,
    vocabulary: Vocabulary,
    commands: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Print what was found of one version.

    `commands` replay the witnesses of findings, by the id, if they are saved.
    """
    policy = checked.policy
    print_line(
        console,
        0,
        (f"{policy.payer} {policy.number}", "bold"),
        f", {policy.title}, version {checked.version.start}: {summary(checked)}",
    )
    for shown in shown_findings(checked, vocabulary):
        _show_finding(console, shown, (commands or {}).get(shown.finding.id, ()))


def _show_finding(console: Console, shown: Shown, commands: Sequence[str]) -> None:
    finding = shown.finding
    console.print()
    about = f"  {finding.kind.value}  "
    print_line(
        console,
        2,
        (shown.label.upper(), _STYLES[shown.label]),
        (about, "bold"),
        ", ".join(finding.sections),
    )
    print_line(console, 4, shown.text)
    if shown.readings:
        print_line(console, 4, f"With {shown.readings}.")
    commands = commands or [""] * len(shown.examples)
    for example, command in zip(shown.examples, commands, strict=True):
        words = f"For example, {example.outcome}: {example.patients}."
        print_wrapped(console, " " * 4, " " * 6, Text(words))
        print_line(console, 6, (json.dumps(example.json["case"]), "dim"))
        if command:
            console.print(Text(f"      {command}", "dim"), soft_wrap=True)
    if shown.repair:
        print_line(console, 4, f"To repair: {shown.repair}")
    if shown.acceptance:
        print_line(
            console,
            4,
            (f"Accepted on {shown.acceptance.date}: {shown.acceptance.reason}", "green"),
        )
    print_line(console, 4, (finding.id, "dim"))


def show_comparison(
    console: Console, view: ComparisonView, vocabulary: Vocabulary, *, everything: bool
) -> None:
    """Print a comparison: the verdict, by kind of request, and where the two part."""
    (policy, start), (other, later) = view.comparison.first, view.comparison.second
    verdict = view.comparison.verdict.value
    print_line(
        console,
        0,
        (verdict.upper(), _VERDICTS[verdict]),
        f"  {policy}, version {start}, and {other}, version {later}",
    )
    print_line(console, 2, view.verdict)
    if view.readings:
        print_line(console, 2, f"Here {view.readings}.")
    if view.phases:
        print_heading(console, f"How {view.first} stands to {view.second}")
    for patients, stands in view.phases:
        print_wrapped(
            console,
            " " * 4,
            " " * 6,
            Text.assemble((f"{stands:<15}", _VERDICTS[stands]), patients),
        )
    if view.comparison.sections:
        print_heading(console, "Sections that changed")
    for changed in view.comparison.sections:
        print_wrapped(
            console,
            " " * 4,
            " " * 6,
            Text.assemble(
                (f"{changed.change.value:<8} ", "bold"),
                (changed.section, "cyan"),
                f"  {changed.text}",
                (f" ({', '.join(changed.parts)})" if changed.parts else "", "dim"),
            ),
        )
    for difference in view.differences:
        _show_difference(console, difference, view, vocabulary, everything=everything)
    print_heading(console, "Proof")
    print_line(console, 4, view.proof)
    if not view.comparison.complete:
        print_line(console, 4, ("Not complete: a limit was met, and there may be more.", "bold"))


def _show_difference(
    console: Console,
    difference: DifferenceView,
    view: ComparisonView,
    vocabulary: Vocabulary,
    *,
    everything: bool,
) -> None:
    print_heading(console, f"{difference.heading} ({difference.regions})")
    shown = difference.rows if everything else difference.rows[:MOST_ROWS]
    for number, row in enumerate(shown, start=1):
        _show_row(console, number, row, view, vocabulary)
    hidden = len(difference.rows) - len(shown)
    if hidden:
        print_line(console, 4, (f"{counted(hidden, 'more group')}; --all shows them.", "dim"))
    if not difference.complete:
        print_line(console, 4, ("Not complete: a limit was met, and there are more.", "bold"))


def _show_row(
    console: Console, number: int, row: Parted, view: ComparisonView, vocabulary: Vocabulary
) -> None:
    several = f" {counted(row.regions, 'region')}." if row.regions > 1 else ""
    line = Text.assemble(f"{capitalized(row.patients)}.", (several, "dim"))
    print_wrapped(console, f"{number:>6}. ", " " * 8, line)
    for name, sections in (
        (view.first, row.first_sections),
        (view.second, row.second_sections),
    ):
        if sections:
            print_line(console, 8, (f"{name}: {', '.join(sections)}", "dim"))
    case = witness_json(row.witnesses[0], vocabulary)["case"]
    facts = case["facts"] if isinstance(case, dict) else {}
    print_line(console, 8, (f"for example {json.dumps(facts)}", "dim"))


def show_matrix(console: Console, comparisons: Sequence[Comparison]) -> None:
    """Print how each of several policies stands to each other one."""
    policies, verdicts = matrix(comparisons)
    table = new_table("", *policies)
    for one in policies:
        cells = [verdicts.get((one, other), "") for other in policies]
        table.add_row(
            Text(one, "bold"),
            *(Text(cell, _VERDICTS.get(cell, "default")) for cell in cells),
        )
    print_line(console, 0, "How the policy of the row stands to that of the column:")
    console.print()
    console.print(table)


def show_routes(console: Console, view: RoutesView, *, everything: bool) -> None:
    """Print the routes to an outcome, pathway by pathway."""
    policy = view.policy
    print_line(
        console,
        0,
        (f"{policy.payer} {policy.number}", "bold"),
        f", {policy.title}, version {view.version.start}: {view.summary}",
    )
    if view.readings:
        print_line(console, 2, f"With {view.readings}.")
    for group in view.groups:
        name = f"{group.pathway}  {group.text}" if group.pathway else "Under no pathway"
        print_heading(console, f"{name} ({group.routes})")
        shown = list(group.rows if everything else islice(group.rows, MOST_ROWS))
        for number, row in enumerate(shown, start=1):
            several = f" {counted(row.routes, 'route')}." if row.routes > 1 else ""
            after = f"{cited(row.sections)}{several}"
            line = Text.assemble(f"{capitalized(row.patients)}.", (after, "dim"))
            print_wrapped(console, f"{number:>6}. ", " " * 8, line)
        hidden = len(group.rows) - len(shown)
        if hidden:
            print_line(console, 4, (f"{counted(hidden, 'more group')}; --all shows them.", "dim"))
