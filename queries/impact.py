"""What a change of a policy does to a table of cases, and where no case at all can be touched.

Every row is decided before and after the change, block by block; counts alone are kept. The proof
lists the regions of all possible patients outside of which nothing changes.
"""

import json
import math
import os
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self, TypeAlias

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
from pyarrow import compute, parquet

from engine.analysis.analyst import Analyst
from engine.analysis.difference import Comparison, Difference, Region
from engine.determination import Outcome
from engine.policy import Policy, Version
from facts.errors import KnowledgeBaseError, PolicygroundsError, TableError, did_you_mean
from facts.values import Known, Members, narrowed
from facts.vocabulary import Vocabulary
from queries.batch.blocks import BlockDecider, Request, block_decider
from queries.batch.files import OUTPUTS, Block, TableFile, form_of
from queries.batch.layout import FRAME, Heading, Layout, laid_out
from queries.batch.reading import Codes, ColumnReader, Flags, Read, ReadMembers, Texts
from queries.batch.writing import csv_text
from queries.differences import comparison_json
from queries.findings import sentence
from queries.knowledge_base import KnowledgeBase, check_readings_of, choose
from queries.witnesses import replays, stated

PARTS = ("months", "authorization", "basis", "refer_to")
"""The parts of an answer that may change though the outcome stays."""
MOST_GROUPS = 30
"""Values of a column that are told apart; more numbers than these are put into ranges."""
RANGES = 5
MOST_VALUES = 10_000
"""Different numbers of a column that are counted."""
MOST_REASONS = 100
"""Different reasons kept for rows that cannot be decided."""
UNKNOWN = "not stated"
_SAID = (*PARTS, "outcome", "pathway", "deciding_sections", "needs_clinician")
_LISTED = ("outcome", "deciding_sections", "basis", "authorization", "refer_to", "needs_clinician")
Label: TypeAlias = str | int | float | None
"""A value of a column; None where nothing is stated."""


