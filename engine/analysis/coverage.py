"""Coverage: which criteria, thresholds, readings and answers of a policy its test cases show.

What counts is whether a case hangs on a criterion, not whether it touches it: the criterion is
given as met, or as not met, and the case decided anew. (Modified condition/decision coverage asks
the same of programs: Chilenski and Miller, 1994.) What no patient can show is proved so.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import permutations
from typing import TypeAlias

from engine.analysis.patients import Patient
from engine.analysis.regions import inside, prime_region
from engine.analysis.subject import Population, Stated
from engine.circuit import TRUE, Derivation, Literal, surely
from engine.determination import OUTCOMES, Outcome
from engine.inputs import Inputs, as_known, places
from engine.policy import Policy, Version
from engine.program import Atom
from engine.solver import FAILURES, Budget
from facts.values import Bounds, Known, Members
from facts.vocabulary import Vocabulary

FEWEST_CLOSED = 3
"""Members that a proposed set must be without to be closed: then it is listed whole."""
Exact: TypeAlias = Mapping[Outcome, Literal]
"""For each outcome, a literal that holds where it is the only one."""


class ItemKind(StrEnum):
    """What a policy's cases can cover."""

    MET = "met"
    NOT_MET = "not met"
    UNKNOWN = "unknown"
    THRESHOLD = "threshold"
    READING = "reading"
    PATHWAY = "pathway"
    DISPOSITION = "disposition"
    BASIS = "basis"
    REFERRAL = "referral"
    AUTHORIZATION = "authorization"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to cover; `needs` says what a case must be like that covers it."""

    kind: ItemKind
    subject: str
    sections: tuple[str, ...]
    needs: str

    def __str__(self) -> str:
        said = _SAID.get(self.kind)
        return f"{self.subject} {said}" if said else self.subject


_SAID = {
    ItemKind.MET: "met",
    ItemKind.NOT_MET: "not met",
    ItemKind.UNKNOWN: "unknown",
    ItemKind.PATHWAY: "approved",
    ItemKind.DISPOSITION: "applied",
}
"""What is said of a section; the subject of other items says it all."""


@dataclass(frozen=True, slots=True)
class Example:
    """A case as coverage takes it: free of contradictions, and with every reading chosen."""

    name: str
    known: Mapping[str, Known]
    readings: Mapping[str, str]


class State(StrEnum):
    """Where an item stands."""

    COVERED = "covered"
    IMPOSSIBLE = "cannot be covered: proved"
    OPEN = "not covered"


@dataclass(frozen=True, slots=True)
class Covered:
    """An item, the cases that cover it, or cases that would (two for a threshold)."""

    item: Item
    state: State
    by: tuple[str, ...] = ()
    proposals: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    """An item with its tests.

    `witnesses` are literals that hold for a patient who shows the item by himself; if none holds
    for any patient, no case can show it. `covers` tells whether a case does; of a threshold, whether
    a case just below and another at it do. `place` and `value` are those of a threshold, below it.
    """

    item: Item
    witnesses: tuple[Literal, ...]
    covers: Callable[["_Cases", int], bool] = lambda _cases, _lane: False
    covers_pair: Callable[["_Cases", int, int], bool] | None = None
    met: Literal = TRUE
    place: int = -1
    value: int = 0


class Meter:
    """Measures what cases cover of one version of a policy. Not safe to share between threads.

    `proved` says that circuit and program are proved to derive the same; if not, nothing measured
    by the circuit counts.
    """

    def __init__(self, policy: Policy, version: Version, vocabulary: Vocabulary) -> None:
        self._policy = policy
        self._budget = Budget()
        self._vocabulary = vocabulary
        self._inputs = Inputs(version.program, vocabulary.facts)
        population = Population([Stated(policy, version, None)], vocabulary, self._budget)
        self.circuit = population.circuit
        self.patients = population.patients
        (self._subject,) = population.subjects
        self.proved = self.circuit.equals_program()
        self._exact = self._exactly(self._subject.derivation)
        self._roots: list[Literal] = []
        self._entries = tuple(self._all())
        self.roots = tuple(dict.fromkeys(abs(root) for root in self._roots))
        self.surely = surely(self.circuit, self.roots)

    @property
    def items(self) -> tuple[Item, ...]:
        """What there is to cover."""
        return tuple(entry.item for entry in self._entries)

    def measure(self, examples: Sequence[Example], *, propose: bool = True) -> list[Covered]:
        """Return for each item the cases that cover it, or that none can, or cases that would."""
        cases = _Cases(self, [self._possible(example) for example in examples])
        neighbours = _Neighbours(examples)
        proposed: list[Example] = []
        found = []
        for entry in self._entries:
            measured = Covered(entry.item, State.OPEN)
            self._budget.renew()
            with suppress(*FAILURES):
                measured = self._measured(entry, examples, cases, neighbours)
                if propose and measured.state is State.OPEN:
                    proposals = self._twin(entry, examples) or self._proposed(entry, proposed)
                    measured = replace(measured, proposals=proposals)
                    proposed += [one for one in proposals if one not in proposed]
            found.append(measured)
        return found

    def _measured(
        self, entry: _Entry, examples: Sequence[Example], cases: "_Cases", near: "_Neighbours"
    ) -> Covered:
        if entry.covers_pair is None:
            for lane, example in enumerate(examples):
                if entry.covers(cases, lane):
                    return Covered(entry.item, State.COVERED, (example.name,))
        else:
            fact, below, above = self._beside(entry)
            for one, other in near.pairs(fact, below, above):
                if entry.covers_pair(cases, one, other):
                    names = (examples[one].name, examples[other].name)
                    return Covered(entry.item, State.COVERED, names)
        possible = any(self._possible_for(entry, witness) for witness in entry.witnesses)
        return Covered(entry.item, State.OPEN if possible else State.IMPOSSIBLE)

    def _possible_for(self, entry: _Entry, witness: Literal) -> bool:
        """Whether some patient shows an item; one to be left open takes patients on either side."""
        sides = (entry.met, -entry.met) if entry.item.kind is ItemKind.UNKNOWN else (TRUE,)
        return all(self.patients.find(witness, side) is not None for side in sides)

    # What there is to cover

    def _all(self) -> Iterator[_Entry]:
        for section in self._subject.roots_of:
            yield from self._about_a_criterion(section)
        for section in self._subject.roots_of:
            yield from self._thresholds(section)
        yield from self._readings()
        yield from self._answers()

    def _exactly(self, derivation: Derivation) -> dict[Outcome, Literal]:
        literals = {o: derivation.literal(("outcome", o.value)) for o in OUTCOMES}
        return {
            outcome: self.circuit.all_of(
                literal if other is outcome else -literal for other, literal in literals.items()
            )
            for outcome in OUTCOMES
        }

    def _vary(self, given: Mapping[Atom, Literal]) -> Derivation:
        return self.circuit.vary(self._subject.derivation, given)

    def _supposing(self, section: str, above: Mapping[Atom, Literal]) -> tuple[Exact, Exact]:
        """Return what each case would come to were a criterion met, and were it not met."""
        atom: Atom = ("met", self._policy.number, section)
        if_met, if_not = (
            self._exactly(self._vary({**above, atom: value})) for value in (TRUE, -TRUE)
        )
        self._roots += [*if_met.values(), *if_not.values()]
        return if_met, if_not

    def _about_a_criterion(self, section: str) -> Iterator[_Entry]:
        """Yield a criterion met, not met and unknown, with the outcome hanging on it each time."""
        circuit, exact = self.circuit, self._exact
        met = self._subject.met(section)
        if_met, if_not = self._supposing(section, {})
        self._roots += [met, *exact.values()]

        def hangs_on_it_alone(cases: "_Cases", lane: int) -> bool:
            outcomes = [cases.outcome(lane, supposed) for supposed in (if_met, if_not)]
            return (
                cases.outcome(lane, exact) is Outcome.PEND
                and Outcome.PEND not in outcomes
                and outcomes[0] is not outcomes[1]
                and not cases.always(lane, met)
                and not cases.always(lane, -met)
            )

        yield _Entry(
            Item(
                ItemKind.MET,
                section,
                (section,),
                f"a settled case that meets {section}, with another outcome were {section} not met",
            ),
            tuple(circuit.all_of([met, exact[o], -if_not[o]]) for o in OUTCOMES),
            self._shows(met, if_not),
        )
        yield _Entry(
            Item(
                ItemKind.NOT_MET,
                section,
                (section,),
                f"a settled case that does not meet {section}, with another outcome were {section} met",
            ),
            tuple(circuit.all_of([-met, exact[o], -if_met[o]]) for o in OUTCOMES),
            self._shows(-met, if_met),
        )
        yield _Entry(
            Item(
                ItemKind.UNKNOWN,
                section,
                (section,),
                f"a case that pends on {section} alone: settled one way were {section} met, and "
                "another way were it not met",
            ),
            tuple(
                circuit.all_of([if_met[one], if_not[other]])
                for one, other in permutations(OUTCOMES, 2)
            ),
            hangs_on_it_alone,
            met=met,
        )

    def _shows(self, value: Literal, otherwise: Exact) -> Callable[["_Cases", int], bool]:
        """Tell whether a case is settled with a criterion as it is, and not so otherwise."""

        def covers(cases: "_Cases", lane: int) -> bool:
            outcome = cases.outcome(lane, self._exact)
            return (
                outcome is not Outcome.PEND
                and cases.always(lane, value)
                and not cases.always(lane, otherwise[outcome])
            )

        return covers

    def _compared(self, section: str) -> list[tuple[str, int]]:
        """Return the thresholds that a criterion compares itself, not through another criterion."""
        derivation = self._subject.derivation
        names = {number: atom for atom, number in derivation.program.atoms.items()}
        first = derivation.program.atoms.get(("met", self._policy.number, section), 0)
        pending, seen, found = [first], {first}, set[tuple[str, int]]()
        while pending:
            for rule in derivation.rules.get(pending.pop(), ()):
                for number in map(abs, rule.body):
                    atom = names.get(number, ("",))
                    if atom[0] == "reaches":
                        found.add((str(atom[1]), int(atom[2])))
                    elif atom[0] != "met" and number not in seen:
                        seen.add(number)
                        pending.append(number)
        return sorted(found)

    def _thresholds(self, section: str) -> Iterator[_Entry]:
        """Yield each threshold, with the outcome turning from a number below it to one at it."""
        circuit, exact = self.circuit, self._exact
        met = self._subject.met(section)
        for fact, least in self._compared(section):
            (place,) = self._inputs.of_fact[fact]
            domain = circuit.domains[place]
            if least not in domain.cuts:
                continue
            value = domain.cuts.index(least)
            step: Mapping[Atom, Literal] = {("reaches", fact, least): TRUE}
            above = self._vary(step)
            turned = above.literal(("met", self._policy.number, section))
            valid = -circuit.any_of(
                above.literal(atom) for atom in above.program.possible("impossible")
            )
            here, there = self._supposing(section, {}), self._supposing(section, step)
            base, exact_there = [circuit.holding(place, 1 << value), valid], self._exactly(above)
            shows = self._shows(met, here[1]), self._shows(-met, here[0])

            def turns(
                cases: "_Cases",
                one: int,
                other: int,
                shows: Sequence[Callable[["_Cases", int], bool]] = shows,
            ) -> bool:
                if cases.outcome(one, exact) is cases.outcome(other, exact):
                    return False
                return any(
                    shows[way](cases, one) and shows[1 - way](cases, other) for way in (0, 1)
                )

            stated = self._vocabulary.facts[fact]
            low, high = stated.number(least - 1), stated.number(least)
            yield _Entry(
                Item(
                    ItemKind.THRESHOLD,
                    f"{section} {fact} {low} | {high}",
                    (section,),
                    f"two cases alike but for {fact}, {low} and {high}: one meets {section}, the "
                    "other does not, and their outcomes differ",
                ),
                tuple(
                    circuit.all_of(
                        [
                            *base,
                            *(literal if way else -literal for literal in (met, -turned)),
                            *(exact[one], exact_there[other]),
                            *(-here[way][one], -there[1 - way][other]),
                        ]
                    )
                    for way in (0, 1)
                    for one, other in permutations(OUTCOMES, 2)
                ),
                covers_pair=turns,
                place=place,
                value=value,
            )

    def _readings(self) -> Iterator[_Entry]:
        """Yield each choice of a reading, with the outcome hanging on it."""
        number = self._policy.number
        for place, (name, domain) in enumerate(self._inputs.readings.items(), self._inputs_end):
            reading = self._policy.readings[name]
            under = {
                choice: self._exactly(
                    self._vary(
                        {
                            ("reads", number, name, other): TRUE if other == choice else -TRUE
                            for other in domain.names
                        }
                    )
                )
                for choice in domain.names
            }
            self._roots += [literal for exact in under.values() for literal in exact.values()]
            for choice in sorted(domain.names, key=lambda choice: choice != reading.default):
                yield self._about_a_choice(name, choice, place, under)

    def _about_a_choice(
        self, name: str, choice: str, place: int, under: Mapping[str, Exact]
    ) -> _Entry:
        reading = self._policy.readings[name]
        default = choice == reading.default
        others = [other for other in under if other != choice] if default else [reading.default]
        index = self.circuit.domains[place].names.index(choice)

        def covers(cases: "_Cases", lane: int) -> bool:
            return cases.possible[lane][place] == 1 << index and any(
                cases.outcome(lane, under[choice]) is not cases.outcome(lane, under[other])
                for other in others
            )

        instead = "another choice" if default else f"{reading.default}, the default"
        return _Entry(
            Item(
                ItemKind.READING,
                f"{name}={choice}",
                reading.sections,
                f"a case read with {name}={choice} that has another outcome under {instead}",
            ),
            tuple(
                self.circuit.all_of([self.circuit.holding(place, 1 << index), one[o], -another[o]])
                for other in others
                for one, another in permutations((under[choice], under[other]))
                for o in OUTCOMES
            ),
            covers,
        )

    def _answers(self) -> Iterator[_Entry]:
        """Yield each pathway, disposition, basis, referral and line of authorization."""
        subject = self._subject
        approve, refer, deny = (self._exact[outcome] for outcome in OUTCOMES)
        for section in subject.pathways:
            yield self._shown(
                Item(ItemKind.PATHWAY, section, (section,), f"a case approved under {section}"),
                [approve, subject.approves(section)],
            )
        for section in subject.dispositions:
            needs = f"a case referred or denied to which {section} applies"
            item = Item(ItemKind.DISPOSITION, section, (section,), needs)
            applies = subject.applies(section)
            entries = [self._shown(item, [outcome, applies]) for outcome in (refer, deny)]
            yield _either(entries)
        for atom in subject.answers("basis"):
            section, basis = str(atom[2]), str(atom[3])
            if section not in subject.pathways or basis != "medically_necessary":
                needs = f"a case denied as {basis} by {section}"
                item = Item(ItemKind.BASIS, f"{section} {basis}", (section,), needs)
                yield self._shown(item, [deny, subject.derivation.literal(atom)])
        referrals = subject.answers("refer_to")
        for atom in referrals:
            section, number = str(atom[2]), str(atom[3])
            needs = f"a case referred to {number} by {section}"
            item = Item(ItemKind.REFERRAL, f"{section} to {number}", (section,), needs)
            others = [
                -subject.derivation.literal(other) for other in referrals if other[3] != atom[3]
            ]
            literal = subject.derivation.literal(atom)
            yield self._shown(item, [refer, literal, *others])
        yield from self._authorizations(approve)

    def _authorizations(self, approve: Literal) -> Iterator[_Entry]:
        subject = self._subject
        derivation = subject.derivation
        for statement in ("months", "months_up_to", "quantity"):
            for atom in derivation.program.possible(statement):
                section, pathway, amount = str(atom[2]), str(atom[3]), int(atom[4])
                holds = [approve, subject.approves(pathway), derivation.literal(atom)]
                if statement == "quantity":
                    granted = f"a {atom[5]} limit of {amount} every {atom[6]} days"
                    ways = {granted: holds}
                elif statement == "months":
                    ways = {_months(amount): holds}
                else:
                    full = self._requested(amount)
                    ways = {
                        f"up to {_months(amount)}, all of them": [*holds, full],
                        f"up to {_months(amount)}, fewer requested": [*holds, -full],
                    }
                for granted, literals in ways.items():
                    needs = f"a case approved under {pathway} with {granted}"
                    subject_of = f"{section} for {pathway}: {granted}"
                    item = Item(ItemKind.AUTHORIZATION, subject_of, (section,), needs)
                    yield self._shown(item, literals)

    def _requested(self, months: int) -> Literal:
        """Return the literal by which so many months are requested, or more."""
        (place,) = self._inputs.of_fact["requested_months"]
        fact, domain = self._vocabulary.facts["requested_months"], self.circuit.domains[place]
        least = [fact.number(steps) for steps in (fact.lowest, *domain.cuts)]
        enough = sum(1 << value for value, number in enumerate(least) if number >= months)
        return self.circuit.holding(place, enough)

    def _shown(self, item: Item, literals: Iterable[Literal]) -> _Entry:
        """Return an item that a case shows if it has some literals whatever is open."""
        whole = self.circuit.all_of(literals)
        self._roots.append(whole)
        return _Entry(item, (whole,), lambda cases, lane: cases.always(lane, whole))

    # Cases

    @property
    def _inputs_end(self) -> int:
        return self.circuit.units_end

    def _possible(self, example: Example) -> list[int]:
        """Return the values that a case leaves to each unit and reading."""
        possible = [domain.all for domain in self.circuit.domains]
        self._inputs.confine(possible, example.known)
        for at, (name, domain) in enumerate(self._inputs.readings.items(), self._inputs_end):
            possible[at] = 1 << domain.names.index(example.readings[name])
        return possible

    def _beside(self, entry: _Entry) -> tuple[str, int, int]:
        """Return the fact of a threshold, and the steps just below it and at it."""
        domain = self.circuit.domains[entry.place]
        least = domain.cuts[entry.value]
        return domain.unit.fact, least - 1, least

    # Proposals

    def _twin(self, entry: _Entry, examples: Sequence[Example]) -> tuple[Example, ...]:
        """Return the case that is missing beside one at a threshold, or just below it."""
        if entry.covers_pair is None:
            return ()
        fact, *sides = self._beside(entry)
        known = [Bounds(steps, steps) for steps in sides]
        for example in examples:
            if example.known.get(fact) in known:
                pair = [replace(example, known={**example.known, fact: side}) for side in known]
                cases = _Cases(self, [self._possible(each) for each in pair])
                if self._all_valid(cases) and entry.covers_pair(cases, 0, 1):
                    (other,) = (each for each in pair if each.known != example.known)
                    return (replace(other, name=str(entry.item)),)
        return ()

    def _all_valid(self, cases: "_Cases") -> bool:
        """Whether each of some cases is free of contradictions."""
        return all(
            self.patients.find(*inside(self.circuit, dict(enumerate(possible)))) is not None
            for possible in cases.possible
        )

    def _proposed(self, entry: _Entry, before: Sequence[Example]) -> tuple[Example, ...]:
        """Return cases that would cover an item: some proposed before, or new ones in few facts."""
        if before and entry.covers_pair is None:
            cases = _Cases(self, [self._possible(example) for example in before])
            for lane, example in enumerate(before):
                if entry.covers(cases, lane):
                    return (example,)
        if entry.item.kind is ItemKind.UNKNOWN:
            return self._open_case(entry)
        for readings in self._ways_to_read():
            for witness in entry.witnesses:
                patient = self.patients.find(witness, *readings)
                if patient is not None:
                    return self._around(entry, witness, patient)
        return ()

    def _ways_to_read(self) -> Iterator[list[Literal]]:
        """Yield literals that choose the readings: the defaults, one other choice, then any."""
        circuit = self.circuit
        default = {
            place: 1
            << circuit.domains[place].names.index(
                self._policy.readings[circuit.domains[place].unit.fact].default
            )
            for place in range(self._inputs_end, len(circuit.domains))
        }
        yield inside(circuit, default)
        for place, chosen in default.items():
            for other in places(circuit.domains[place].all & ~chosen):
                yield inside(circuit, {**default, place: 1 << other})
        yield []

    def _around(self, entry: _Entry, witness: Literal, patient: Patient) -> tuple[Example, ...]:
        """Return the patient's case in few facts; for a threshold, with the one beside it."""
        kept = {*range(self._inputs_end, len(self.circuit.domains))}
        if entry.covers_pair is not None:
            kept.add(entry.place)
        region = {
            place: 1 << patient[place]
            for place in prime_region(self.patients, witness, patient, kept)
        }
        example = self._example(entry.item, region, patient)
        if entry.covers_pair is None:
            return (self._closed(entry, example),)
        fact, below, above = self._beside(entry)
        return tuple(
            replace(
                example,
                name=f"{example.name} ({self._vocabulary.facts[fact].number(steps)})",
                known={**example.known, fact: Bounds(steps, steps)},
            )
            for steps in (below, above)
        )

    def _open_case(self, entry: _Entry) -> tuple[Example, ...]:
        """Return a case that pends on a criterion alone: what settles the rest, and no more.

        If that settles the criterion too, patients who differ in one unit are made one case.
        """
        circuit = self.circuit
        kept = {*range(self._inputs_end, len(circuit.domains))}
        units = [*places(circuit.units([entry.met]) & ((1 << self._inputs_end) - 1))]
        for readings in self._ways_to_read():
            for witness in entry.witnesses:
                for side in (entry.met, -entry.met):
                    patient = self.patients.find(witness, side, *readings)
                    if patient is None:
                        break
                    region = dict(prime_region(self.patients, witness, patient, kept))
                    if self._covers(entry, region):
                        example = self._example(entry.item, region, patient)
                        return (self._closed(entry, example),)
                else:
                    for place in units:
                        first, second = [witness, entry.met, *readings], [witness, -entry.met]
                        found = self.patients.neighbours(place, first, second)
                        if found is None:
                            continue
                        one, other = found
                        region = dict(prime_region(self.patients, witness, one, {*kept, place}))
                        region[place] = self._between(place, one[place], other[place])
                        if self._covers(entry, region):
                            example = self._example(entry.item, region, one)
                            return (self._closed(entry, example),)
        return ()

    def _between(self, place: int, one: int, other: int) -> int:
        """Return two values of a unit, and all between them if it is a number."""
        if not self.circuit.domains[place].ordered:
            return 1 << one | 1 << other
        return (2 << max(one, other)) - (1 << min(one, other))

    def _covers(self, entry: _Entry, region: Mapping[int, int]) -> bool:
        possible = [region.get(p, values) for p, values in enumerate(self.circuit.all_values)]
        return entry.covers(_Cases(self, [possible]), 0)

    def _example(self, item: Item, region: Mapping[int, int], patient: Patient) -> Example:
        units = {place: values for place, values in region.items() if place < self._inputs_end}
        facts = self._vocabulary.facts
        known = as_known(self.circuit.domains, units, facts)
        for place, values in units.items():
            domain = self.circuit.domains[place]
            bounds = known[domain.unit.fact]
            if isinstance(bounds, Bounds) and not values & (values - 1):
                end = bounds.low if values & ~1 else bounds.high
                known[domain.unit.fact] = Bounds(end, end)
        readings = {
            domain.unit.fact: domain.names[patient[place]]
            for place, domain in enumerate(self.circuit.domains)
            if place >= self._inputs_end
        }
        return Example(str(item), dict(sorted(known.items())), readings)

    def _closed(self, entry: _Entry, example: Example) -> Example:
        """List sets whole that are known to be without several members, if that changes nothing."""
        for fact, value in example.known.items():
            if isinstance(value, Members) and len(value.excludes) >= FEWEST_CLOSED:
                excludes = self._vocabulary.facts[fact].known_values - value.includes
                known = {**example.known, fact: Members(value.includes, excludes)}
                closed = replace(example, known=known)
                cases = _Cases(self, [self._possible(closed)])
                if self._all_valid(cases) and entry.covers(cases, 0):
                    example = closed
        return example


