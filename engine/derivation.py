"""Deriving facts from a patient's records by the rules of the knowledge base.

The rules are plain clingo (kb/derivations). For each case they are grounded over its records, which
come in as terms: everything they derive is then settled, so nothing is solved. Rules that nothing
on record can reach are left out before.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import clingo
from clingo.ast import AST, ASTType, Sign, parse_string

from engine.derived import (
    Caution,
    Conflict,
    Derivation,
    DerivedFact,
    RecordProblem,
    RuleUsed,
    Source,
)
from engine.grounding import plain_term
from engine.policy import Version
from engine.program import Atom, GroundProgram, Term
from engine.recorded import Recorded, record_atoms
from engine.references import Reference, Statement, statements
from facts.errors import PolicygroundsError
from facts.records import Analyte, Records, RecordWords
from facts.values import NO, YES, Bounds, Known, Members, OneOf, case_form, narrowed
from facts.vocabulary import Fact, Kind, Vocabulary

_INTAKE = (Path(__file__).parent / "encodings" / "records.lp").read_text("ascii")

_REFERENCE_KINDS = ("label", "safety", "response_criteria")
"""The references whose figures rules of derivation look at."""
_SPOKEN = {
    "shows": 2,
    "requires_any": 3,
    "requires_all": 3,
    "counts_if": 2,
    "assessments": 2,
    "calls_for": 2,
    "interaction": 2,
    "supportive_care": 2,
}
"""Statements of references that rules look at, and how many of their arguments are texts."""
_PERCENT = ("percent_rise_from_lowest", "percent_fall_from_baseline")
_KINDS = ("hold", "start_later", "reduce", "interaction", "pregnancy_prevention")
"""Cautions in the order in which they are listed."""
_MOST_LIMIT = 10_000_000


@dataclass(frozen=True, slots=True)
class DerivationFile:
    """A file of rules of derivation: its name in messages, and its text."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class _Rule:
    """One rule as text, with what its head derives and what its body needs to hold."""

    text: str
    head: str
    needs: frozenset[str]


