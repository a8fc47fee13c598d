"""Explanations found: minimal changes, minimal reasons, minimal answers, and what to ask next."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, product
from math import prod
from typing import TypeAlias, TypeVar

from engine.boxes import boxes
from engine.circuit import Circuit
from engine.clashes import Clash, TooManyClashesError, implied, minimal_clashes
from engine.determination import OUTCOMES, Determination, Outcome
from engine.explanation import Change, Explanation, Question, Reason
from engine.goals import Want
from engine.grounds import Grounds, Statuses
from engine.inputs import Domain, Inputs, as_known, places, runs
from engine.policy import Policy, Version
from engine.question import Interviewer
from engine.reasons import Conflicts
from engine.search import MOST_POINTS, Failure, Search, Space, Target
from engine.solver import FAILURES, Budget, Solver
from facts.values import Known
from facts.vocabulary import Changer, Vocabulary

MOST_SETS = 1_000
"""Minimal sets listed of one kind; where there are more, the smallest are, and this is said."""
SECONDS_FOR_A_LIST = 10.0
"""For all sets of one kind, and again for verifying them; most searches that are given up have met
a limit that does not depend on the machine before.
"""
ENOUGH = 10
"""Sets that are listed at least where there is no time for all."""
EFFORTS = (Changer.DOCUMENT, Changer.PRESCRIBE, Changer.WAIT, Changer.FIXED)
"""What a change takes, the easiest first."""
APPROVAL = Want(Outcome.APPROVE)
UNPROVED = "the policy's circuit could not be proved equal to its program, so nothing is explained"

Found = TypeVar("Found")
Values: TypeAlias = Mapping[int, int]
"""For some domains, by their place, the values they may have."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Minimal sets with their values, and why the list ends early, if it does."""

    sets: tuple[Values, ...]
    limit: str | None = None


