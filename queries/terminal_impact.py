"""The impact of a change in words, and as terminals show it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from engine.determination import Outcome
from facts.vocabulary import Vocabulary
from queries.differences import heading
from queries.grouping import group_alike
from queries.impact import DifferenceSeen, Impact, Proof, Responsible, adverse, share
from queries.patients import patients
from queries.phrases import capitalized, counted
from queries.printing import STYLES, new_table, print_heading, print_line, print_wrapped
from queries.witnesses import stated

MOST_ROWS = 10
"""Rows of a table, or regions of one kind, that are shown unless all are asked for."""
_PARTS = {
    "months": "months of approval",
    "authorization": "what is authorized",
    "basis": "basis",
    "refer_to": "where it is referred to",
}


@dataclass(frozen=True, slots=True)
class RegionWords:
    """Regions that differ in one drug alone, in words; `example` is the facts of a case in JSON."""

    patients: str
    before_sections: tuple[str, ...]
    after_sections: tuple[str, ...]
    regions: int
    most_rows: int
    example: str


@dataclass(frozen=True, slots=True)
class DifferenceWords:
    """One way in which answers can part: the regions that rows lie in, and those that none does."""

    heading: str
    is_adverse: bool
    rows: int
    regions: int
    complete: bool
    seen: tuple[RegionWords, ...]
    unseen: tuple[RegionWords, ...]


def differences_in_words(impact: Impact, proof: Proof) -> tuple[DifferenceWords, ...]:
    """Put what is proved into words."""
    return tuple(_difference(impact, each) for each in proof.differences)


def _difference(impact: Impact, each: DifferenceSeen) -> DifferenceWords:
    change, difference = impact.change, each.difference
    vocabulary = change.before.kb.vocabulary
    groups = group_alike(
        [seen.region.facts for seen in each.regions],
        [
            (seen.region.first_sections, seen.region.second_sections, seen.rows > 0)
            for seen in each.regions
        ],
        vocabulary,
        any_drugs=True,
    )
    words = [
        _region(each, group.numbers, patients(group.values, vocabulary), vocabulary)
        for group in groups
    ]
    words.sort(key=lambda one: (-one.most_rows, len(one.patients), one.patients))
    is_outcome = difference.part == "outcome"
    return DifferenceWords(
        capitalized(heading(difference, change.before.name, change.after.name)),
        adverse(difference.first, difference.second) if is_outcome else difference.part == "basis",
        each.rows,
        len(each.regions),
        difference.complete,
        tuple(one for one in words if one.most_rows),
        tuple(one for one in words if not one.most_rows),
    )


def _region(
    each: DifferenceSeen, numbers: Sequence[int], patients: str, vocabulary: Vocabulary
) -> RegionWords:
    regions = [each.regions[number] for number in numbers]
    first = regions[0].region
    return RegionWords(
        capitalized(patients),
        first.first_sections,
        first.second_sections,
        len(regions),
        max(seen.rows for seen in regions),
        json.dumps(stated(first.witnesses[0].facts, vocabulary)),
    )


def percent(some: int, of: int) -> str:
    """Write a share: "5.5%"."""
    part = 100 * share(some, of)
    return "<0.1%" if 0 < part < 0.1 else f"{part:.1f}%"


def number_of(count: int, noun: str) -> str:
    """Give a number, with commas, and its noun."""
    return f"{count:,} {counted(count, noun).partition(' ')[2]}"


def summary(impact: Impact) -> str:
    """Say how many rows change."""
    changed, decided = impact.outcome_changed, impact.decided
    return (
        f"{changed:,} of {number_of(decided, 'row')} ({percent(changed, decided)}) "
        f"{'changes' if changed == 1 else 'change'} outcome; "
        f"{impact.parts_changed:,} more {'keeps' if impact.parts_changed == 1 else 'keep'} the "
        "outcome with another part of the answer"
    )


def clinician(impact: Impact) -> tuple[str, ...]:
    """Say what the change means for clinicians."""
    adverse_rows = number_of(impact.adverse, "row")
    needed = (
        f"Review by a clinician is newly needed for {number_of(impact.newly_for_clinician, 'row')}, "
        f"no longer for {number_of(impact.no_longer_for_clinician, 'row')}."
    )
    lines = [needed]
    if impact.adverse:
        verb = "changes" if impact.adverse == 1 else "change"
        lines.append(
            f"{adverse_rows} {verb} to the patient's disadvantage (denied, or referred instead of "
            "approved): a recommendation only; a clinician must review each before it takes effect."
        )
    return tuple(lines)


def parts_in_words(parts: Sequence[str]) -> str:
    """Name parts of an answer."""
    return ", ".join(_PARTS[part] for part in parts)


def sections_in_words(group: Responsible) -> tuple[str, str]:
    """Name the sections responsible before and after."""
    return ", ".join(group.before_sections) or "none", ", ".join(group.after_sections) or "none"


def unsettled(proof: Proof) -> str:
    """Say how many rows may part once they are settled; nothing if none may."""
    if not proof.unsettled:
        return ""
    return (
        f"{number_of(proof.unsettled, 'row')} left open before and after may be decided otherwise "
        "once more is known."
    )


def show_impact(console: Console, impact: Impact, *, everything: bool) -> None:
    """Print what a change does to a table."""
    change = impact.change
    print_line(
        console, 0, (impact.policy, "bold"), f"  {change.before.name} to {change.after.name}"
    )
    print_line(console, 2, f"{summary(impact)}.")
    for line in clinician(impact):
        print_line(console, 2, line)
    if impact.rejected:
        print_line(console, 2, f"{number_of(impact.rejected, 'row')} could not be decided:")
        for reason, count in impact.reasons.items():
            print_line(console, 4, f"{count:,}  {reason}")
    print_heading(console, "Outcomes before (down) and after (across)")
    _print(console, _matrix(impact))
    by_outcome = [group for group in impact.groups if not group.parts]
    by_part = [group for group in impact.groups if group.parts]
    most = None if everything else MOST_ROWS
    for title, groups in (
        ("Changes of outcome, by the sections that decide", by_outcome),
        ("Changes of another part, where the outcome stays", by_part),
    ):
        if groups:
            print_heading(console, title)
            _print(console, _groups(groups[:most]))
            _hidden(console, len(groups) - len(groups[:most]))
    for name, shares in impact.breakdowns.items():
        print_heading(console, f"By {name}")
        table = new_table(name, "Rows", "Outcome", "Share", "Other part", "Adverse")
        for each in shares:
            table.add_row(
                Text(each.value),
                f"{each.rows:,}",
                f"{each.outcome_changed:,}",
                percent(each.outcome_changed, each.rows),
                f"{each.parts_changed:,}",
                f"{each.adverse:,}",
            )
        _print(console, table)
    if impact.proof is not None:
        _show_proof(console, impact, impact.proof, everything=everything)


def _print(console: Console, table: Table) -> None:
    grid = Table.grid(padding=(0, 0, 0, 4))
    grid.add_row("", table)
    console.print(grid)


def _hidden(console: Console, hidden: int) -> None:
    if hidden > 0:
        print_line(console, 4, (f"{hidden} more; --all shows them.", "dim"))


def _matrix(impact: Impact) -> Table:
    after = [each for each in Outcome if any(other == each for _, other in impact.matrix)]
    table = new_table("", *after)
    for before in Outcome:
        if any(one == before for one, _ in impact.matrix):
            counts = [impact.matrix.get((before, other), 0) for other in after]
            table.add_row(
                Text(before, STYLES[before]),
                *(
                    Text(f"{count:,}", "dim" if before == other or not count else STYLES[other])
                    for other, count in zip(after, counts, strict=True)
                ),
            )
    return table


def _groups(groups: Sequence[Responsible]) -> Table:
    with_parts = any(group.parts for group in groups)
    table = new_table(
        "Rows", "Before", "After", "Sections before", "Sections after", *(["Part"] * with_parts), ""
    )
    for group in groups:
        must_review = "a clinician must review" if adverse(group.before, group.after) else ""
        table.add_row(
            f"{group.rows:,}",
            Text(group.before, STYLES[Outcome(group.before)]),
            Text(group.after, STYLES[Outcome(group.after)]),
            *map(Text, sections_in_words(group)),
            *([parts_in_words(group.parts)] * with_parts),
            Text(must_review, "dim"),
        )
    return table


def _show_proof(console: Console, impact: Impact, proof: Proof, *, everything: bool) -> None:
    print_heading(console, "What can change at all, proved over every possible case")
    print_line(console, 4, proof.statement)
    if proof.regions:
        print_line(
            console,
            4,
            f"{number_of(proof.regions, 'region')}; no row of yours lies for certain in "
            f"{proof.unseen:,} of them.",
        )
    if proof.unsettled:
        print_line(console, 4, unsettled(proof))
    if not proof.comparison.complete:
        print_line(console, 4, ("Not complete: a limit was met, and there may be more.", "bold"))
    for each in differences_in_words(impact, proof):
        print_heading(console, f"{each.heading} ({counted(each.regions, 'region')})")
        rows = number_of(each.rows, "row")
        print_line(console, 4, f"{capitalized(rows)} of yours in them for certain.")
        for title, regions in (
            ("Seen in your cases", each.seen),
            ("Not seen in your cases, but possible", each.unseen),
        ):
            _show_regions(console, title, regions, everything=everything)
        if each.is_adverse:
            print_line(console, 4, "A clinician must review each such answer.")


def _show_regions(
    console: Console, title: str, regions: Sequence[RegionWords], *, everything: bool
) -> None:
    if not regions:
        return
    print_line(console, 4, (title, "bold"))
    shown = regions if everything else regions[: MOST_ROWS // 2]
    for number, one in enumerate(shown, start=1):
        several = f" {counted(one.regions, 'region')}." if one.regions > 1 else ""
        rows = f" {number_of(one.most_rows, 'row')}." if one.most_rows and one.regions == 1 else ""
        line = Text.assemble(f"{one.patients}.", (f"{several}{rows}", "dim"))
        print_wrapped(console, f"{number:>6}. ", " " * 8, line)
        one_side = ", ".join(one.before_sections) or "none"
        other_side = ", ".join(one.after_sections) or "none"
        print_line(console, 8, (f"before: {one_side}; after: {other_side}", "dim"))
        print_line(console, 8, (f"for example {one.example}", "dim"))
    _hidden(console, len(regions) - len(shown))
