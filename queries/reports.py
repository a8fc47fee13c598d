"""Findings, comparisons and routes as documents: Markdown, and HTML pages that need nothing beside them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from facts.vocabulary import Vocabulary
from queries.differences import ComparisonView, Parted, matrix
from queries.findings import Checked, Shown, shown_findings, summary
from queries.rendering import render_html, render_markdown
from queries.routes import RoutesView
from queries.terminal_findings import MOST_ROWS
from queries.tree import SYMBOLS, Mark, Picture, effects_elsewhere, picture, policy_tree
from queries.witnesses import stated


@dataclass(frozen=True, slots=True)
class Chapter:
    """What a document shows of one version: its findings, and its trees on which they are marked."""

    anchor: str
    checked: Checked
    findings: tuple[Shown, ...]
    pictures: tuple[Picture, ...]
    elsewhere: tuple[tuple[str, str], ...]


def findings_markdown(checked: Sequence[Checked], vocabulary: Vocabulary) -> str:
    """Write findings as Markdown."""
    return render_markdown(
        "findings.md.jinja",
        title=_title(checked),
        chapters=_chapters(checked, vocabulary),
        summary=summary,
    )


def findings_page(checked: Sequence[Checked], vocabulary: Vocabulary) -> str:
    """Write findings as an HTML page, with the policy's tree as a picture."""
    return render_html(
        "findings.html.jinja",
        "report.css",
        title=_title(checked),
        chapters=_chapters(checked, vocabulary),
        summary=summary,
        SYMBOLS=SYMBOLS,
    )


def _title(checked: Sequence[Checked]) -> str:
    if len(checked) == 1:
        return f"Policy check: {checked[0].policy.payer} {checked[0].policy.number}"
    return f"Policy check: {len(checked)} policies"


def _chapters(checked: Sequence[Checked], vocabulary: Vocabulary) -> tuple[Chapter, ...]:
    return tuple(
        _chapter(f"policy-{number}", one, vocabulary) for number, one in enumerate(checked, start=1)
    )


def _chapter(anchor: str, checked: Checked, vocabulary: Vocabulary) -> Chapter:
    shown = shown_findings(checked, vocabulary)
    marks = _marks(anchor, shown)
    trees = policy_tree(checked.policy, checked.version)
    return Chapter(
        anchor,
        checked,
        shown,
        tuple(picture(tree, marks) for tree in trees),
        effects_elsewhere(checked.policy, checked.version),
    )


def _marks(anchor: str, shown: Sequence[Shown]) -> Mapping[str, Sequence[Mark]]:
    """Mark each section with what was found of it; findings of one kind share a mark."""
    found: dict[str, dict[tuple[str, str], list[int]]] = {}
    for one in shown:
        for section in one.finding.sections:
            numbers = found.setdefault(section, {}).setdefault((one.label, one.about), [])
            numbers.append(one.number)
    return {
        section: [
            Mark(
                label,
                f"{about} ({'findings' if len(numbers) > 1 else 'finding'} {_ranges(numbers)})",
                f"{anchor}-finding-{numbers[0]}",
            )
            for (label, about), numbers in kinds.items()
        ]
        for section, kinds in found.items()
    }


def _ranges(numbers: Sequence[int]) -> str:
    """List numbers in order, those that follow each other as a range: "3, 5 to 7"."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][-1] + 1:
            ranges[-1].append(number)
        else:
            ranges.append([number])
    return ", ".join(
        str(one[0])
        if len(one) == 1
        else f"{one[0]} to {one[-1]}"
        if len(one) > 2
        else f"{one[0]}, {one[1]}"
        for one in ranges
    )


def comparison_markdown(views: Sequence[ComparisonView]) -> str:
    """Write comparisons as Markdown; several of them with the matrix of their verdicts."""
    policies, verdicts = matrix([view.comparison for view in views])
    return render_markdown(
        "comparison.md.jinja",
        title=_comparison_title(views),
        views=views,
        policies=policies,
        verdicts=verdicts,
    )


def comparison_page(views: Sequence[ComparisonView], vocabulary: Vocabulary) -> str:
    """Write comparisons as an HTML page; several of them with the matrix of their verdicts."""
    policies, verdicts = matrix([view.comparison for view in views])

    def example(row: Parted) -> str:
        return json.dumps(stated(row.witnesses[0].facts, vocabulary))

    return render_html(
        "comparison.html.jinja",
        "report.css",
        title=_comparison_title(views),
        views=views,
        policies=policies,
        verdicts=verdicts,
        example=example,
        MOST_ROWS=MOST_ROWS,
    )


def _comparison_title(views: Sequence[ComparisonView]) -> str:
    if len(views) == 1:
        return f"Policies compared: {views[0].first} and {views[0].second}"
    return "Policies compared"


def routes_markdown(view: RoutesView) -> str:
    """Write routes as Markdown."""
    return render_markdown("routes.md.jinja", title=_routes_title(view), view=view)


def routes_page(view: RoutesView) -> str:
    """Write routes as an HTML page."""
    return render_html(
        "routes.html.jinja",
        "report.css",
        title=_routes_title(view),
        view=view,
        MOST_ROWS=MOST_ROWS,
    )


def _routes_title(view: RoutesView) -> str:
    return f"Routes to {view.outcome}: {view.policy.payer} {view.policy.number}"
