"""What is said of a change: who is decided otherwise, by what, and what is proved of all others."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TypeAlias

from engine.analysis.difference import Comparison, Difference, Region
from engine.determination import Outcome
from facts.vocabulary import Vocabulary
from queries.differences import comparison_json
from queries.findings import sentence
from queries.impact.changes import PolicyChange
from queries.witnesses import stated

PARTS = ("months", "authorization", "basis", "refer_to")
"""The parts of an answer that may change though the outcome stays."""
Label: TypeAlias = str | int | float | Decimal | None
"""A value of a column; None where nothing is stated."""


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a row on one side."""

    outcome: str
    months: int | None
    authorization: str | None
    basis: tuple[str, ...]
    refer_to: tuple[str, ...]
    pathway: tuple[str, ...]
    deciding_sections: tuple[str, ...]
    needs_clinician: bool


@dataclass(frozen=True)
class Pair:
    """What is said of a row before and after."""

    before: Said
    after: Said

    @property
    def outcome_changes(self) -> bool:
        """Whether the outcome is another one."""
        return self.before.outcome != self.after.outcome

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The parts of the answer that change, where the outcome stays."""
        if self.outcome_changes:
            return ()
        return tuple(
            part for part in PARTS if getattr(self.before, part) != getattr(self.after, part)
        )

    @property
    def changes(self) -> bool:
        """Whether the outcome or a part of the answer changes."""
        return self.outcome_changes or bool(self.parts)

    @property
    def is_adverse(self) -> bool:
        """Whether it changes to what a clinician must review: a denial, or a referral of who was approved."""
        return self.changes and adverse(self.before.outcome, self.after.outcome)

    @cached_property
    def sections(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The sections responsible on either side: those that decide on one side alone.

        If the same sections decide, the pathways that differ, or else the bases, or else all.
        """
        for part in ("deciding_sections", "pathway", "basis"):
            one, other = getattr(self.before, part), getattr(self.after, part)
            if {*one} != {*other}:
                return (
                    tuple(each for each in one if each not in other),
                    tuple(each for each in other if each not in one),
                )
        return self.before.deciding_sections, self.after.deciding_sections


def adverse(before: str, after: str) -> bool:
    """Whether an outcome after a change is one that a clinician must review for the patient's sake."""
    return after == Outcome.DENY or (before, after) == (Outcome.APPROVE, Outcome.REFER)


@dataclass(frozen=True, slots=True)
class Responsible:
    """Rows that change alike: outcomes, parts, and the sections responsible before and after."""

    before: str
    after: str
    parts: tuple[str, ...]
    before_sections: tuple[str, ...]
    after_sections: tuple[str, ...]
    rows: int

    def to_json(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "before": self.before,
            "after": self.after,
            "parts": list(self.parts),
            "before_sections": list(self.before_sections),
            "after_sections": list(self.after_sections),
            "rows": self.rows,
            "clinician_must_review": adverse(self.before, self.after),
        }


@dataclass(frozen=True, slots=True)
class Share:
    """Rows with one value of a column: all, those that change outcome or parts, the adverse ones."""

    value: str
    rows: int
    outcome_changed: int
    parts_changed: int
    adverse: int

    def to_json(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "value": self.value,
            "rows": self.rows,
            "outcome_changed": self.outcome_changed,
            "share": share(self.outcome_changed, self.rows),
            "parts_changed": self.parts_changed,
            "adverse": self.adverse,
        }


@dataclass(frozen=True, slots=True)
class RegionSeen:
    """A region where answers part, and the rows of the table that lie in it for certain.

    `perhaps` counts those that change and may lie in it, as far as what is known of them goes.
    """

    region: Region
    rows: int
    perhaps: int


@dataclass(frozen=True, slots=True)
class DifferenceSeen:
    """One way in which answers part, its regions, and the rows that lie in one of them for certain."""

    difference: Difference
    regions: tuple[RegionSeen, ...]
    rows: int

    @property
    def unseen(self) -> tuple[RegionSeen, ...]:
        """The regions that no row lies in for certain."""
        return tuple(region for region in self.regions if not region.rows)