class Deriver:
    """Derives facts from records. Safe to share between threads: each case has its own solver."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        files: Sequence[DerivationFile],
        references: Mapping[str, Reference],
    ) -> None:
        """`files` are rules, and `references` what their figures are taken from."""
        self._vocabulary = vocabulary
        self._references = {
            name: reference
            for name, reference in references.items()
            if reference.kind in _REFERENCE_KINDS
        }
        self._texts: dict[tuple[str, str], Mapping[str, Statement]] = {}
        self._rules = [rule for file in files for rule in _rules(file)]
        self._intake = list(_rules(DerivationFile("records.lp", _INTAKE)))
        self._slices: dict[frozenset[str], str] = {}
        self._stated: dict[tuple[str, ...], Mapping[str, Sequence[clingo.Symbol]]] = {}

    @cached_property
    def _program(self) -> "_Ground":
        """What holds whatever is on record: words, rules and their citations."""
        return _ground("\n".join(rule.text for rule in self._rules), {})

    @cached_property
    def words(self) -> RecordWords:
        """The words records are written in."""
        return _words(self._program, self._vocabulary)

    @cached_property
    def _measurements(self) -> Mapping[str, str]:
        return {str(name): str(shown) for name, shown, _ in self._program.of("analyte")}

    @cached_property
    def _agents(self) -> Mapping[str, str]:
        return {str(drug): str(agent) for drug, agent, _ in self._program.of("agent")}

    @cached_property
    def _used(self) -> Mapping[str, RuleUsed]:
        sources: dict[str, list[Source]] = {}
        for rule, document, section in self._program.of("cites"):
            sources.setdefault(str(rule), []).append(Source(str(document), str(section)))
        return {
            str(name): RuleUsed(str(name), str(text), tuple(sources.get(str(name), ())))
            for name, text in self._program.of("rule")
        }

    def derive(
        self, records: Records, known: Mapping[str, Known], *, on: str, drug: str
    ) -> Derivation:
        """Derive what records show at a request, and lay it over what the case asserts.

        `drug` is the policy's own. Records that cannot be so are reported and left out.
        """
        problems: list[RecordProblem] = []
        without: set[str] = set()
        while True:
            recorded = record_atoms(
                records,
                date.fromisoformat(on),
                self.words,
                self._measurements,
                self._agents,
                without,
            )
            self._assert(recorded, known, drug)
            ground = self._grounded(recorded, on)
            found = [*recorded.problems, *_problems(ground, recorded)]
            new = [problem for problem in found if problem.record not in without]
            problems += new
            if not new:
                break
            without.update(problem.record for problem in new)
        problems += [
            RecordProblem(str(name), "complete", str(text))
            for name, text in ground.of("list_problem")
        ]
        facts, conflicts = self._facts(ground, recorded)
        together = dict(known)
        for derived in facts:
            asserted = known.get(derived.fact)
            both = derived.value if asserted is None else narrowed(asserted, derived.value)
            if both is None:
                conflicts.append(_contradicted(derived))
            else:
                together[derived.fact] = both
        return Derivation(
            tuple(facts),
            tuple(self._cautions(ground, recorded, on)),
            tuple(dict.fromkeys(problems)),
            tuple(conflicts),
            dict(sorted(together.items())),
        )

    def _assert(self, recorded: Recorded, known: Mapping[str, Known], drug: str) -> None:
        """Enter what rules look at beside the records: the own drug, and what sets are known to be."""
        recorded.add("own", drug)
        for name in self._vocabulary.drugs:
            recorded.add("drug", name)
        for name, fact in self._vocabulary.facts.items():
            if fact.kind is Kind.NUMBER:
                recorded.add("highest", name, fact.highest)
        for name, value in known.items():
            if isinstance(value, Members):
                for member in sorted(value.includes):
                    recorded.add("includes", name, member)
                for member in sorted(value.excludes):
                    recorded.add("excludes", name, member)

    def _grounded(self, recorded: Recorded, on: str) -> "_Ground":
        terms = {
            predicate: [_term([_symbol(one) for one in arguments]) for arguments in atoms]
            for predicate, atoms in recorded.atoms.items()
        }
        every = {**terms, **self._limits(on)}
        return _ground(self._slice(frozenset(every)), every)

    def _slice(self, present: frozenset[str]) -> str:
        """Return the rules that can fire where some predicates have atoms, and others none."""
        if present not in self._slices:
            intake = [rule for rule in self._intake if rule.head in present]
            reachable = {rule.head for rule in intake}
            rules = [rule for rule in self._rules if rule.head not in _STATIC]
            reached: list[_Rule] = []
            while True:
                more = [rule for rule in rules if rule.needs <= reachable]
                if len(more) == len(reached):
                    break
                reached = more
                reachable |= {rule.head for rule in more}
            self._slices[present] = "\n".join(rule.text for rule in (*intake, *reached))
        return self._slices[present]

    def _limits(self, on: str) -> Mapping[str, Sequence[clingo.Symbol]]:
        """Return what references state on a date, as terms; amounts are counted in steps."""
        versions = [_in_force(reference, on) for reference in self._references.values()]
        key = tuple(version.start for version in versions)
        if key not in self._stated:
            stated: dict[str, list[clingo.Symbol]] = {}
            for reference, version in zip(self._references.values(), versions, strict=True):
                about = [clingo.String(reference.name), clingo.Function(reference.subject)]
                stated.setdefault("about", []).append(_term(about))
                for name, texts in _SPOKEN.items():
                    for arguments in version.program.arguments(name):
                        symbols = [
                            clingo.String(str(one)) if at < texts else _symbol(one)
                            for at, one in enumerate(arguments)
                        ]
                        stated.setdefault(name, []).append(_term(symbols))
                limits = self._thresholds(version.program)
                stated.setdefault("limit", []).extend(limits)
            self._stated[key] = stated
        return self._stated[key]

    def _thresholds(self, program: GroundProgram) -> Iterator[clingo.Symbol]:
        scales = {
            (str(measurement), str(unit)): int(steps)
            for measurement, unit, steps in self._program.of("scale")
        }
        for name, section, measurement, change, comparison, amount, unit in program.arguments(
            "threshold"
        ):
            fact = self._vocabulary.facts.get(str(measurement))
            if change in _PERCENT:
                scale: int | None = 1
            elif fact is not None:
                scale = 10**fact.decimals
            else:
                scale = scales.get((str(measurement), str(unit)))
            if scale is None:
                continue  # nothing on record is counted so
            steps = Decimal(str(amount)) * scale
            if steps != int(steps) or steps > _MOST_LIMIT:
                raise PolicygroundsError(
                    f"reference {name!r}, section {section!r}: the threshold of {measurement} has "
                    "more digits than its records are counted in"
                )
            text = [clingo.String(str(name)), clingo.String(str(section))]
            words = [clingo.Function(str(word)) for word in (measurement, change, comparison)]
            yield _term([*text, *words, clingo.Number(int(steps))])

    def _facts(
        self, ground: "_Ground", recorded: Recorded
    ) -> tuple[list[DerivedFact], list[Conflict]]:
        facts: list[DerivedFact] = []
        conflicts: list[Conflict] = []
        rests: dict[tuple[str, str], set[int]] = {}
        for rule, fact, number in ground.of("rests_on"):
            rests.setdefault((str(rule), str(fact)), set()).add(int(number))
        said: dict[str, list[tuple[str, Known | None]]] = {}
        for rule, name, value in self._conclusions(ground):
            said.setdefault(name, []).append((rule, value))
        for name, sayings in sorted(said.items()):
            rules = sorted({rule for rule, _ in sayings})
            numbers = set[int]().union(*(rests.get((rule, name), set()) for rule in rules))
            places = tuple(recorded.places[number] for number in sorted(numbers))
            together = _together([value for _, value in sayings])
            if together is None:
                message = (
                    f"The records contradict each other on {name} ({', '.join(places)}; "
                    f"rules: {', '.join(rules)})"
                )
                conflicts.append(Conflict(name, message))
            elif together != _whole(self._vocabulary.facts[name]):
                used = tuple(self._used[rule] for rule in rules)
                stated = _stated(self._vocabulary.facts[name], together)
                facts.append(DerivedFact(name, together, stated, places, used))
        return facts, conflicts

    def _conclusions(self, ground: "_Ground") -> Iterator[tuple[str, str, Known | None]]:
        """Yield what rules conclude of facts; None is what cannot be."""
        facts = self._vocabulary.facts
        excluded: dict[tuple[str, str], set[str]] = {}
        members: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
        for rule, name in ground.of("derives_yes"):
            yield str(rule), str(name), YES
        for rule, name in ground.of("derives_no"):
            yield str(rule), str(name), NO
        for rule, name, number in ground.of("derives_at_least"):
            fact = facts[str(name)]
            least = min(max(int(number), fact.lowest), fact.highest)
            yield str(rule), fact.name, Bounds(least, fact.highest)
        for rule, name, number in ground.of("derives_at_most"):
            fact = facts[str(name)]
            most = max(min(int(number), fact.highest), fact.lowest)
            yield str(rule), fact.name, Bounds(fact.lowest, most)
        for rule, name, value in ground.of("derives_only"):
            yield str(rule), str(name), OneOf(frozenset([str(value)]))
        for rule, name, value in ground.of("derives_not"):
            excluded.setdefault((str(rule), str(name)), set()).add(str(value))
        for (rule, name), values in excluded.items():
            left = facts[name].known_values - values
            yield rule, name, OneOf(left) if left else None
        for at, predicate in enumerate(("derives_member", "derives_no_member")):
            for rule, name, member in ground.of(predicate):
                members.setdefault((str(rule), str(name)), (set(), set()))[at].add(str(member))
        for (rule, name), (includes, excludes) in members.items():
            clash = includes & excludes
            yield rule, name, None if clash else Members(frozenset(includes), frozenset(excludes))

    def _text(self, document: str, section: str, on: str) -> str:
        """Return what a section of a reference states on a date; a version is read once."""
        version = _in_force(self._references[document], on)
        key = (document, version.start)
        if key not in self._texts:
            self._texts[key] = statements(version)
        return self._texts[key][section].text

    def _cautions(self, ground: "_Ground", recorded: Recorded, on: str) -> Iterator[Caution]:
        found: dict[tuple[str, str, str, bool], set[int]] = {}
        for kind, document, section, certainty, *numbers in ground.of("warns"):
            key = (str(kind), str(document), str(section), certainty == "certain")
            found.setdefault(key, set()).update(int(number) for number in numbers)
        for (kind, document, section, certain), on_account_of in sorted(
            found.items(), key=lambda item: (_KINDS.index(item[0][0]), *item[0][1:])
        ):
            yield Caution(
                kind,
                self._text(document, section, on),
                certain,
                tuple(recorded.places[number] for number in sorted(on_account_of)),
                Source(document, section),
            )


_STATIC = frozenset(
    {"word", "analyte", "loinc", "loinc_trap", "unit", "against_limit", "result", "scale", "agent"}
    | {"rule", "cites"}
)
"""What the rules state of themselves, and what words there are: read once."""


def _whole(fact: Fact) -> Known | None:
    """Return what says nothing of a fact, in the form rules conclude it in."""
    match fact.kind:
        case Kind.NUMBER:
            return Bounds(fact.lowest, fact.highest)
        case Kind.CHOICE:
            return OneOf(fact.known_values)
        case Kind.SET:
            return Members(frozenset(), frozenset())
        case Kind.BOOLEAN:
            return None


def _together(values: Sequence[Known | None]) -> Known | None:
    """Return what is known if all of several things are, or None if they contradict each other."""
    first, *others = values
    for other in others:
        first = narrowed(first, other) if first is not None and other is not None else None
    return first


class _Ground:
    """The atoms of a ground program, all of them settled."""

    def __init__(self, control: clingo.Control) -> None:
        self._control = control  # the atoms live as long as it does
        self._atoms = control.symbolic_atoms
        self._arities: dict[str, list[int]] = {}
        for name, arity, positive in self._atoms.signatures:
            if positive:
                self._arities.setdefault(name, []).append(arity)

    def of(self, predicate: str) -> list[Atom]:
        """Return the arguments of a predicate's atoms, sorted."""
        found = (
            tuple(plain_term(argument) for argument in atom.symbol.arguments)
            for arity in self._arities.get(predicate, ())
            for atom in self._atoms.by_signature(predicate, arity)
        )
        return sorted(found, key=lambda atom: [str(one) for one in atom])