def _months(amount: int) -> str:
    return f"{amount} month{'' if amount == 1 else 's'}"


def _either(entries: Sequence[_Entry]) -> _Entry:
    """Make one entry of several that speak of the same item, of which one will do."""
    return replace(
        entries[0],
        witnesses=tuple(witness for entry in entries for witness in entry.witnesses),
        covers=lambda cases, lane: any(entry.covers(cases, lane) for entry in entries),
    )


class _Neighbours:
    """The pairs of cases that differ in one number alone."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self._lanes: dict[tuple[str, int], dict[object, int]] = {}
        for lane, example in enumerate(examples):
            for fact, value in example.known.items():
                if isinstance(value, Bounds) and value.low == value.high:
                    rest = frozenset(
                        (other, known) for other, known in example.known.items() if other != fact
                    )
                    key = (rest, frozenset(example.readings.items()))
                    self._lanes.setdefault((fact, value.low), {}).setdefault(key, lane)

    def pairs(self, fact: str, below: int, above: int) -> Iterator[tuple[int, int]]:
        """Yield the places of cases alike but for a number, which is this in one, that in another."""
        others = self._lanes.get((fact, above), {})
        for key, lane in self._lanes.get((fact, below), {}).items():
            if key in others:
                yield lane, others[key]


class _Cases:
    """Cases side by side: what holds in every completion of one that is free of contradictions.

    Most questions are answered for all cases at once by Kleene's logic, the others by the patients.
    """

    def __init__(self, meter: Meter, possible: Sequence[Sequence[int]]) -> None:
        self._meter = meter
        self.possible = possible
        found = meter.surely(*meter.circuit.lanes(possible))
        half = len(meter.roots)
        self._surely: dict[Literal, int] = {
            **dict(zip(meter.roots, found[:half], strict=True)),
            **dict(zip((-root for root in meter.roots), found[half:], strict=True)),
        }
        self._inside: dict[int, list[Literal]] = {}
        self._known: dict[tuple[int, Literal], bool] = {}

    def always(self, lane: int, literal: Literal) -> bool:
        """Whether a literal holds in every completion of a case."""
        if self._surely.get(literal, 0) >> lane & 1:
            return True
        if self._surely.get(-literal, 0) >> lane & 1:
            return False
        key = (lane, literal)
        if key not in self._known:
            if lane not in self._inside:
                region = dict(enumerate(self.possible[lane]))
                self._inside[lane] = inside(self._meter.circuit, region)
            self._known[key] = self._meter.patients.find(-literal, *self._inside[lane]) is None
        return self._known[key]

    def outcome(self, lane: int, exact: Exact) -> Outcome:
        """Return the outcome of a case, by the literals that say which is the only one."""
        for outcome, literal in exact.items():
            if self.always(lane, literal):
                return outcome
        return Outcome.PEND
