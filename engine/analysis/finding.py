"""Findings: what is proved of a policy over every possible patient, cited and replayable."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from engine.determination import Outcome
from facts.values import Known


class Severity(StrEnum):
    """How much a finding matters: an error breaks a promise of every policy."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class FindingKind(StrEnum):
    """What a finding is about."""

    NO_OUTCOME = "no-outcome"
    SEVERAL_OUTCOMES = "several-outcomes"
    NEVER_MET = "never-met"
    ALWAYS_MET = "always-met"
    NEVER_DECISIVE = "never-decisive"
    CONTAINED = "contained"
    CONTRADICTING_SECTIONS = "contradicting-sections"
    SAME_CRITERION = "same-criterion"
    SAME_EFFECT = "same-effect"
    REFERRAL_CIRCLE = "referral-circle"
    REFERRAL_OUTSIDE = "referral-outside"
    EVIDENCE_HURTS = "evidence-hurts"
    OVERLAPPING_PATHWAYS = "overlapping-pathways"
    NOT_RENEWABLE = "not-renewable"
    RENEWABLE_ONLY = "renewable-only"
    VERSION_GAP = "version-gap"
    THRESHOLD_WITHOUT_EFFECT = "threshold-without-effect"
    UNREACHABLE_DOSE = "unreachable-dose"
    READING_WITHOUT_EFFECT = "reading-without-effect"
    READING_DECIDES = "reading-decides"
    NOT_CITED = "not-cited"
    BEYOND_LABEL = "beyond-label"
    UNSUPPORTED = "unsupported"
    PREFERRED_NOT_APPROVED = "preferred-not-approved"
    STRICTER_THAN_GUIDELINE = "stricter-than-guideline"
    LOOSER_THAN_GUIDELINE = "looser-than-guideline"
    SOURCES_CONTRADICT = "sources-contradict"
    STALE_ACCEPTANCE = "stale-acceptance"
    NOT_FINISHED = "not-finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A case that shows a finding: the fewest facts, whatever the others are.

    `outcome` is what the policy of the finding, in its version, gives under these readings; the
    readings left out have their default. `shows` says what the case stands for, if there are two.
    `parts` are parts of the answer that are shown too, with their values: "none" if not stated.
    """

    facts: Mapping[str, Known]
    outcome: Outcome
    readings: Mapping[str, str] = field(default_factory=dict)
    shows: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)
    policy: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something proved of one version of a policy, or of the policy as a whole.

    `subject` is what the finding is about: sections, a reading, a fact, a threshold. With the
    policy and the kind it makes the id, which stays the same from version to version. `readings`
    are the readings under which it holds, if not the default ones.
    """

    policy: str
    version: str
    kind: FindingKind
    severity: Severity
    subject: str
    sections: tuple[str, ...]
    text: str
    witnesses: tuple[Witness, ...] = ()
    repair: str | None = None
    readings: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Return the stable id."""
        return f"{self.policy}:{self.kind}:{self.subject}"


def is_finished(findings: Iterable[Finding]) -> bool:
    """Whether no part of a check was given up at a limit."""
    return all(finding.kind is not FindingKind.NOT_FINISHED for finding in findings)