@dataclass(frozen=True, slots=True)
class Proof:
    """Where answers can change at all, over every possible patient.

    `unsettled` counts rows left open on both sides that may be told apart once more is known;
    `unexplained` rows that change outcome or a part outside of every region, which would be an error of this
    program, as would be `unsound` witnesses.
    """

    comparison: Comparison
    differences: tuple[DifferenceSeen, ...]
    unsettled: int
    unexplained: int
    unsound: int

    @property
    def regions(self) -> int:
        """The number of regions."""
        return sum(len(each.regions) for each in self.differences)

    @property
    def unseen(self) -> int:
        """The number of regions that no row lies in for certain."""
        return sum(len(each.unseen) for each in self.differences)

    @property
    def statement(self) -> str:
        """Say what is proved."""
        proof = sentence(self.comparison.proof)
        if self.comparison.complete and not self.regions:
            return f"{proof} There is no such region: no case at all is decided otherwise."
        return proof

    def to_json(self, vocabulary: Vocabulary) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "statement": self.statement,
            "complete": self.comparison.complete,
            "differences": [
                {
                    "part": each.difference.part,
                    "before": each.difference.first,
                    "after": each.difference.second,
                    "complete": each.difference.complete,
                    "rows": each.rows,
                    "regions": [_region_json(seen, vocabulary) for seen in each.regions],
                }
                for each in self.differences
            ],
            "regions": self.regions,
            "regions_not_seen": self.unseen,
            "rows_unsettled": self.unsettled,
            "rows_unexplained": self.unexplained,
            "sections": comparison_json(self.comparison, vocabulary)["sections"],
        }


def _region_json(seen: RegionSeen, vocabulary: Vocabulary) -> dict[str, object]:
    return {
        "facts": stated(seen.region.facts, vocabulary),
        "before_sections": list(seen.region.first_sections),
        "after_sections": list(seen.region.second_sections),
        "seen": seen.rows > 0,
        "rows": seen.rows,
        "rows_perhaps": seen.perhaps,
        "witness": stated(seen.region.witnesses[0].facts, vocabulary),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What a change of a policy does to the rows of a table. Without `proof`, none was asked for."""

    policy: str
    change: PolicyChange
    rows: int
    rejected: int
    reasons: Mapping[str, int]
    matrix: Mapping[tuple[str, str], int]
    groups: tuple[Responsible, ...]
    sections: Mapping[str, int]
    breakdowns: Mapping[str, tuple[Share, ...]]
    parts: Mapping[str, int]
    parts_changed: int
    adverse: int
    newly_for_clinician: int
    no_longer_for_clinician: int
    proof: Proof | None

    @property
    def decided(self) -> int:
        """Rows that were decided."""
        return self.rows - self.rejected

    @property
    def outcome_changed(self) -> int:
        """Rows with another outcome."""
        return sum(count for (one, other), count in self.matrix.items() if one != other)

    def to_json(self) -> dict[str, object]:
        """Return the JSON form."""
        vocabulary = self.change.before.kb.vocabulary
        return {
            "policy": self.policy,
            "change": self.change.kind,
            "before": self.change.before.to_json(),
            "after": self.change.after.to_json(),
            "rows": self.rows,
            "rejected": self.rejected,
            "reasons": dict(self.reasons),
            "decided": self.decided,
            "outcome_changed": self.outcome_changed,
            "share": share(self.outcome_changed, self.decided),
            "parts_changed": self.parts_changed,
            "parts": dict(self.parts),
            "adverse": self.adverse,
            "newly_for_clinician": self.newly_for_clinician,
            "no_longer_for_clinician": self.no_longer_for_clinician,
            "outcomes": [
                {"before": before, "after": after, "rows": count}
                for (before, after), count in self.matrix.items()
            ],
            "changes": [group.to_json() for group in self.groups],
            "sections": dict(self.sections),
            "by": {
                name: [each.to_json() for each in shares]
                for name, shares in self.breakdowns.items()
            },
            "proof": None if self.proof is None else self.proof.to_json(vocabulary),
        }


def share(some: int, of: int) -> float:
    """Return a share, 0 of nothing."""
    return round(some / of, 6) if of else 0.0