@dataclass(frozen=True, slots=True)
class Side:
    """A policy as it stands before or after a change, and what it is called."""

    kb: KnowledgeBase
    policy: Policy
    version: Version
    readings: Mapping[str, str]
    name: str

    def to_json(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "name": self.name,
            "version": self.version.start,
            "readings": self.policy.chosen_otherwise(self.readings),
        }


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A policy before and after: `kind` is "versions", "draft" or "readings"."""

    kind: str
    before: Side
    after: Side


def change_of_version(kb: KnowledgeBase, number: str, start: str, end: str) -> PolicyChange:
    """Return the change between the versions in force on two ISO dates.

    Raises UnknownPolicyError, UncoveredDateError, and PolicygroundsError if they are one version.
    """
    policy = kb.policy(number)
    one, other = policy.version(start), policy.version(end)
    if one.start == other.start:
        known = ", ".join(version.start for version in policy.versions)
        raise PolicygroundsError(
            f"policy {number}: version {one.start} is in force on {start} and on {end}, so nothing "
            f"changes; give dates under two of the versions {known}"
        )
    default = policy.default_readings
    return PolicyChange(
        "versions",
        *(Side(kb, policy, each, default, f"{number} of {each.start}") for each in (one, other)),
    )


def change_of_readings(
    kb: KnowledgeBase, number: str, readings: Mapping[str, str], day: str
) -> PolicyChange:
    """Return the change from the default readings to others, of the version in force on a day.

    Raises UnknownPolicyError, UncoveredDateError, UnknownReadingError, and PolicygroundsError if
    all readings are the default ones.
    """
    policy = kb.policy(number)
    version = policy.version(day)
    check_readings_of([policy], readings)
    chosen = choose(policy, readings)
    others = policy.chosen_otherwise(chosen)
    if not others:
        raise PolicygroundsError(
            f"policy {number}: the readings given are the default ones, so nothing changes; "
            f"`policygrounds policies {number}` lists the other choices"
        )
    named = ", ".join(f"{name}={choice}" for name, choice in others.items())
    return PolicyChange(
        "readings",
        Side(kb, policy, version, policy.default_readings, f"{number} as read by default"),
        Side(kb, policy, version, chosen, f"{number} with {named}"),
    )


def change_to_draft(
    kb: KnowledgeBase, number: str, file: Path, day: str, folders: Sequence[Path] = ()
) -> PolicyChange:
    """Return the change to a policy file of the same number, both as they stand on a day.

    The draft is read with the vocabulary and the references below `folders`. Raises
    KnowledgeBaseError, UnknownPolicyError, UncoveredDateError, and PolicygroundsError for a file
    that states another policy.
    """
    policy = kb.policy(number)
    version = policy.version(day)
    drafted = _load_draft(file, folders)
    if number not in drafted.policies:
        stated_there = ", ".join(drafted.policies)
        raise PolicygroundsError(
            f"{file}: it states policy {stated_there}, not {number}; a draft keeps the number of "
            "the policy it changes"
        )
    other = drafted.policy(number)
    return PolicyChange(
        "draft",
        Side(kb, policy, version, policy.default_readings, f"{number} of {version.start}"),
        Side(drafted, other, other.version(day), other.default_readings, f"the draft {file.name}"),
    )


def _load_draft(file: Path, folders: Sequence[Path]) -> KnowledgeBase:
    """Load one policy file, with what the folders add to the vocabulary and the references."""
    if file.suffix != ".lp" or not file.is_file():
        raise PolicygroundsError(f"{file}: there is no such policy file; a draft ends in .lp")
    with TemporaryDirectory() as made:
        place = Path(made) / "policies" / file.name
        place.parent.mkdir()
        shutil.copyfile(file, place)
        for number, folder in enumerate(folders):
            for path in folder.rglob("*.lp"):
                inside = path.relative_to(folder)
                if {"vocabulary", "references"} & {*inside.parts}:
                    copy = Path(made) / str(number) / inside
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, copy)
        try:
            return KnowledgeBase.load(made)
        except KnowledgeBaseError as error:
            raise KnowledgeBaseError(
                [
                    replace(each, file=str(file)) if each.file.endswith(file.name) else each
                    for each in error.problems
                ]
            ) from None


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


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a table: columns to break down by, to keep and to ignore; a list; a proof."""

    by: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    list_file: Path | None = None
    proved: bool = True


def impact_on(
    change: PolicyChange,
    source: Path,
    question: Question,
    tell: Callable[[int], None] = lambda _: None,
) -> Impact:
    """Decide every row of a file before and after a change; say who is decided otherwise.

    Rows are decided under the policy of the change, whatever policy or day they name. `tell` is
    called with the number of rows of each block that is done. Raises TableError.
    """
    table = TableFile(source)
    if question.list_file is not None:
        form_of(question.list_file, OUTPUTS)
    layout, by = _columns(table.columns, change.before.kb.vocabulary, question)
    comparison = prove(change) if question.proved else None
    count = _Count(change, layout, table.texts, by, comparison)
    columns = {*layout.frame, *layout.kept, *(heading.column for heading in layout.facts), *by}
    with ExitStack() as stack:
        listed = None
        if question.list_file is not None:
            listed = stack.enter_context(_ListFile(question.list_file))
        for block in table.blocks([name for name in table.columns if name in columns]):
            changed = count.add(block)
            if listed is not None:
                listed.write(changed)
            tell(block.rows.num_rows + len(block.unreadable))
    return count.impact()


def prove(change: PolicyChange) -> Comparison:
    """Find all regions of possible patients in which a change changes the answer."""
    before, after = change.before, change.after
    number = before.policy.number
    if change.kind == "versions":
        return before.kb.diff(number, before.version.start, after.version.start)
    analyst = Analyst(before.kb.vocabulary, {number: before.policy}, {})
    return analyst.compare(
        (before.policy, before.version),
        (after.policy, after.version),
        before.readings,
        after.readings,
    )


