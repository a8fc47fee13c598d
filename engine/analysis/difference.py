"""Differences: where two policies, or two versions of one, part, over every possible patient."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from engine.analysis.finding import Witness
from facts.values import Known


class Verdict(StrEnum):
    """How the first policy stands to the second.

    Stricter: where they part, it gives what is worse for the patient: a denial for a referral or an
    approval, a referral for an approval, a shorter approval. With the same outcomes, they differ in
    parts of the answer that are neither better nor worse, such as the policy referred to. It is
    undecided if a limit was met before it was certain.
    """

    EQUIVALENT = "equivalent"
    SAME_OUTCOMES = "same-outcomes"
    STRICTER = "stricter"
    LOOSER = "looser"
    INCOMPARABLE = "incomparable"
    UNDECIDED = "undecided"
    NO_COMMON_PATIENT = "no-common-patient"


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Patients who part the two: all those with these facts, in as few facts as it takes.

    `first_sections` and `second_sections` carry what each of the two says of them.
    """

    facts: Mapping[str, Known]
    first_sections: tuple[str, ...]
    second_sections: tuple[str, ...]
    witnesses: tuple[Witness, Witness]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """All patients to whom the one gives this and the other that.

    `part` is "outcome", or a part of the answer (months, quantity, basis, refer_to) in which they
    differ though the outcome is the same. The regions cover those patients, and no others; those
    of a part are regions among the patients to whom both give that outcome. If `complete` is
    false, a limit was met, and there are more.
    """

    part: str
    first: str
    second: str
    regions: tuple[Region, ...]
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """Requests of one kind from one line of business, and how the two stand to each other there."""

    facts: Mapping[str, Known]
    verdict: Verdict


class Change(StrEnum):
    """What became of a section from one version to the next."""

    ADDED = "added"
    REMOVED = "removed"
    ALTERED = "altered"


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionChange:
    """A section that itself changed; one whose parts changed is not altered by that alone.

    `text` is what it says, and `parts` are those it gained ("+ I.A.5.d") or lost ("- I.A.5.c").
    """

    section: str
    change: Change
    text: str
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two policies, or two versions of one, compared over every possible patient.

    `first` and `second` name a policy and the first day of its version. `proof` says over what
    bounds nothing else differs, or what limit was met. `sections` are those that changed, for two
    versions of one policy.
    """

    first: tuple[str, str]
    second: tuple[str, str]
    readings: tuple[Mapping[str, str], Mapping[str, str]] = field(default=({}, {}))
    verdict: Verdict
    differences: tuple[Difference, ...]
    phases: tuple[Phase, ...]
    proof: str
    complete: bool = True
    sections: tuple[SectionChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One minimal way to an outcome: whoever has these facts gets it, whatever the others are."""

    policy: str
    version: str
    outcome: str
    pathway: str | None
    facts: Mapping[str, Known]
    sections: tuple[str, ...]