class _Context:
    """Hands terms over to the intake: a method for each predicate."""

    def __init__(self, terms: Mapping[str, Sequence[clingo.Symbol]]) -> None:
        for predicate, symbols in terms.items():
            setattr(self, predicate, _handing(symbols))


def _handing(symbols: Sequence[clingo.Symbol]) -> Callable[[], Sequence[clingo.Symbol]]:
    return lambda: symbols


def _in_force(reference: Reference, on: str) -> Version:
    """Return the version in force on a date; the latest where none covers it."""
    return reference.version(on) or reference.versions[-1]


def _ground(text: str, terms: Mapping[str, Sequence[clingo.Symbol]]) -> _Ground:
    control = clingo.Control(["--warn=none"], logger=lambda *_: None)
    control.add("base", [], text)
    control.ground([("base", [])], context=_Context(terms))
    return _Ground(control)


def _rules(file: DerivationFile) -> Iterator[_Rule]:
    statements: list[AST] = []
    parse_string(file.text, statements.append)
    for statement in statements:
        if statement.ast_type is ASTType.Rule:
            for rule in statement.unpool():
                needs = (
                    literal.atom.symbol.name
                    for literal in rule.body
                    if literal.ast_type is ASTType.Literal
                    and literal.atom.ast_type is ASTType.SymbolicAtom
                    and literal.sign == Sign.NoSign
                )
                yield _Rule(str(rule), _head(rule), frozenset(needs))


