"""Comparisons as people and programs see them: where two policies part, in the fewest words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.analysis.difference import Comparison, Difference, Region, Verdict
from engine.analysis.finding import Witness
from facts.vocabulary import Vocabulary
from queries.findings import chosen, sentence
from queries.grouping import Value, group_alike
from queries.patients import patients, patients_with, size
from queries.phrases import capitalized, counted
from queries.witnesses import stated, witness_json

_DONE = {"approve": "approves", "refer": "refers", "deny": "denies"}
_PARTS = {
    "months": "How long it is approved for",
    "quantity": "The quantity",
    "basis": "The basis",
    "refer_to": "Where it is referred to",
}
_STAND = {
    Verdict.EQUIVALENT: "is equivalent to",
    Verdict.SAME_OUTCOMES: "gives the same outcomes, with other parts of the answer, as",
    Verdict.STRICTER: "is stricter than",
    Verdict.LOOSER: "is looser than",
    Verdict.INCOMPARABLE: "is stricter in some cases and looser in others than",
}
_AMONG = {
    "months": "among those approved by both",
    "quantity": "among those approved by both",
    "refer_to": "among those referred by both",
    "basis": "among those denied by both",
}
"""Among whom the two can differ in a part of the answer."""
_OPPOSITE = {Verdict.STRICTER: Verdict.LOOSER, Verdict.LOOSER: Verdict.STRICTER}


def comparison_json(comparison: Comparison, vocabulary: Vocabulary) -> dict[str, object]:
    """Return the JSON form of a comparison."""
    return {
        "first": _document_json(comparison.first),
        "second": _document_json(comparison.second),
        "readings": [dict(readings) for readings in comparison.readings],
        "verdict": comparison.verdict.value,
        "phases": [
            {"facts": stated(phase.facts, vocabulary), "verdict": phase.verdict.value}
            for phase in comparison.phases
        ],
        "differences": [
            {
                "part": difference.part,
                "first": difference.first,
                "second": difference.second,
                "regions": [
                    {
                        "facts": stated(region.facts, vocabulary),
                        "first_sections": list(region.first_sections),
                        "second_sections": list(region.second_sections),
                        "witnesses": [
                            witness_json(witness, vocabulary) for witness in region.witnesses
                        ],
                    }
                    for region in shortest_first(difference.regions, vocabulary)
                ],
                "complete": difference.complete,
            }
            for difference in comparison.differences
        ],
        "sections": [
            {
                "section": changed.section,
                "change": changed.change.value,
                "text": changed.text,
                "parts": list(changed.parts),
            }
            for changed in comparison.sections
        ],
        "proof": comparison.proof,
        "complete": comparison.complete,
    }


def _document_json(document: tuple[str, str]) -> dict[str, str]:
    policy, version = document
    return {"policy": policy, "version": version}


def shortest_first(regions: Iterable[Region], vocabulary: Vocabulary) -> list[Region]:
    """Order regions by how many facts they name, then by their words."""
    return sorted(
        regions, key=lambda region: (size(region.facts), patients_with(region.facts, vocabulary))
    )


@dataclass(frozen=True, slots=True)
class Parted:
    """Regions that differ in one drug alone, in words, with the sections of the one and the other.

    `witnesses` are those of the first of them; `regions` says how many they are.
    """

    patients: str
    first_sections: tuple[str, ...]
    second_sections: tuple[str, ...]
    witnesses: tuple[Witness, Witness]
    regions: int


@dataclass(frozen=True, slots=True)
class DifferenceView:
    """One way in which the two part, with all regions of patients to whom they do.

    `among` says among whom the regions lie, if they are not regions of all patients.
    """

    heading: str
    among: str
    first: str
    second: str
    rows: tuple[Parted, ...]
    regions: str
    complete: bool


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """A comparison in words; `first` and `second` are what the two are called."""

    comparison: Comparison
    first: str
    second: str
    verdict: str
    readings: str
    phases: tuple[tuple[str, str], ...]
    differences: tuple[DifferenceView, ...]
    proof: str


def comparison_view(comparison: Comparison, vocabulary: Vocabulary) -> ComparisonView:
    """Put a comparison into words."""
    first, second = names(comparison)
    return ComparisonView(
        comparison,
        first,
        second,
        _standing(comparison, first, second),
        "; ".join(
            f"{name} reads {chosen(own)}"
            for name, own in zip((first, second), comparison.readings, strict=True)
            if own
        ),
        tuple(
            (capitalized(patients_with(phase.facts, vocabulary)), phase.verdict.value)
            for phase in comparison.phases
        ),
        tuple(
            _difference_view(difference, first, second, vocabulary)
            for difference in comparison.differences
        ),
        sentence(comparison.proof),
    )


def _standing(comparison: Comparison, first: str, second: str) -> str:
    """Say how the first stands to the second."""
    if comparison.first == comparison.second:
        return f"Both dates fall into one version, {first}: there is nothing to compare."
    if comparison.verdict is Verdict.NO_COMMON_PATIENT:
        return f"No patient is served by both {first} and {second}."
    if comparison.verdict is Verdict.UNDECIDED:
        return (
            f"How {first} stands to {second} is not known: a limit was met before it was certain."
        )
    return f"{first} {_STAND[comparison.verdict]} {second}."


def names(comparison: Comparison) -> tuple[str, str]:
    """Return what the two are called: policies by number, versions of one by their first day."""
    (one, start), (other, later) = comparison.first, comparison.second
    if one != other:
        return one, other
    return f"{one} of {start}", f"{other} of {later}"


def _difference_view(
    difference: Difference, first: str, second: str, vocabulary: Vocabulary
) -> DifferenceView:
    regions = shortest_first(difference.regions, vocabulary)
    alike = group_alike(
        [region.facts for region in regions],
        [(region.first_sections, region.second_sections) for region in regions],
        vocabulary,
        any_drugs=True,
    )
    rows = tuple(
        Parted(
            _patients(group.values, difference, vocabulary),
            regions[group.numbers[0]].first_sections,
            regions[group.numbers[0]].second_sections,
            regions[group.numbers[0]].witnesses,
            len(group.numbers),
        )
        for group in alike
    )
    return DifferenceView(
        heading(difference, first, second),
        _AMONG.get(difference.part, ""),
        _said(difference.part, difference.first),
        _said(difference.part, difference.second),
        rows,
        counted(len(regions), "region"),
        difference.complete,
    )


def _patients(values: Mapping[str, Value], difference: Difference, vocabulary: Vocabulary) -> str:
    """Name the patients of a row; who is in a region of a part has the outcome from both."""
    if values or difference.part == "outcome":
        return patients(values, vocabulary)
    return "all of them"


def heading(difference: Difference, first: str, second: str) -> str:
    """Say how the two part: "5.21.071 approves, CP.PHAR.302 denies"."""
    one, other = (_said(difference.part, said) for said in (difference.first, difference.second))
    if difference.part == "outcome":
        return f"{first} {one}, {second} {other}"
    about = _PARTS.get(difference.part, capitalized(difference.part))
    return f"{about}, {_AMONG[difference.part]}: {one} by {first}, {other} by {second}"


def _said(part: str, value: str) -> str:
    if part == "outcome":
        return _DONE.get(value, value)
    words = value.replace("_", " ")
    if value == "none":
        return "not stated"
    if part == "months" and value.isdigit():
        return counted(int(value), "month")
    if part == "quantity" and len(limit := words.split()) == 3 and limit[0].isdigit():
        return f"{counted(int(limit[0]), limit[1])} in {limit[2]} days"
    return words


def matrix(comparisons: Sequence[Comparison]) -> tuple[tuple[str, ...], dict[tuple[str, str], str]]:
    """Return the policies compared, and how each stands to each other one."""
    policies: dict[str, None] = {}
    verdicts: dict[tuple[str, str], str] = {}
    for comparison in comparisons:
        one, other = comparison.first[0], comparison.second[0]
        policies.update(dict.fromkeys((one, other)))
        verdicts[one, other] = comparison.verdict.value
        verdicts[other, one] = _OPPOSITE.get(comparison.verdict, comparison.verdict).value
    return tuple(policies), verdicts