def _columns(
    columns: Sequence[str], vocabulary: Vocabulary, question: Question
) -> tuple[Layout, tuple[str, ...]]:
    """Lay out the columns of a table, and name those to break down by.

    A column to break down by that is no fact is kept. The line of business is always among them.
    """
    problems = [
        f"there is no column {name!r} to break down by{did_you_mean(name, columns)}"
        for name in question.by
        if name not in columns
    ]
    problems += [
        f"column {name!r} is to be ignored, so nothing can be broken down by it"
        for name in question.by
        if name in question.ignore
    ]
    if problems:
        raise TableError(problems)
    added = [
        name
        for name in question.by
        if name.partition(".")[0] not in vocabulary.facts and name not in FRAME
    ]
    layout = laid_out(columns, vocabulary, keep=[*question.keep, *added], ignore=question.ignore)
    facts = {heading.column for heading in layout.facts}
    always = [name for name in ("line_of_business",) if name in facts]
    own = replace(layout, frame=layout.frame & {"id"})
    return own, tuple(dict.fromkeys([*always, *question.by]))


_Alike: TypeAlias = tuple[str, str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]
"""Outcomes, parts, and sections responsible of rows that change alike."""


class _Count:
    """Decides blocks on both sides and counts what becomes of their rows."""

    def __init__(
        self,
        change: PolicyChange,
        layout: Layout,
        texts: Texts,
        by: Sequence[str],
        comparison: Comparison | None,
    ) -> None:
        self._change = change
        self._deciders = [_decider(side, layout, texts) for side in (change.before, change.after)]
        self._places: dict[str, int] = {}
        self._pairs: list[Pair] = []
        self._counts: Counter[int] = Counter()
        self._kept = {*layout.kept} - {*FRAME}
        self._is_json = texts is Texts.JSON
        plain = {*self._kept, *FRAME}
        self._by = {name: _Values(name, is_json=self._is_json and name not in plain) for name in by}
        self._regions = _Regions(comparison, layout, texts) if comparison else None
        self._rows = self._rejected = 0
        self._reasons: Counter[str] = Counter()

    def add(self, block: Block) -> Any:
        """Count the rows of a block; return those that change, as a `pyarrow.Table`."""
        block = replace(block, rows=self._plain(block.rows))
        decided = [decider.decide(block.rows, block.numbers) for decider in self._deciders]
        before, after = (answered for answered, _ in decided)
        self._refuse(block, decided[0][1])
        codes = self._coded(before, after)
        rows = before.column("row").to_numpy()
        positions = np.searchsorted(block.numbers, rows)
        self._counts.update(_counted(codes))
        for values in self._by.values():
            values.add(block.rows.column(values.name), positions, codes)
        changes = np.array([pair.changes for pair in self._pairs], np.bool_)[codes]
        if self._regions is not None and len(rows):
            self._regions.add(block, positions, [self._pairs[code] for code in codes])
        places = np.flatnonzero(changes)
        return _listed(before.take(places), after.take(places))

    def _plain(self, rows: Any) -> Any:
        """Write kept columns as the texts they are, where all is written as JSON."""
        if not self._is_json:
            return rows
        columns = [
            pa.array([_shown(each) for each in column.to_pylist()], pa.string())
            if name in self._kept
            else column
            for name, column in zip(rows.schema.names, rows.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, names=rows.schema.names)

    def _refuse(self, block: Block, rejected: Any) -> None:
        self._rows += block.rows.num_rows + len(block.unreadable)
        self._rejected += rejected.num_rows + len(block.unreadable)
        reasons = [*rejected.column("reason").to_pylist(), *(why for _, why in block.unreadable)]
        for reason in reasons:
            if reason in self._reasons or len(self._reasons) < MOST_REASONS:
                self._reasons[reason] += 1

    def _coded(self, before: Any, after: Any) -> Codes:
        """Return for each row the place of what is said of it among all pairs met so far."""
        keys = compute.binary_join_element_wise(_keys(before), _keys(after), "\x1d")
        encoded = _whole(keys).dictionary_encode()
        codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        texts = encoded.dictionary.to_pylist()
        present, firsts = np.unique(codes, return_index=True)
        for code, first in zip(present, firsts, strict=True):
            if texts[code] not in self._places:
                self._places[texts[code]] = len(self._pairs)
                self._pairs.append(Pair(_said(before, int(first)), _said(after, int(first))))
        places = np.array([self._places[text] for text in texts], np.int64)
        coded: Codes = places[codes] if len(codes) else codes
        return coded

    def impact(self) -> Impact:
        """Put the counts together."""
        totals = [(self._pairs[code], count) for code, count in sorted(self._counts.items())]
        matrix: Counter[tuple[str, str]] = Counter()
        groups: Counter[_Alike] = Counter()
        sections: Counter[str] = Counter()
        parts: Counter[str] = Counter()
        for pair, count in totals:
            matrix[pair.before.outcome, pair.after.outcome] += count
            if pair.changes:
                one, other = pair.sections
                groups[pair.before.outcome, pair.after.outcome, pair.parts, one, other] += count
            if pair.outcome_changes:
                sections.update(dict.fromkeys((*pair.sections[0], *pair.sections[1]), count))
            parts.update(dict.fromkeys(pair.parts, count))

        def counted(holds: Callable[[Pair], bool]) -> int:
            return sum(count for pair, count in totals if holds(pair))

        return Impact(
            policy=self._change.before.policy.number,
            change=self._change,
            rows=self._rows,
            rejected=self._rejected,
            reasons=dict(self._reasons.most_common()),
            matrix=dict(sorted(matrix.items(), key=lambda item: list(map(_order, item[0])))),
            groups=tuple(
                Responsible(*key, rows=count)
                for key, count in sorted(
                    groups.items(), key=lambda item: (bool(item[0][2]), -item[1], item[0])
                )
            ),
            sections=dict(sorted(sections.items(), key=lambda item: (-item[1], item[0]))),
            breakdowns={name: values.shares(self._pairs) for name, values in self._by.items()},
            parts={part: parts[part] for part in PARTS if parts[part]},
            parts_changed=counted(lambda pair: bool(pair.parts)),
            adverse=counted(lambda pair: pair.is_adverse),
            newly_for_clinician=counted(
                lambda pair: pair.after.needs_clinician and not pair.before.needs_clinician
            ),
            no_longer_for_clinician=counted(
                lambda pair: pair.before.needs_clinician and not pair.after.needs_clinician
            ),
            proof=self._regions.proof(self._change) if self._regions else None,
        )


def _order(outcome: str) -> int:
    return list(Outcome).index(Outcome(outcome))


def _decider(side: Side, layout: Layout, texts: Texts) -> BlockDecider:
    request = Request((side.policy.number,), side.version.start, layout, texts)
    return block_decider(side.kb, request, side.readings)


def _keys(answered: Any) -> Any:
    """Return for each row all that is said of it, as one text."""
    texts = []
    for name in _SAID:
        column = answered.column(name)
        is_list = pa.types.is_list(column.type)
        text = compute.binary_join(column, "\x1f") if is_list else column.cast(pa.string())
        texts.append(compute.fill_null(text, "\x00"))
    return compute.binary_join_element_wise(*texts, "\x1e")


def _whole(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _said(answered: Any, row: int) -> Said:
    (said,) = answered.select(_SAID).slice(row, 1).to_pylist()
    made: dict[str, Any] = {
        name: tuple(each) if isinstance(each, list) else each for name, each in said.items()
    }
    return Said(**made)


def _counted(codes: Codes) -> dict[int, int]:
    found, counts = np.unique(codes, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def _listed(before: Any, after: Any) -> Any:
    """Return the rows of the list: what names each, and what is said of it before and after."""
    named = before.column_names[: before.column_names.index("policy")]
    columns = {name: before.column(name) for name in named}
    for name in _LISTED:
        columns[f"before_{name}"] = before.column(name)
        columns[f"after_{name}"] = after.column(name)
    outcomes = zip(
        before.column("outcome").to_pylist(), after.column("outcome").to_pylist(), strict=True
    )
    columns["clinician_must_review"] = pa.array([adverse(*each) for each in outcomes], pa.bool_())
    return pa.table(columns)


class _ListFile:
    """A file of rows that grows block by block, and is in its place only when it is whole."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._form = form_of(file, OUTPUTS)
        self._new = file.with_name(f"{file.name}.{os.getpid()}")
        self._opened: Any = None

    def __enter__(self) -> Self:
        return self

    def write(self, rows: Any) -> None:
        """Write the rows of one block."""
        first = self._opened is None
        if self._form == "parquet":
            if first:
                self._opened = parquet.ParquetWriter(self._new, rows.schema)
            self._opened.write_table(rows)
            return
        if first:
            self._opened = self._new.open("wb")
        if self._form == "csv":
            self._opened.write(csv_text(rows, header=first))
        else:
            lines = (json.dumps(row, default=str) + "\n" for row in rows.to_pylist())
            self._opened.write("".join(lines).encode())

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._opened is not None:
            self._opened.close()
            if kind is None:
                self._new.replace(self._file)
            else:
                self._new.unlink(missing_ok=True)


class _Values:
    """The values of a column, with the rows of each by what is said of them."""

    def __init__(self, name: str, *, is_json: bool) -> None:
        self.name = name
        self._is_json = is_json
        self._counts: dict[Label, Counter[int]] = {}

    def add(self, column: Any, positions: Codes, codes: Codes) -> None:
        """Count rows of a block. Raises TableError if there are too many values to tell apart."""
        labels, own = self._labels(column)
        pairs, counts = np.unique(
            np.stack([own[positions], codes]) if len(codes) else np.zeros((2, 0), np.int64),
            axis=1,
            return_counts=True,
        )
        for (place, code), count in zip(pairs.T.tolist(), counts.tolist(), strict=True):
            self._counts.setdefault(labels[place], Counter())[code] += count
        known = [label for label in self._counts if label is not None]
        is_text = any(isinstance(label, str) for label in known)
        most = MOST_GROUPS if is_text else MOST_VALUES
        if len(known) > most:
            kind = "values" if is_text else "numbers"
            problem = (
                f"column {self.name!r} has more than {most:,} {kind}, too many to break down "
                "by; name another column, or put its values into groups in a column of their own"
            )
            raise TableError([problem])

    def _labels(self, column: Any) -> tuple[list[Label], Codes]:
        """Return the values there are, and for each row the place of its own."""
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_string_view(column.type):
            column = column.cast(pa.string())
        if pa.types.is_nested(column.type):
            column = pa.array([_text(each) for each in column.to_pylist()], pa.string())
        encoded = column.dictionary_encode(null_encoding="encode")
        values = encoded.dictionary.to_pylist()
        labels = [_label(value, is_json=self._is_json) for value in values]
        return labels, encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)

    def shares(self, pairs: Sequence[Pair]) -> tuple[Share, ...]:
        """Return the rows of each value, or of each range of numbers."""
        return tuple(
            _share(name, [self._counts[label] for label in labels], pairs)
            for name, labels in self._groups()
        )

    def _groups(self) -> Iterator[tuple[str, Sequence[Label]]]:
        numbers = sorted(label for label in self._counts if isinstance(label, int | float))
        texts = sorted(label for label in self._counts if isinstance(label, str))
        if len(numbers) > MOST_GROUPS:
            yield from self._ranges(numbers)
        else:
            yield from ((f"{number:g}", [number]) for number in numbers)
        yield from ((text, [text]) for text in texts)
        if None in self._counts:
            yield UNKNOWN, [None]

    def _ranges(self, numbers: Sequence[float]) -> Iterator[tuple[str, Sequence[Label]]]:
        """Put numbers into ranges of about as many rows each."""
        rows = [self._counts[number].total() for number in numbers]
        before = [0, *accumulate(rows)]
        ranges: dict[int, list[float]] = {}
        for number, below, own in zip(numbers, before, rows, strict=False):
            middle = (below + own / 2) / before[-1]
            ranges.setdefault(min(RANGES - 1, int(middle * RANGES)), []).append(number)
        for held in ranges.values():
            low, high = held[0], held[-1]
            yield (f"{low:g}" if low == high else f"{low:g} to {high:g}"), held


def _label(value: object, *, is_json: bool) -> Label:
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if is_json and isinstance(value, str):
        value = json.loads(value)
    if value is None or isinstance(value, bool):
        return None if value is None else str(value).lower()
    try:
        number = float(value)  # type: ignore[arg-type]  # what is no number is refused by float
    except (TypeError, ValueError):
        return _text(value)
    return number if math.isfinite(number) else str(value)


def _shown(cell: str | None) -> str | None:
    """Return what a cell of JSON holds as text."""
    return None if cell is None else _text(json.loads(cell))


def _text(value: object) -> str | None:
    if isinstance(value, list):
        return ", ".join(sorted(map(str, value))) or "none"
    return value if value is None or isinstance(value, str) else json.dumps(value, default=str)


def _share(name: str, counts: Collection[Counter[int]], pairs: Sequence[Pair]) -> Share:
    rows: Counter[int] = Counter()
    for each in counts:
        rows.update(each)

    def counted(holds: Callable[[Pair], bool]) -> int:
        return sum(count for code, count in rows.items() if holds(pairs[code]))

    return Share(
        name,
        rows.total(),
        counted(lambda pair: pair.outcome_changes),
        counted(lambda pair: bool(pair.parts)),
        counted(lambda pair: pair.is_adverse),
    )


Asked: TypeAlias = tuple[str, Known] | tuple[str, str, bool]
"""What a region asks: of a fact, what it is known as; of a set, a member in it or not."""


class _Regions:
    """Finds the rows that lie in the regions of a comparison, for certain or perhaps."""

    def __init__(self, comparison: Comparison, layout: Layout, texts: Texts) -> None:
        self._comparison = comparison
        self._readers = [ColumnReader(heading, texts) for heading in layout.facts]
        self._asked = [
            [_asked(region) for region in difference.regions]
            for difference in comparison.differences
        ]
        self._rows = [np.zeros(len(each), np.int64) for each in self._asked]
        self._perhaps = [np.zeros(len(each), np.int64) for each in self._asked]
        self._within_any = [0 for _ in self._asked]
        self._unsettled = self._unexplained = 0
        self._tables: dict[tuple[str, Asked], _Table] = {}

    def add(self, block: Block, positions: Codes, pairs: Sequence[Pair]) -> None:
        """Look where the rows of a block lie; `pairs` are what is said of each."""
        reads = [
            (reader.heading, _read(reader, block.rows.column(reader.heading.column), positions))
            for reader in self._readers
        ]
        size = len(positions)
        kinds = {id(pair): pair for pair in pairs}
        own = [id(pair) for pair in pairs]
        changes = _flags(own, {key: pair.changes for key, pair in kinds.items()})
        is_open = _flags(
            own,
            {
                key: not pair.changes and pair.before.outcome == Outcome.PEND
                for key, pair in kinds.items()
            },
        )
        checked = _flags(
            own,
            {key: pair.changes and pair.parts != ("authorization",) for key, pair in kinds.items()},
        )
        found: dict[Asked, tuple[Flags, Flags]] = {}
        anywhere = np.zeros(size, np.bool_)
        for number, regions in enumerate(self._asked):
            within = np.zeros(size, np.bool_)
            for place, asked in enumerate(regions):
                sure, perhaps = changes.copy(), np.ones(size, np.bool_)
                for each in asked:
                    if each not in found:
                        found[each] = self._met(each, reads, size)
                    sure &= found[each][0]
                    perhaps &= found[each][1]
                self._rows[number][place] += np.count_nonzero(sure)
                self._perhaps[number][place] += np.count_nonzero(perhaps & changes)
                within |= sure
                anywhere |= perhaps
            self._within_any[number] += int(np.count_nonzero(within))
        self._unsettled += int(np.count_nonzero(anywhere & is_open))
        self._unexplained += int(np.count_nonzero(checked & ~anywhere))

    def _met(
        self, asked: Asked, reads: Sequence[tuple[Heading, Read | ReadMembers]], size: int
    ) -> tuple[Flags, Flags]:
        """Return the rows that have what is asked for certain, and those that may have it."""
        sure, perhaps = np.zeros(size, np.bool_), np.ones(size, np.bool_)
        for heading, read in reads:
            if heading.fact.name != asked[0]:
                continue
            if isinstance(read, ReadMembers):
                if len(asked) == 3:
                    held = read.members[asked[1]] == asked[2]
                    sure |= read.known & held
                    perhaps &= held | ~read.known
                continue
            own_sure, own_perhaps = self._table(heading.column, asked, read.known)
            sure |= own_sure[read.codes]
            perhaps &= own_perhaps[read.codes]
        return sure, perhaps

    def _table(
        self, column: str, asked: Asked, known: Sequence[Known | None]
    ) -> tuple[Flags, Flags]:
        """Return for each value of a column whether it is within what is asked, and may be."""
        table = self._tables.get((column, asked))
        if table is None or table.known is not known:
            table = self._tables[column, asked] = _Table(known, [], [])
        for value in known[len(table.sure) :]:
            sure, perhaps = _within(value, asked)
            table.sure.append(sure)
            table.perhaps.append(perhaps)
        return np.array(table.sure, np.bool_), np.array(table.perhaps, np.bool_)

    def proof(self, change: PolicyChange) -> Proof:
        """Put together what was found; every witness is decided again."""
        differences = tuple(
            DifferenceSeen(difference, tuple(map(RegionSeen, difference.regions, *counts)), within)
            for difference, within, *counts in zip(
                self._comparison.differences,
                self._within_any,
                (each.tolist() for each in self._rows),
                (each.tolist() for each in self._perhaps),
                strict=True,
            )
        )
        unsound = sum(
            not _bears_out(change, each.difference, seen.region)
            for each in differences
            for seen in each.regions
        )
        return Proof(self._comparison, differences, self._unsettled, self._unexplained, unsound)


def _read(reader: ColumnReader, column: Any, positions: Codes) -> Read | ReadMembers:
    """Read some rows of a column, by their distinct values or as lists of members."""
    if pa.types.is_string_view(column.type):
        column = column.cast(pa.string())
    if not (pa.types.is_nested(column.type) or pa.types.is_dictionary(column.type)):
        column = column.dictionary_encode()
    read = reader.read(column)
    if not isinstance(read, Read | ReadMembers):
        raise TypeError(column.type)
    return read.rows(positions)


@dataclass(slots=True)
class _Table:
    """What was found of the values of a column so far."""

    known: Sequence[Known | None]
    sure: list[bool]
    perhaps: list[bool]


def _asked(region: Region) -> list[Asked]:
    """Take apart what a region asks, members of sets one by one."""
    asked: list[Asked] = []
    for name, known in region.facts.items():
        if isinstance(known, Members):
            asked += ((name, member, True) for member in sorted(known.includes))
            asked += ((name, member, False) for member in sorted(known.excludes))
        else:
            asked.append((name, known))
    return asked


def _within(value: Known | None, asked: Asked) -> tuple[bool, bool]:
    """Whether a value is within what is asked for certain, and whether it may be."""
    if value is None:
        return False, True
    if len(asked) == 2:
        both = narrowed(value, asked[1])
        return both == value, both is not None
    if not isinstance(value, Members):
        return False, True
    inside, outside = asked[1] in value.includes, asked[1] in value.excludes
    return (inside, not outside) if asked[2] else (outside, not inside)


def _bears_out(change: PolicyChange, difference: Difference, region: Region) -> bool:
    """Whether the witnesses of a region get the answers they are said to have."""
    for side, witness, value in zip(
        (change.before, change.after),
        region.witnesses,
        (difference.first, difference.second),
        strict=True,
    ):
        is_outcome = difference.part == "outcome"
        shown = witness if is_outcome else replace(witness, parts={difference.part: value})
        if not replays(side.kb, shown):
            return False
    return True


def _flags(own: Sequence[int], holds: Mapping[int, bool]) -> Flags:
    return np.fromiter((holds[each] for each in own), np.bool_, len(own))