def _head(rule: AST) -> str:
    return str(rule.head.atom.symbol.name)


def _symbol(term: Term) -> clingo.Symbol:
    return clingo.Number(term) if isinstance(term, int) else clingo.Function(term)


def _term(symbols: Sequence[clingo.Symbol]) -> clingo.Symbol:
    return symbols[0] if len(symbols) == 1 else clingo.Tuple_(symbols)


def _problems(ground: _Ground, recorded: Recorded) -> Iterator[RecordProblem]:
    for number, name, text in ground.of("problem"):
        yield RecordProblem(recorded.places[int(number)], str(name), str(text))


def _contradicted(derived: DerivedFact) -> Conflict:
    rules = ", ".join(rule.name for rule in derived.rules)
    return Conflict(
        derived.fact,
        f"The case asserts of {derived.fact} what its records contradict "
        f"({', '.join(derived.records)}; rules: {rules})",
    )


def _stated(fact: Fact, known: Known) -> object:
    """Return a value in the JSON form of a case, the plainest there is."""
    if isinstance(known, Bounds) and known.low == known.high:
        return fact.number(known.low)
    if isinstance(known, OneOf) and len(known.values) == 1:
        return min(known.values)
    if isinstance(known, Members) and len(known.includes) + len(known.excludes) == len(fact.values):
        return sorted(known.includes)
    return case_form(fact, known)


def _words(program: _Ground, vocabulary: Vocabulary) -> RecordWords:
    words: dict[str, dict[str, str]] = {"agent": {}}
    for kind, word, text in program.of("word"):
        words.setdefault(str(kind), {})[str(word)] = str(text)
    for drug, _, text in program.of("agent"):
        words["agent"][str(drug)] = str(text)
    units: dict[str, dict[str, int]] = {}
    for analyte, unit, steps in program.of("unit"):
        units.setdefault(str(analyte), {})[str(unit)] = int(steps)
    results: dict[str, set[str]] = {}
    for analyte, result in program.of("result"):
        results.setdefault(str(analyte), set()).add(str(result))
    against = {str(name) for (name,) in program.of("against_limit")}
    drugs = {name.lower(): name for name in vocabulary.drugs}
    for known in vocabulary.drugs.values():
        drugs |= {alias.lower(): known.name for alias in (known.title, *known.brands)}
        drugs |= {code.code.lower(): known.name for code in known.codes}
    return RecordWords(
        words,
        drugs,
        {
            str(name): Analyte(
                str(name),
                str(title),
                units.get(str(name), {}),
                frozenset(results.get(str(name), ())),
                str(name) in against,
            )
            for name, _, title in program.of("analyte")
        },
        {str(code): str(analyte) for analyte, code in program.of("loinc")},
        {str(code): str(text) for code, text in program.of("loinc_trap")},
    )
