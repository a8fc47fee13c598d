"""Tables of cases decided block by block: each row answered under each policy, or rejected with why."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # it has no types

from engine.determination import Answer, Outcome
from engine.explanation import Explanation
from engine.inputs import Inputs
from engine.many import proved_many
from engine.policy import Policy
from facts.case import Case, read_date
from facts.errors import TableError, UncoveredDateError, UnknownPolicyError
from facts.vocabulary import Vocabulary
from queries.batch.deciding import Reads, VersionDecider, facts_of
from queries.batch.layout import NOTHING, Layout
from queries.batch.reading import Codes, ColumnReader, Texts, encoded_once, plain, values_of
from queries.grouping import group_changes
from queries.knowledge_base import KnowledgeBase, check_readings_of, choose, readings_of
from queries.wording import granted_in_words, way

TEXTS = pa.list_(pa.string())
ANSWERED = pa.schema(
    [
        ("policy", pa.string()),
        ("version", pa.string()),
        ("outcome", pa.string()),
        ("reason_codes", TEXTS),
        ("basis", TEXTS),
        ("pathway", TEXTS),
        ("months", pa.int64()),
        ("authorization", pa.string()),
        ("refer_to", TEXTS),
        ("deciding_sections", TEXTS),
        ("needs_clinician", pa.bool_()),
    ]
)
"""What is said of each row under each policy."""
OUTCOME = pa.schema([ANSWERED.field(name) for name in ("policy", "version", "outcome")])
"""What is said where the outcome alone is asked for."""
CHANGED = pa.schema([("change", pa.string()), ("change_effort", pa.string())])
"""What is said as well where the cheapest change is asked for."""
REJECTED = pa.schema([("row", pa.int64()), ("id", pa.string()), ("reason", pa.string())])
"""What is said of the rows that are not decided."""


MOST_CHANGES = 100_000
"""Cheapest changes that are kept for rows to come."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of every row: policies, none for those that rows name; a day.

    The outcome alone, or its `parts` as well, and perhaps the cheapest change.
    """

    policies: tuple[str, ...]
    day: str
    layout: Layout = NOTHING
    texts: Texts = Texts.NONE
    changes: bool = False
    parts: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "policies", tuple(dict.fromkeys(self.policies)))


@dataclass(frozen=True, slots=True)
class Change:
    """The cheapest change that leads to approval, in words, and what it takes; empty if none does."""

    words: str = ""
    effort: str = ""


@dataclass(frozen=True, slots=True)
class Means:
    """How rows are decided under a version of a policy, and what would change their outcome."""

    policy: Callable[[str], Policy]
    decider: Callable[[Policy, str], VersionDecider]
    change: Callable[[str, str, Mapping[str, object]], Change]


@dataclass(slots=True)
class _Group:
    """Rows answered under one version of a policy, with the answer of each."""

    policy: str
    version: str
    rows: Codes
    codes: Codes
    answers: Sequence[Answer]
    changes: Sequence[Change] = field(default_factory=list)


def block_decider(
    kb: KnowledgeBase, request: Request, readings: Mapping[str, str]
) -> "BlockDecider":
    """Return what decides a table block by block, compiled and proved, or else by the solver.

    Readings are chosen as for `KnowledgeBase.compare`. Raises TableError where there is no policy,
    UnknownPolicyError and UnknownReadingError.
    """
    named = [kb.policy(number) for number in request.policies]
    if not named and "policy" not in request.layout.frame:
        raise TableError(["name a policy, or give the policy of each row in a column 'policy'"])
    check_readings_of(named or [*kb.policies.values()], readings)

    def own(policy: Policy) -> dict[str, str]:
        return choose(policy, readings_of(policy, readings))

    def decider(policy: Policy, day: str) -> VersionDecider:
        return version_decider(kb, policy, day, own(policy), parts=request.parts)

    def change(number: str, day: str, facts: Mapping[str, object]) -> Change:
        case = Case(policy=number, on=day, facts=facts)
        explanation = kb.explain(case, readings=own(kb.policy(number)))
        return cheapest_change(explanation, kb.vocabulary)

    for policy in named or kb.policies.values():
        own(policy)
    return BlockDecider(request, Means(kb.policy, decider, change))


def version_decider(
    kb: KnowledgeBase, policy: Policy, day: str, readings: Mapping[str, str], *, parts: bool
) -> VersionDecider:
    """Return what decides rows under the version of a day and readings, all chosen.

    Raises UncoveredDateError.
    """
    version = policy.version(day)

    def determine(facts: Mapping[str, object]) -> Answer:
        case = Case(policy=policy.number, on=day, facts=facts)
        return kb.determine(case, readings=readings)

    many = proved_many(policy, version, readings, kb.vocabulary, parts=parts)
    return VersionDecider(many, determine, Inputs(version.program, kb.vocabulary.facts))


class BlockReader:
    """Reads the columns of facts of the blocks of one table in their order."""

    def __init__(self, layout: Layout, texts: Texts = Texts.NONE) -> None:
        self._readers = [ColumnReader(heading, texts) for heading in layout.facts]

    def read(self, block: Any) -> tuple[Reads, dict[int, list[str]]]:
        """Read a `pyarrow.RecordBatch`; return what it says, and by row what cannot be read."""
        reads: Reads = [
            (reader.heading, reader.read(plain(block.column(reader.heading.column))))
            for reader in self._readers
        ]
        wrong: dict[int, list[str]] = defaultdict(list)
        for _, read in reads:
            for row, problem in read.wrong():
                wrong[row].append(problem)
        return reads, wrong


class BlockDecider:
    """Decides the blocks of one table in their order."""

    def __init__(self, request: Request, means: Means) -> None:
        self._request = request
        self._means = means
        self._reader = BlockReader(request.layout, request.texts)
        self._deciders: dict[tuple[str, str], VersionDecider] = {}
        self._changes: dict[tuple[str, str, str], Change] = {}

    def decide(self, block: Any, numbers: Codes) -> tuple[Any, Any]:
        """Return the answers and the rejected rows of a `pyarrow.RecordBatch`, as tables.

        `numbers` are those of its rows, counted from 1.
        """
        size = len(numbers)
        reads, wrong = self._reader.read(block)
        layout = self._request.layout
        others = [name for name in block.schema.names if name in {*layout.frame, *layout.kept}]
        block = pa.RecordBatch.from_arrays(
            [plain(block.column(name)) for name in others], names=others
        )
        days = self._days(block, size, wrong)
        named = self._named(block, wrong)
        good = np.arange(size)
        if wrong:
            good = np.delete(good, [*wrong])
        groups: list[_Group] = []
        for number in self._request.policies or sorted({named[int(row)] for row in good}):
            policy = self._means.policy(number)
            own = (
                good
                if self._request.policies
                else good[[named[int(row)] == number for row in good]]
            )
            for version, rows in self._by_version(policy, days, own, wrong):
                groups.append(self._group(policy, version, rows, reads, size))
        return self._table(block, numbers, groups), rejected(block, numbers, wrong, layout)

    def _days(self, block: Any, size: int, wrong: dict[int, list[str]]) -> tuple[list[str], Codes]:
        """Return the days there are, and for each row the place of its own."""
        if "on" not in self._request.layout.frame:
            return [self._request.day], np.zeros(size, np.int64)
        raw, codes = _distinct(block.column("on"))
        days = []
        for place, each in enumerate(raw):
            try:
                days.append(self._request.day if each in (None, "") else read_date(each))
            except ValueError:
                days.append("")
                for row in np.flatnonzero(codes == place):
                    wrong[int(row)].append("on: expected a date such as 2025-09-15")
        return days, codes

    def _named(self, block: Any, wrong: dict[int, list[str]]) -> dict[int, str]:
        """Return the policy that each row names, where none is asked about."""
        if self._request.policies:
            return {}
        raw, codes = _distinct(block.column("policy"))
        named: dict[int, str] = {}
        for place, number in enumerate(raw):
            problem = None
            try:
                self._means.policy(str(number))
            except UnknownPolicyError as error:
                problem = str(error) if number else "policy: expected the number of a policy"
            for row in map(int, np.flatnonzero(codes == place)):
                if problem:
                    wrong[row].append(problem)
                else:
                    named[row] = str(number)
        return named

    @staticmethod
    def _by_version(
        policy: Policy, days: tuple[list[str], Codes], rows: Codes, wrong: dict[int, list[str]]
    ) -> Iterable[tuple[str, Codes]]:
        """Return the rows under each version of a policy; of a day without one, say so."""
        texts, codes = days
        of_version: dict[str, list[int]] = {}
        for place in np.unique(codes[rows]) if len(texts) > 1 else range(len(texts)):
            try:
                version = policy.version(texts[place]).start
            except UncoveredDateError as error:
                for row in rows[codes[rows] == place]:
                    wrong[int(row)].append(str(error))
            else:
                of_version.setdefault(version, []).append(int(place))
        return [
            (version, rows[np.isin(codes[rows], places)] if len(places) < len(texts) else rows)
            for version, places in sorted(of_version.items())
        ]

    def _group(self, policy: Policy, version: str, rows: Codes, reads: Reads, size: int) -> _Group:
        key = (policy.number, version)
        if key not in self._deciders:
            self._deciders[key] = self._means.decider(policy, version)
        own = reads
        if len(rows) < size:
            own = [(heading, read.rows(rows)) for heading, read in reads]
        codes, answers = self._deciders[key].answers(own, len(rows))
        group = _Group(policy.number, version, rows, codes, answers)
        if self._request.changes:
            group.changes = [
                self._change(key, facts_of(own, row)) if is_open else Change()
                for row, is_open in enumerate(
                    answers[code].outcome is not Outcome.APPROVE for code in codes
                )
            ]
        return group

    def _change(self, key: tuple[str, str], facts: Mapping[str, object]) -> Change:
        asked = (*key, repr(facts))
        if asked not in self._changes:
            if len(self._changes) >= MOST_CHANGES:
                self._changes.clear()
            self._changes[asked] = self._means.change(*key, facts)
        return self._changes[asked]

    def _table(self, block: Any, numbers: Codes, groups: Sequence[_Group]) -> Any:
        """Put the answers of all groups together, in the order of rows and policies."""
        rows = _joined([group.rows for group in groups])
        order = np.arange(len(rows))
        if len(groups) > 1:
            order = np.argsort(rows, kind="stable")
            rows = rows[order]
        said: list[dict[str, Any]] = []
        codes = []
        for group in groups:
            codes.append(group.codes + len(said))
            said += (_said(group.policy, group.version, answer) for answer in group.answers)
        places = pa.array(_joined(codes)[order])
        schema = ANSWERED if self._request.parts else OUTCOME
        answered = pa.Table.from_pylist(said, schema=schema).take(places)
        columns = {"row": pa.array(numbers[rows])}
        kept = [name for name in ("id", "on") if name in self._request.layout.frame]
        for name in (*kept, *self._request.layout.kept):
            columns[name] = _readable(block.column(name)).take(pa.array(rows))
        columns |= {name: answered.column(name) for name in answered.column_names}
        if self._request.changes:
            changes = [change for group in groups for change in group.changes]
            for name, texts in (
                ("change", [each.words or None for each in changes]),
                ("change_effort", [each.effort or None for each in changes]),
            ):
                columns[name] = pa.array(texts, pa.string()).take(pa.array(order))
        return pa.table(columns)


def rejected(block: Any, numbers: Codes, wrong: Mapping[int, Sequence[str]], layout: Layout) -> Any:
    """Return the rows that cannot be decided as a table, named by their `id` if there is one."""
    rows = sorted(wrong)
    names: list[str | None] = [None] * len(rows)
    if rows and "id" in layout.frame:
        named = values_of(plain(block.column("id")).take(pa.array(rows, pa.int64())))
        names = [None if name is None else str(name) for name in named]
    reasons = ["; ".join(dict.fromkeys(wrong[row])) for row in rows]
    return pa.table(
        [
            pa.array(numbers[rows] if rows else [], pa.int64()),
            pa.array(names, pa.string()),
            pa.array(reasons, pa.string()),
        ],
        schema=REJECTED,
    )


def cheapest_change(explanation: Explanation, vocabulary: Vocabulary) -> Change:
    """Say the change that takes least of those that lead to what is wanted."""
    if not explanation.changes:
        return Change()
    first = explanation.changes[0]
    (group,) = group_changes([first], vocabulary)
    return Change(" ".join(map(str, way(group, vocabulary).steps)), first.effort.value)


def _said(policy: str, version: str, answer: Answer) -> dict[str, Any]:
    """Return what the columns say of an answer."""
    granted, approved = answer.authorization, answer.outcome is Outcome.APPROVE
    settled = len(granted.months) == 1
    return {
        "policy": policy,
        "version": version,
        "outcome": answer.outcome.value,
        "reason_codes": list(answer.basis or (_reason(answer),)),
        "basis": list(answer.basis),
        "pathway": list(answer.pathways),
        "months": granted.months[0] if settled else None,
        "authorization": granted_in_words(granted) if approved else None,
        "refer_to": list(answer.refer_to),
        "deciding_sections": list(answer.deciding_sections),
        "needs_clinician": answer.needs_clinician,
    }


def _reason(answer: Answer) -> str:
    """Name why a case without a basis is decided as it is."""
    if answer.outcome is Outcome.PEND:
        return "facts_missing" if answer.possible else "contradiction"
    return "referred" if answer.outcome is Outcome.REFER else "criteria_met"


def _distinct(column: Any) -> tuple[list[Any], Codes]:
    """Return the distinct values of a column, and for each row the place of its own."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    encoded = encoded_once(column)
    if encoded is None:
        return values_of(column), np.arange(len(column))
    return values_of(encoded.dictionary), encoded.indices.to_numpy().astype(np.int64)


def _readable(column: Any) -> Any:
    """Return texts for what a format of bytes gives, and for texts that are not UTF-8."""
    types, kind = pa.types, column.type
    if types.is_string(kind) or types.is_large_string(kind):
        column = column.cast(pa.large_binary())
    elif not (types.is_binary(kind) or types.is_large_binary(kind)):
        return column
    try:
        return column.cast(kind if column.type != kind else pa.large_string())
    except pa.ArrowInvalid:
        texts = [
            None if each is None else each.decode(errors="replace") for each in column.to_pylist()
        ]
        return pa.array(texts, pa.string())


def _joined(parts: Sequence[Codes]) -> Codes:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