class Explainer:
    """Explains cases under one version of a policy. Not safe to share between threads."""

    def __init__(
        self, policy: Policy, version: Version, vocabulary: Vocabulary, *, total: bool
    ) -> None:
        """`total` says that every complete case surely gets exactly one outcome."""
        self._total = total
        program = version.program
        self._vocabulary = vocabulary
        self._program = program
        self._inputs = Inputs(program, vocabulary.facts)
        self._budget = Budget()
        self._solver = Solver(program, self._budget)
        self._circuit = Circuit(program, self._inputs)
        self._proved = self._circuit.equals_program()
        impossible = list(program.possible("impossible"))
        self._invalid = self._circuit.any_of(self._circuit.literal(atom) for atom in impossible)
        self._clashes: list[Clash] = []
        self._obstacle: str | None = None
        try:
            self._clashes = minimal_clashes(self._circuit, self._invalid)
        except (TooManyClashesError, *FAILURES) as error:
            self._obstacle = str(error) if isinstance(error, TooManyClashesError) else _STOPPED
        self._no_contradiction = [-self._solver.literal(atom) for atom in impossible]
        self._asked = [atom for domain in self._circuit.domains for atom, _ in domain.atoms]
        self._fixed = [
            place for place, domain in enumerate(self._inputs.domains) if self._is_fixed(domain)
        ]
        self._changeable = [
            0 if place in self._fixed or place >= len(self._inputs.domains) else values
            for place, values in enumerate(self._circuit.all_values)
        ]
        self._changeable_bits = sum(
            values << offset
            for values, offset in zip(self._changeable, self._circuit.offsets, strict=False)
        )
        self._targets: dict[str, tuple[Target, int]] = {}
        self._conflicts_of: dict[str, Conflicts] = {}
        self._grounds = Grounds(self._circuit, self._circuit.derivation, policy, version)
        self._interviewer = Interviewer(
            self._circuit,
            version,
            -self._invalid,
            [self._circuit.literal(("outcome", outcome.value)) for outcome in OUTCOMES],
        )

    def explain(
        self,
        determination: Determination,
        known: Mapping[str, Known],
        readings: Mapping[str, str],
        want: Want,
        *,
        include_fixed: bool = False,
        only: Collection[str] | None = None,
    ) -> Explanation:
        """Explain a determination: what would change it, why it is so, and what is missing.

        `only` limits changes, answers and reasons to some facts and members of sets.
        """
        if not self._proved:
            return Explanation(
                determination=determination,
                want=want,
                known=known,
                limits=(UNPROVED,),
                vocabulary=self._vocabulary,
            )
        base = self._possible(known, readings)
        changes = self.changes(known, readings, want, include_fixed=include_fixed, only=only)
        reached = changes.sets == ({},)
        found = [] if reached else self._as_changes(changes, base, want)
        in_the_way: tuple[tuple[str, ...], ...] = ()
        blocked = Listed(())
        if not found and not reached and not changes.limit and not include_fixed:
            blocked = self.changes(known, readings, want, include_fixed=True, only=only)
            in_the_way = self._fixed_in(blocked, base)
        answers = self._answers(known, readings, only)
        reasons = self._reasons(determination.outcome, known, readings, only)
        limits = {
            "changes": changes.limit,
            "in the way": blocked.limit,
            "approve if": answers.limit,
            "reasons": reasons.limit,
        }
        matter = determination.unknown_that_matter
        unknown = self._open_facts(base)
        return Explanation(
            determination=determination,
            want=want,
            known=known,
            only=None if only is None else tuple(sorted(only)),
            vocabulary=self._vocabulary,
            reached=reached,
            changes=tuple(found),
            in_the_way=in_the_way,
            reasons=tuple(self._as_reasons(reasons, determination.outcome, base, only)),
            approve_if=tuple(self._as_changes(answers, base, APPROVAL)),
            cannot_matter=() if determination.problems else tuple(sorted(unknown - {*matter})),
            next_question=self.next_question(determination, known, readings),
            limits=tuple(f"{part}: {limit}" for part, limit in limits.items() if limit),
        )

    def next_question(
        self,
        determination: Determination,
        known: Mapping[str, Known],
        readings: Mapping[str, str],
        without: Collection[str] = (),
    ) -> Question | None:
        """Return the question to ask next, or None if no unknown fact matters.

        Facts in `without` are not asked for.
        """
        possible = self._possible(known, readings)
        matter: Collection[str] = determination.unknown_that_matter
        if any(problem.kind == "stopped" for problem in determination.problems):
            matter = self._open_facts(possible)
        asked = [fact for fact in matter if fact not in without]
        return self._interviewer.best(possible, asked, self._vocabulary.facts)

    def _open_facts(self, possible: Sequence[int]) -> set[str]:
        """Return the facts the version looks at that are not settled."""
        return {
            domain.unit.fact
            for place, domain in enumerate(self._inputs.domains)
            if _if_open(possible[place])
        }

    def changes(
        self,
        known: Mapping[str, Known],
        readings: Mapping[str, str],
        want: Want,
        *,
        include_fixed: bool = False,
        only: Collection[str] | None = None,
    ) -> Listed:
        """Find all minimal changes, each with all its values, re-verified.

        The set without a unit alone says that nothing needs to change.
        """
        base = self._possible(known, readings)
        if include_fixed:
            offered: Sequence[int] = self._circuit.all_values
        elif unsettled := [p for p in self._fixed if base[p] & (base[p] - 1)]:
            offered = list(self._changeable)
            for place in unsettled:
                offered[place] = base[place]
        else:
            offered = self._changeable
        return self._listed(want, self._space(base, offered, only))

    def _answers(
        self,
        known: Mapping[str, Known],
        readings: Mapping[str, str],
        only: Collection[str] | None,
    ) -> Listed:
        """Find all minimal sets of answers, to what is unknown, that lead to approval."""
        base = self._possible(known, readings)
        offered = [*map(_if_open, base)]
        found = self._listed(APPROVAL, self._space(base, offered, only))
        return Listed((), found.limit) if found.sets == ({},) else found

    def _reasons(
        self,
        outcome: Outcome,
        known: Mapping[str, Known],
        readings: Mapping[str, str],
        only: Collection[str] | None,
    ) -> Listed:
        """Find all minimal sets of known facts that guarantee an outcome."""
        if outcome is Outcome.PEND:
            return Listed(())
        want = Want(outcome)
        base = self._possible(known, readings)
        offered = self._among(
            [
                0 if values == domain.all else values
                for domain, values in zip(self._circuit.domains, base, strict=True)
            ],
            only,
        )
        found: list[int] = []
        conflicts = self._conflicts(want)
        limit = self._collect(conflicts.minimal_reasons(base, offered), found.append)
        if limit == _STOPPED and len(found) < ENOUGH:
            limit = _SOME
            self._budget.renew(SECONDS_FOR_A_LIST)
            with suppress(*FAILURES):
                found.extend(islice(conflicts.some_reasons(base, offered), ENOUGH))
        sets = [{p: base[p] for p in places(units)} for units in dict.fromkeys(found)]
        self._budget.renew(SECONDS_FOR_A_LIST)
        return self._guaranteeing(sets, base, offered, want, limit)

    def _conflicts(self, want: Want) -> Conflicts:
        found = self._conflicts_of.get(str(want))
        if found is None:
            clauses = want.clauses(self._program, total=self._total)
            found = Conflicts(self._program, self._circuit.domains, clauses, self._budget)
            self._conflicts_of[str(want)] = found
        return found

    def _guaranteeing(
        self,
        found: Sequence[Values],
        base: Sequence[int],
        offered: Sequence[int],
        want: Want,
        limit: str | None,
    ) -> Listed:
        """Keep the sets that guarantee what is wanted, and of which nothing can be left out."""
        _, goal = self._target(want)
        domains = self._circuit.domains
        given = [
            *self._no_contradiction,
            -goal,
            *(
                literal
                for place, values in enumerate(base)
                if not offered[place]
                for literal in domains[place].literals(values)
            ),
        ]

        def guarantees(values: Values) -> bool:
            stated = (
                lit for place, left in values.items() for lit in domains[place].literals(left)
            )
            return not self._solver.satisfiable([*given, *stated])

        kept: list[Values] = []
        try:
            for values in found:
                smaller = (
                    {place: left for place, left in values.items() if place != left_out}
                    for left_out in values
                )
                if guarantees(values) and not any(map(guarantees, smaller)):
                    kept.append(self._widened(values, guarantees))
        except FAILURES:
            return Listed(tuple(kept), _STOPPED)
        return Listed(tuple(kept), limit if len(kept) == len(found) else _UNSOUND)

    def _listed(self, want: Want, space: Space) -> Listed:
        """List the minimal sets of a space with all their values."""
        if self._obstacle is not None:
            return Listed((), self._obstacle)
        search = self._search(want, space)
        found: list[list[Values]] = []
        limit = self._collect(search.minimal(), found.append)
        if limit == _STOPPED and len(found) < ENOUGH:
            limit = _SOME
            self._budget.renew(SECONDS_FOR_A_LIST)
            with suppress(*FAILURES):
                found.extend(islice(search.some(), ENOUGH))
            found = list({tuple(boxes[0]): boxes for boxes in found}.values())
        search.begin_anew()
        self._budget.renew(SECONDS_FOR_A_LIST)
        sets: list[Values] = []
        try:
            sets, unsure = self._verified(search, [self._boxes(boxes, space) for boxes in found])
            for units in unsure:
                points = [
                    dict(zip(units, map(_one, point), strict=True))
                    for point in search.points(units)
                ]
                more, wrong = self._verified(search, [self._boxes(points, space)] if points else [])
                sets += more
                limit = _UNSOUND if wrong or not points else limit
        except FAILURES:
            return Listed(tuple(sets), _STOPPED)
        return Listed(tuple(sets), limit)

    def _boxes(self, found: Sequence[Values], space: Space) -> list[Values]:
        """Gather the boxes of one minimal set into as few, the nearest first."""
        members = list(found[0])
        if len(found) == 1 and all(map(self._is_one_range, members, found[0].values())):
            return list(found)
        if sum(prod(v.bit_count() for v in box.values()) for box in found) > MOST_POINTS:
            return [
                dict(zip(box, ranges, strict=True))
                for box in found
                for ranges in product(*(self._ranges(place, box[place]) for place in box))
            ]
        points = {point for box in found for point in product(*map(places, box.values()))}
        near = sorted(points, key=lambda point: _distance(point, members, space))
        domains = [self._circuit.domains[place] for place in members]
        return [dict(zip(members, box, strict=True)) for box in boxes(near, domains)]

    def _ranges(self, place: int, values: int) -> list[int]:
        """Split values of a number into ranges of neighbours."""
        return list(runs(values)) if self._circuit.domains[place].ordered else [values]

    def _is_one_range(self, place: int, values: int) -> bool:
        return len(self._ranges(place, values)) == 1

    def _verified(
        self, search: Search, found: Sequence[Sequence[Values]]
    ) -> tuple[list[Values], list[tuple[int, ...]]]:
        """Return the boxes that do what they should, and the sets of which some do not.

        Each point of a box must do it, and with any of its units left out it must not.
        """
        sets = [box for of_set in found for box in of_set]
        stands = search.stand(sets)
        wrong = {tuple(box) for box, stood in zip(sets, stands, strict=True) if not stood}
        return [box for box in sets if tuple(box) not in wrong], sorted(wrong)

    def _collect(self, sets: Iterator[Found], keep: Callable[[Found], None]) -> str | None:
        """Keep minimal sets until there are no more; say so if a limit ends this before."""
        self._budget.renew(SECONDS_FOR_A_LIST)
        try:
            for count, found in enumerate(sets):
                if count == MOST_SETS:
                    return f"there are more than {MOST_SETS:,}; the smallest are listed"
                keep(found)
        except FAILURES:
            return _STOPPED
        return None

    def _search(self, want: Want, space: Space) -> Search:
        target, goal = self._target(want)

        def ask(possible: Sequence[int]) -> Failure | None:
            return self._ask(target, goal, possible)

        return Search(target, space, ask, self._budget.check)

    def _target(self, want: Want) -> tuple[Target, int]:
        found = self._targets.get(str(want))
        if found is None:
            circuit, solver = self._circuit, self._solver
            clauses = want.clauses(self._program, total=self._total)
            goal = circuit.all_of(
                circuit.any_of(_signed(circuit.literal(atom), holds) for atom, holds in clause)
                for clause in clauses
            )
            asked = [
                solver.add_gate(1, [_signed(solver.literal(atom), holds) for atom, holds in clause])
                for clause in clauses
            ]
            target = Target.of(circuit, self._invalid, self._clashes, goal)
            found = self._targets[str(want)] = (target, solver.add_gate(len(asked), asked))
        return found

    def _ask(self, target: Target, goal: int, possible: Sequence[int]) -> Failure | None:
        """Ask the solver for a completion without the goal."""
        stated = [
            literal
            for domain, values in zip(self._circuit.domains, possible, strict=True)
            for literal in domain.literals(values)
        ]
        assumptions = [*self._no_contradiction, *stated]
        holds = self._solver.completion([*assumptions, -goal], self._asked)
        if holds is None:
            return None
        by_atom = dict(zip(self._asked, holds, strict=True))
        lanes = [0] * len(self._circuit.sources)
        for place, domain in enumerate(self._circuit.domains):
            for source in self._circuit.held_by[place][domain.place(by_atom)]:
                lanes[source] = 1
        return Failure(target.evaluator.evaluate(lanes, 1))

    def _possible(self, known: Mapping[str, Known], readings: Mapping[str, str]) -> list[int]:
        """Return the values that every domain may have in a case."""
        possible = list(self._circuit.all_values)
        self._inputs.confine(possible, known)
        units = len(self._inputs.domains)
        for place, (name, domain) in enumerate(self._inputs.readings.items(), start=units):
            possible[place] = 1 << domain.names.index(readings[name])
        return possible

    def _is_fixed(self, domain: Domain) -> bool:
        return self._vocabulary.facts[domain.unit.fact].changer is Changer.FIXED

    def _space(
        self, base: Sequence[int], offered: Sequence[int], only: Collection[str] | None
    ) -> Space:
        if offered is self._changeable and only is None:
            return Space(base, offered, self._changeable_bits, self._nearest(base))
        kept = self._among(offered, only)
        shifted = (values << at for values, at in zip(kept, self._circuit.offsets, strict=False))
        return Space(base, kept, sum(shifted), self._nearest(base))

    def _among(self, offered: Sequence[int], only: Collection[str] | None) -> list[int]:
        """Offer nothing outside of some facts and members, and no other readings."""
        units = len(self._inputs.domains)
        kept = [*offered[:units], *[0] * len(self._inputs.readings)]
        if only is not None:
            for place, domain in enumerate(self._inputs.domains):
                if domain.unit.fact not in only and str(domain.unit) not in only:
                    kept[place] = 0
        return kept

    def _nearest(self, base: Sequence[int]) -> Callable[[int], Sequence[int]]:
        """Order the values of a domain by how far they lie from what is known."""
        order: dict[int, list[int]] = {}

        def nearest(place: int) -> Sequence[int]:
            if place not in order:
                domain = self._circuit.domains[place]
                order[place] = sorted(
                    range(domain.size), key=lambda value: _away(value, base[place], domain)
                )
            return order[place]

        return nearest

    def _widened(self, values: Values, guarantees: Callable[[Values], bool]) -> Values:
        """Widen the numbers of a reason as far as it still guarantees the outcome."""
        widest = dict(values)
        for place, kept in values.items():
            domain = self._circuit.domains[place]
            if not domain.ordered:
                continue
            for value in sorted(places(domain.all & ~kept), key=lambda v: _away(v, kept, domain)):
                wider = {**widest, place: widest[place] | 1 << value}
                neighbours = widest[place] << 1 | widest[place] >> 1
                if neighbours >> value & 1 and guarantees(wider):
                    widest = wider
        return widest

    def _as_changes(self, listed: Listed, base: Sequence[int], want: Want) -> list[Change]:
        """Say changes as facts, in the order of what they take."""
        nearest = self._nearest(base)
        points = (
            {
                p: next(1 << v for v in nearest(p) if allowed >> v & 1)
                for p, allowed in values.items()
            }
            for values in listed.sets
        )
        before, *after = self._statuses([{}, *points], base)
        changes = [
            (
                self._rank(values, base),
                self._change(values, base, self._grounds.sections(want, statuses, before)),
            )
            for values, statuses in zip(listed.sets, after, strict=True)
        ]
        return [change for _, change in sorted(changes, key=lambda ranked: ranked[0])]

    def _statuses(self, cases: Sequence[Values], base: Sequence[int]) -> list[Statuses]:
        """Return the statuses of criteria in cases that differ from the base in some values."""
        return self._grounds.statuses(
            [
                implied([case.get(p, had) for p, had in enumerate(base)], self._clashes)
                for case in cases
            ]
        )

    def _change(self, values: Values, base: Sequence[int], sections: tuple[str, ...]) -> Change:
        alters = {self._fact(place) for place in values if not values[place] & base[place]}
        undoes = {self._fact(place) for place in values if self._undoes(place, values, base)}
        facts = self._facts(values)
        return Change(
            facts=facts,
            effort=max((self._effort(p, values, base) for p in values), key=EFFORTS.index),
            sections=sections,
            establishes=tuple(fact for fact in facts if fact not in alters),
            alters=tuple(fact for fact in facts if fact in alters),
            undoes=tuple(fact for fact in facts if fact in undoes),
        )

    def _fact(self, place: int) -> str:
        return self._circuit.domains[place].unit.fact

    def _effort(self, place: int, values: Values, base: Sequence[int]) -> Changer:
        """Return what it takes for a unit: what may be so already need only be documented."""
        if values[place] & base[place]:
            return Changer.DOCUMENT
        return self._vocabulary.facts[self._fact(place)].changer

    def _undoes(self, place: int, values: Values, base: Sequence[int]) -> bool:
        """Whether time cannot bring a unit to its new values."""
        domain, fact = self._circuit.domains[place], self._vocabulary.facts[self._fact(place)]
        if values[place] & base[place]:
            return False
        if fact.passing:
            return all(domain.names[value] in fact.passing for value in places(values[place]))
        return fact.grows and values[place] < base[place]

    def _rank(self, values: Values, base: Sequence[int]) -> tuple[object, ...]:
        """Rank by effort, then what only a correction could bring, size, and nearness."""
        effort = max(EFFORTS.index(self._effort(place, values, base)) for place in values)
        undoing = any(self._undoes(place, values, base) for place in values)
        domains = self._circuit.domains
        distance = [
            min(_away(value, base[place], domains[place]) for value in places(allowed))
            for place, allowed in values.items()
        ]
        units = [(domains[place].unit.fact, str(domains[place].unit)) for place in values]
        return effort, undoing, len(values), units, distance, list(values.values())

    def _facts(self, values: Values) -> dict[str, Known]:
        """Say values of units as what is known of their facts."""
        return as_known(self._circuit.domains, values, self._vocabulary.facts)

    def _fixed_in(self, listed: Listed, base: Sequence[int]) -> tuple[tuple[str, ...], ...]:
        """Return the minimal sets of fixed facts that changes alter."""
        altered = {
            frozenset(
                self._fact(place)
                for place in values
                if self._is_fixed(self._circuit.domains[place]) and not values[place] & base[place]
            )
            for values in listed.sets
        }
        return tuple(
            sorted(tuple(sorted(facts)) for facts in altered if not any(o < facts for o in altered))
        )

    def _as_reasons(
        self, listed: Listed, outcome: Outcome, base: Sequence[int], only: Collection[str] | None
    ) -> list[Reason]:
        if not listed.sets:
            return []
        given = [
            had if only is not None and not kept else domain.all
            for domain, had, kept in zip(
                self._circuit.domains,
                base,
                self._among([1] * len(self._circuit.domains), only),
                strict=True,
            )
        ]
        given[len(self._inputs.domains) :] = base[len(self._inputs.domains) :]
        statuses = self._statuses([{p: base[p] for p in values} for values in listed.sets], given)
        reasons = [
            Reason(self._facts(values), self._grounds.sections(Want(outcome), status))
            for values, status in zip(listed.sets, statuses, strict=True)
        ]
        return sorted(reasons, key=lambda reason: (len(reason.facts), list(reason.facts)))


_SOME = "the search was stopped at its limit; some are listed, and there may be smaller ones"
_UNSOUND = "some that were found did not stand up to verification and are left out"
_STOPPED = "the search was stopped at its limit"


def _signed(literal: int, holds: bool) -> int:  # noqa: FBT001  (the sign of a literal)
    return literal if holds else -literal


def _one(value: int) -> int:
    return 1 << value


def _if_open(values: int) -> int:
    return values if values & (values - 1) else 0


def _away(value: int, base: int, domain: Domain) -> tuple[int, int]:
    """Return how far a value lies from those a case has, and then its place."""
    if base >> value & 1 or not domain.ordered:
        return int(not base >> value & 1), value
    return min(abs(value - had) for had in places(base)), value


def _distance(
    point: tuple[int, ...], members: Sequence[int], space: Space
) -> tuple[list[int], tuple[int, ...]]:
    ranks = [space.nearest(place).index(value) for place, value in zip(members, point, strict=True)]
    return ranks, point
