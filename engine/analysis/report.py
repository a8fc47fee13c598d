"""What the checks of one version write their findings to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.analysis.finding import Finding, FindingKind, Severity, Witness
from engine.analysis.subject import Population, Subject
from engine.policy import section_order

SEVERITIES = {
    FindingKind.NO_OUTCOME: Severity.ERROR,
    FindingKind.SEVERAL_OUTCOMES: Severity.ERROR,
    FindingKind.REFERRAL_CIRCLE: Severity.ERROR,
    FindingKind.NOT_CITED: Severity.ERROR,
    FindingKind.NOT_FINISHED: Severity.ERROR,
    FindingKind.ALWAYS_MET: Severity.NOTE,
    FindingKind.SAME_CRITERION: Severity.NOTE,
    FindingKind.SAME_EFFECT: Severity.NOTE,
    FindingKind.REFERRAL_OUTSIDE: Severity.NOTE,
    FindingKind.READING_DECIDES: Severity.NOTE,
    FindingKind.RENEWABLE_ONLY: Severity.NOTE,
    FindingKind.EVIDENCE_HURTS: Severity.NOTE,
}
"""What is no error and no note is a warning."""
REPAIRS = {
    FindingKind.NO_OUTCOME: "State what these patients get: an approval, a referral or a denial",
    FindingKind.SEVERAL_OUTCOMES: "Let one of the two hold only where the other does not",
    FindingKind.ALWAYS_MET: "Correct the rule, or take the section out if the document allows",
    FindingKind.NEVER_DECISIVE: "Take the part out, or correct the rules that were to hang on it",
    FindingKind.REFERRAL_CIRCLE: "Let one of these policies decide the request itself",
    FindingKind.REFERRAL_OUTSIDE: "Add the policy to the knowledge base, or correct its number",
    FindingKind.EVIDENCE_HURTS: "It is the policy to look at, never evidence to leave out",
    FindingKind.NOT_RENEWABLE: "Let a continuation approve what was approved at first, if the document does",
    FindingKind.RENEWABLE_ONLY: "Ask the same of the treatment in both phases, if the document does",
    FindingKind.THRESHOLD_WITHOUT_EFFECT: "Correct the figure, or take the comparison out",
    FindingKind.UNREACHABLE_DOSE: "Compare with a dose that the capsules add up to",
}
"""What would repair a finding that says no more of it."""


@dataclass(frozen=True, slots=True)
class Report:
    """One version of a policy under analysis."""

    population: Population
    subject: Subject

    def finding(
        self,
        kind: FindingKind,
        about: str,
        sections: Iterable[str],
        text: str,
        witnesses: Sequence[Witness] = (),
        repair: str | None = None,
        severity: Severity | None = None,
    ) -> Finding:
        """Make a finding about the version."""
        stated = self.subject.stated
        return Finding(
            policy=stated.policy.number,
            version=stated.version.start,
            kind=kind,
            severity=severity or SEVERITIES.get(kind, Severity.WARNING),
            subject=about,
            sections=tuple(sorted(dict.fromkeys(sections), key=section_order)),
            text=text,
            witnesses=tuple(witnesses),
            repair=repair or REPAIRS.get(kind),
            readings=stated.policy.chosen_otherwise(stated.readings or {}),
        )


def listed(names: Iterable[str]) -> str:
    """Join names as a sentence does: a, b and c."""
    *rest, last = names
    return f"{', '.join(rest)} and {last}" if rest else last
