"""Findings of a policy as people and programs see them: accepted or not, with their witnesses."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.analysis.finding import Finding, FindingKind, Severity, is_finished
from engine.determination import Outcome
from engine.policy import Policy, Version
from facts.vocabulary import Vocabulary
from queries.accepted import Acceptance
from queries.patients import patients_with
from queries.phrases import both, counted
from queries.witnesses import witness_json
from queries.wording import DONE

KINDS: Mapping[FindingKind, str] = {
    FindingKind.NO_OUTCOME: "Some patients get no outcome",
    FindingKind.SEVERAL_OUTCOMES: "Some patients get several outcomes",
    FindingKind.NEVER_MET: "A criterion that no patient can meet",
    FindingKind.ALWAYS_MET: "A criterion that is always met where it is asked for",
    FindingKind.NEVER_DECISIVE: "A criterion on which no answer hangs",
    FindingKind.CONTAINED: "A criterion that another makes needless",
    FindingKind.CONTRADICTING_SECTIONS: "Sections that contradict each other",
    FindingKind.SAME_CRITERION: "Criteria that ask the same",
    FindingKind.SAME_EFFECT: "Sections that have the same effect",
    FindingKind.REFERRAL_CIRCLE: "Referrals that go in a circle",
    FindingKind.REFERRAL_OUTSIDE: "A referral to a policy that is not in the knowledge base",
    FindingKind.EVIDENCE_HURTS: "Evidence that makes the answer worse",
    FindingKind.OVERLAPPING_PATHWAYS: "Pathways that grant one patient different things",
    FindingKind.NOT_RENEWABLE: "Approved treatment that cannot be continued",
    FindingKind.RENEWABLE_ONLY: "Treatment that can be continued and not begun",
    FindingKind.VERSION_GAP: "Days on which no version is in force",
    FindingKind.THRESHOLD_WITHOUT_EFFECT: "A number at which no answer turns",
    FindingKind.UNREACHABLE_DOSE: "A dose that no strength of the drug gives",
    FindingKind.READING_WITHOUT_EFFECT: "A reading on which no answer hangs",
    FindingKind.READING_DECIDES: "A reading that decides answers",
    FindingKind.NOT_CITED: "A section without a text, or a policy without a source",
    FindingKind.BEYOND_LABEL: "Approved beyond what the label says",
    FindingKind.UNSUPPORTED: "Approved without support in the references",
    FindingKind.PREFERRED_NOT_APPROVED: "Preferred in the guideline and not approved",
    FindingKind.STRICTER_THAN_GUIDELINE: "Stricter than the guideline",
    FindingKind.LOOSER_THAN_GUIDELINE: "Looser than the guideline",
    FindingKind.SOURCES_CONTRADICT: "References that contradict each other",
    FindingKind.STALE_ACCEPTANCE: "An accepted finding that is not found any more",
    FindingKind.NOT_FINISHED: "A part of the check that was not finished",
}
"""What each kind of finding is about."""

_DONE = {**DONE, Outcome.PEND: "not settled"}
SEVERITIES = tuple(Severity)
"""The severities, the gravest first."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of one version of a policy; `file` is the policy's, if it has one.

    `accepted` are the findings accepted of the policy, by id; `references` are those on its drug,
    by name.
    """

    policy: Policy
    version: Version
    findings: tuple[Finding, ...]
    accepted: Mapping[str, Acceptance]
    file: Path | None = None
    references: tuple[str, ...] = ()

    @property
    def finished(self) -> bool:
        """Whether no part of the check was given up at a limit."""
        return is_finished(self.findings)

    def fails(self, least: str) -> bool:
        """Whether a finding that is not accepted is at least so severe; "never" is never reached."""
        grave = SEVERITIES[: SEVERITIES.index(Severity(least)) + 1] if least != "never" else ()
        return any(
            finding.severity in grave and finding.id not in self.accepted
            for finding in self.findings
        )


def checked_json(checked: Checked, vocabulary: Vocabulary) -> dict[str, object]:
    """Return the JSON form of what was found of one version."""
    return {
        "policy": checked.policy.number,
        "version": checked.version.start,
        "references": list(checked.references),
        "findings": [
            finding_json(finding, checked.accepted.get(finding.id), vocabulary)
            for finding in checked.findings
        ],
    }


def finding_json(
    finding: Finding, acceptance: Acceptance | None, vocabulary: Vocabulary
) -> dict[str, object]:
    """Return the JSON form of a finding."""
    return {
        "id": finding.id,
        "kind": finding.kind.value,
        "severity": finding.severity.value,
        "sections": list(finding.sections),
        "text": finding.text,
        "witnesses": [witness_json(witness, vocabulary) for witness in finding.witnesses],
        "repair": finding.repair,
        "accepted": acceptance and {"reason": acceptance.reason, "date": acceptance.date},
        "readings": dict(finding.readings),
    }


@dataclass(frozen=True, slots=True)
class Example:
    """A witness in words: what becomes of whom."""

    outcome: str
    patients: str
    json: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding as people see it; `number` is its place among those of the version."""

    number: int
    finding: Finding
    about: str
    text: str
    repair: str
    readings: str
    acceptance: Acceptance | None
    examples: tuple[Example, ...]

    @property
    def label(self) -> str:
        """How grave it is, in a word."""
        return "accepted" if self.acceptance else self.finding.severity.value


def shown_findings(checked: Checked, vocabulary: Vocabulary) -> tuple[Shown, ...]:
    """Put findings into words: the gravest first, those accepted last."""
    ordered = sorted(
        checked.findings,
        key=lambda finding: (
            finding.id in checked.accepted,
            SEVERITIES.index(finding.severity),
        ),
    )
    return tuple(
        Shown(
            number,
            finding,
            KINDS[finding.kind],
            sentence(finding.text),
            sentence(finding.repair or ""),
            chosen(finding.readings),
            checked.accepted.get(finding.id),
            tuple(_examples(finding, vocabulary)),
        )
        for number, finding in enumerate(ordered, start=1)
    )


def _examples(finding: Finding, vocabulary: Vocabulary) -> Iterator[Example]:
    for witness in finding.witnesses:
        said = f" ({witness.shows})" if witness.shows else ""
        read = f", with {chosen(witness.readings)}" if witness.readings else ""
        yield Example(
            f"{_DONE[witness.outcome]}{read}{said}",
            patients_with(witness.facts, vocabulary),
            witness_json(witness, vocabulary),
        )


def sentence(text: str) -> str:
    """End a text with a full stop, if it does not end like a sentence."""
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


def chosen(readings: Mapping[str, str]) -> str:
    """Name readings that are chosen: "other_use as diagnosis_only"."""
    pairs = [f"{name} as {choice}" for name, choice in sorted(readings.items())]
    return both(pairs) if pairs else ""


def summary(checked: Checked) -> str:
    """Count the findings: "1 error, 3 warnings; 2 accepted"."""
    counts = Counter(
        finding.severity for finding in checked.findings if finding.id not in checked.accepted
    )
    counted_ones = [
        counted(counts[severity], severity.value) for severity in SEVERITIES if counts[severity]
    ]
    accepted = sum(finding.id in checked.accepted for finding in checked.findings)
    found = ", ".join(counted_ones) or "no finding"
    if accepted:
        found += f"; {accepted} accepted"
    return found if checked.references else f"{found}; held against no label or guideline"


def kinds_found(findings: Sequence[Finding]) -> tuple[FindingKind, ...]:
    """Return the kinds of some findings, each once, in the order of the kinds."""
    found = {finding.kind for finding in findings}
    return tuple(kind for kind in FindingKind if kind in found)
