"""Blocks of a table decided: what is known of each row, as lanes, and each answer made once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
from numpy.typing import NDArray

from engine.determination import OUTCOMES, Answer, Outcome
from engine.inputs import Domain, Inputs, places
from engine.lanes import Columns, complete
from engine.many import ManyCases
from facts.values import NO, YES, Bounds, Known, Members, case_form, narrowed
from queries.batch.layout import Heading
from queries.batch.reading import (
    AnyRead,
    Codes,
    Read,
    ReadMembers,
    ReadNumbers,
    ReadTruths,
    flags,
    lanes,
)

Reads: TypeAlias = Sequence[tuple[Heading, AnyRead]]
"""The columns of facts of some rows."""
PLACES = (*OUTCOMES, Outcome.PEND)
"""What the places of outcomes stand for."""
MOST_ANSWERS = 100_000
"""Answers of the solver that are kept for rows like those before."""
WORD = 64
"""Bits of the largest words."""
MOST_SIZE = WORD
"""The most values of one domain, as bits of a word; with more of them, the solver decides."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows, all or those at some places, as lanes; whether something of each is unknown."""

    rows: Codes | None
    reads: Reads
    size: int
    columns: Columns = ()
    partial: bool = True


class VersionDecider:
    """Decides rows under one version of a policy, compiled, or one by one by the solver."""

    def __init__(
        self,
        many: ManyCases | None,
        determine: Callable[[Mapping[str, object]], Answer],
        inputs: Inputs,
    ) -> None:
        """`determine` decides a case by its facts where there is nothing compiled."""
        self.many = many if all(each.size <= MOST_SIZE for each in inputs.domains) else None
        self._determine = determine
        self._inputs = inputs
        self._masks: dict[str, tuple[Sequence[Known | None], dict[int, list[int]]]] = {}
        self._made: dict[object, Answer] = {}

    def laid_out(self, reads: Reads, size: int) -> list[Rows]:
        """Return some rows as lanes, those of which nothing is unknown apart from the others."""
        if self.many is None:
            return [Rows(None, reads, size)]
        columns, ones = self._lanes(reads, size), (1 << size) - 1
        settled = complete(columns, ones)
        if settled in (0, ones):
            return [Rows(None, reads, size, columns, partial=settled != ones)]
        found = []
        for partial in (False, True):
            rows = np.flatnonzero(flags(settled, size) != partial)
            some = [(heading, read.rows(rows)) for heading, read in reads]
            own = self._lanes(some, len(rows))
            found.append(Rows(rows, some, len(rows), own, partial=partial))
        return found

    def outcomes(self, parts: Iterable[Rows], places: NDArray[np.uint8]) -> None:
        """Write the outcomes of rows that are laid out, by their places in `PLACES`."""
        for part in parts:
            own = places if part.rows is None else np.empty(part.size, np.uint8)
            self._write_outcomes(part, own)
            if part.rows is not None:
                places[part.rows] = own

    def _write_outcomes(self, part: Rows, places: NDArray[np.uint8]) -> None:
        answered, ones = self._answered(part), (1 << part.size) - 1
        if self.many is None or answered is None:
            codes, answers = self._one_by_one(part.reads, part.size)
            found = np.array([PLACES.index(each.outcome) for each in answers], np.uint8)
            places[:] = found[codes]
            return
        approve, refer, deny = self.many.outcomes(answered, ones)
        pend = ones ^ (approve | refer | deny)
        np.left_shift(flags(deny | pend, part.size).view(np.uint8), 1, out=places)
        places |= flags(refer | pend, part.size).view(np.uint8)

    def answers(self, reads: Reads, size: int) -> tuple[Codes, list[Answer]]:
        """Return the answers to some rows: for each row its place among the answers."""
        found = np.empty(size, np.int64)
        answers: list[Answer] = []
        for part in self.laid_out(reads, size):
            answered = self._answered(part)
            if answered is None:
                codes, own = self._one_by_one(part.reads, part.size)
            else:
                codes, signatures = self._signatures(answered, part.size)
                own = [self._answer(bits) for bits in signatures]
            found[slice(None) if part.rows is None else part.rows] = codes + len(answers)
            answers += own
        return found, answers

    def _answered(self, part: Rows) -> list[int] | None:
        """Return lanes for what is answered of some rows; None if that is left to the solver."""
        ones = (1 << part.size) - 1
        if self.many is None:
            return None
        if not part.partial:
            return self.many.of_complete(part.columns, ones)
        partly_known = self.many.partly_known()
        return partly_known.answered(part.columns, ones) if partly_known else None

    def _answer(self, bits: int) -> Answer:
        if bits not in self._made and self.many is not None:
            self._made[bits] = self.many.answer(bits)
        return self._made[bits]

    @staticmethod
    def _signatures(lanes: Sequence[int], size: int) -> tuple[Codes, list[int]]:
        """Return for each row the place of its bits among all there are, from lanes of bits."""
        alike: dict[int, int] = {}
        for place, held in enumerate(lanes):
            if held:
                alike[held] = alike.get(held, 0) | 1 << place
        if not alike:
            return np.zeros(size, np.int64), [0]
        words = [_words([*alike][at : at + WORD], size) for at in range(0, len(alike), WORD)]
        if len(words) == 1:
            encoded = pa.array(words[0]).dictionary_encode()
            signatures = encoded.dictionary.to_pylist()
        else:
            rows = np.stack(words, axis=1).astype("<u8", copy=False)
            binary = pa.binary(rows.shape[1] * WORD // 8)
            array = pa.Array.from_buffers(binary, size, [None, pa.py_buffer(rows)])
            encoded = array.dictionary_encode()
            signatures = [int.from_bytes(each, "little") for each in encoded.dictionary.to_pylist()]
        meant = [*alike.values()]
        found = [sum(meant[place] for place in places(each)) for each in signatures]
        return encoded.indices.to_numpy().astype(np.int64), found

    def _lanes(self, reads: Reads, size: int) -> Columns:
        """Return for each value of each domain the rows that may have it."""
        ones = (1 << size) - 1
        domains = self._inputs.domains
        columns = [[ones] * domain.size for domain in domains]
        for heading, read in reads:
            own = self._inputs.of_fact.get(heading.fact.name, ())
            if isinstance(read, ReadTruths):
                for place in own:
                    if heading.member == domains[place].unit.member:
                        columns[place] = [ones ^ read.true, read.true | read.unknown]
                continue
            if isinstance(read, ReadNumbers):
                for place in own:
                    columns[place] = self._intervals(domains[place], read, ones)
                continue
            if isinstance(read, ReadMembers):
                unknown = lanes(~read.known)
                for place in own:
                    inside = lanes(read.members[str(domains[place].unit.member)])
                    columns[place] = [ones ^ inside, inside | unknown]
                continue
            for place, masks in self._possible(heading, read.known).items():
                of_size = domains[place].size
                values = np.array(masks, _smallest(of_size))[read.codes]
                columns[place] = [lanes(values & (1 << value) != 0) for value in range(of_size)]
        return columns

    @staticmethod
    def _intervals(domain: Domain, read: ReadNumbers, ones: int) -> list[int]:
        """Return the rows whose number is in each of the intervals between cut points."""
        reached = [ones, *(lanes(read.steps >= cut) for cut in domain.cuts), 0]
        return [low ^ high | read.unknown for low, high in pairwise(reached)]

    def _possible(self, heading: Heading, known: Sequence[Known | None]) -> dict[int, list[int]]:
        """Return, for the domains a column speaks of, the values that each of its values leaves open."""
        kept, masks = self._masks.get(heading.column, (None, {}))
        if kept is not known:
            places = [
                place
                for place in self._inputs.of_fact.get(heading.fact.name, ())
                if heading.member in (None, self._inputs.domains[place].unit.member)
            ]
            masks = {place: [] for place in places}
            self._masks[heading.column] = (known, masks)
        if masks:
            done = len(next(iter(masks.values())))
            for value in known[done:]:
                possible = [domain.all for domain in self._inputs.domains]
                if value is not None:
                    self._inputs.confine(possible, {heading.fact.name: value})
                for place, of_place in masks.items():
                    of_place.append(possible[place])
        return masks

    def _one_by_one(self, reads: Reads, size: int) -> tuple[Codes, list[Answer]]:
        """Let the solver decide each row that is not like an earlier one."""
        answers: dict[str, int] = {}
        found: list[Answer] = []
        codes = []
        for row in range(size):
            facts = facts_of(reads, row)
            key = repr(facts)
            if key not in answers:
                answers[key] = len(found)
                if key not in self._made:
                    if len(self._made) >= MOST_ANSWERS:
                        self._made.clear()
                    self._made[key] = self._determine(facts)
                found.append(self._made[key])
            codes.append(answers[key])
        return np.array(codes, np.int64), found


def _words(held: Sequence[int], size: int) -> NDArray[np.unsignedinteger]:
    """Return for each row a word of its bits, the first as the lowest."""
    words = np.zeros(size, _smallest(len(held)))
    for place, each in enumerate(held):
        words |= flags(each, size).astype(words.dtype) << place
    return words


def _smallest(bits: int) -> type[np.unsignedinteger]:
    """Return the type of the smallest words that have so many bits."""
    return next(
        kind for kind in (np.uint8, np.uint16, np.uint32, np.uint64) if bits <= np.iinfo(kind).bits
    )


def _truth(heading: Heading, read: ReadTruths, row: int) -> Known | None:
    """Return what a column of booleans says of one row."""
    if read.unknown >> row & 1:
        return None
    holds = bool(read.true >> row & 1)
    if heading.member is None:
        return YES if holds else NO
    member = frozenset([heading.member])
    return Members(member, frozenset()) if holds else Members(frozenset(), member)


def facts_of(reads: Reads, row: int) -> dict[str, object]:
    """Return the facts of one row in the JSON form of cases."""
    known: dict[str, Known] = {}
    facts = {}
    for heading, read in reads:
        value: Known | None
        if isinstance(read, Read):
            value = read.known[read.codes[row]]
        elif isinstance(read, ReadTruths):
            value = _truth(heading, read, row)
        elif isinstance(read, ReadNumbers):
            steps = int(read.steps[row])
            value = None if read.unknown >> row & 1 else Bounds(steps, steps)
        elif read.known[row]:
            inside = frozenset(name for name, members in read.members.items() if members[row])
            value = Members(inside, heading.fact.known_values - inside)
        else:
            value = None
        if value is not None:
            name = heading.fact.name
            facts[name] = heading.fact
            known[name] = narrowed(known[name], value) or value if name in known else value
    return {name: case_form(facts[name], value) for name, value in known.items()}
