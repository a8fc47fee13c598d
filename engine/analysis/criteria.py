"""Findings about criteria: what is never or always met, and what no outcome ever hangs on."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, combinations, pairwise, permutations, product

from engine.analysis.answers import using
from engine.analysis.finding import Finding, FindingKind, Severity, Witness
from engine.analysis.report import Report, listed
from engine.analysis.subject import PARTS, Subject, outcomes
from engine.circuit import TRUE, Derivation, Literal
from engine.program import Atom, Rule
from engine.statements import (
    POLICY_CONDITIONS,
    POLICY_STATEMENTS,
    RESERVED,
    VOCABULARY_STATEMENTS,
)

KIND_OF_RULE = {"all": "has_unmet_part", "none": "has_met_part", "any": "met"}
"""The predicate by whose rules a criterion looks at its parts (encodings/language.lp)."""


LANGUAGE = {*RESERVED, *POLICY_STATEMENTS, *POLICY_CONDITIONS, *VOCABULARY_STATEMENTS}
"""Predicates that no policy can define for itself."""


def check_criteria(report: Report, dead: Callable[[], "Dead"]) -> Iterator[Finding]:
    """Find criteria and parts of criteria that do no work, with the reason where there is one."""
    yield from dead().findings
    idle = set(dead().sections)
    for section, finding in chain(_always_met(report), _contained(report)):
        idle.add(section)
        yield finding
    yield from _never_decisive(report, idle)
    yield from _same(report)
    yield from _nested_ways(report)


class Dead:
    """The criteria of a version that never help: nobody meets them, or all that is asked beside."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.sections: set[str] = set()
        self.findings: list[Finding] = []
        subject = report.subject
        self._closed = {
            root for root in (*subject.pathways, *subject.dispositions) if self._is_closed(root)
        }
        for section, roots in subject.roots_of.items():
            parents = subject.parents.get(section, ())
            if set(roots) <= self._closed or (parents and self.sections.issuperset(parents)):
                self.sections.add(section)
            else:
                self._look_at(section, [root for root in roots if root not in self._closed])

    def _is_closed(self, root: str) -> bool:
        """Whether nobody comes under a root, or meets what it asks of all; say so."""
        report, subject = self._report, self._report.subject
        applies = subject.applies(root)
        if subject.patients.find(applies) is None:
            self._say(FindingKind.NEVER_MET, root, [root], f"No patient comes under {root}")
            return True
        asked = _asked(subject, root)
        if subject.patients.find(applies, *map(subject.met, asked)) is not None:
            return False
        core = _smallest(subject, [applies], asked)
        together = f"{listed(core)} together" if len(core) > 1 else core[0]
        self._say(
            FindingKind.CONTRADICTING_SECTIONS if len(core) > 1 else FindingKind.NEVER_MET,
            root if len(core) > 1 else core[0],
            [root, *core],
            f"Where {root} applies, no patient meets {together}, so {root} is never met",
            _shown(report, [applies]),
        )
        return True

    def _look_at(self, section: str, roots: Sequence[str]) -> None:
        report, subject = self._report, self._report.subject
        if subject.patients.find(subject.met(section)) is None:
            self.sections.add(section)
            self._say(FindingKind.NEVER_MET, section, [section], f"No patient meets {section}")
            return
        against = [_ruled_out(subject, root, section) for root in roots]
        if against and all(against):
            self.sections.add(section)
            sections = sorted({other for some in against for other in some or ()})
            self._say(
                FindingKind.CONTRADICTING_SECTIONS,
                section,
                [section, *sections],
                f"Where {listed(roots)} applies, whoever meets {section} cannot meet "
                f"{listed(sections)}, which is asked for too, so {section} never helps",
                _shown(report, [subject.met(section), subject.applies(roots[0])]),
                f"Waive {listed(sections)} for {section}, or say in a reading which binds",
            )

    def _say(
        self,
        kind: FindingKind,
        about: str,
        sections: Sequence[str],
        text: str,
        witnesses: Sequence[Witness] = (),
        repair: str = "Correct the rule, or take the section out if the document allows",
    ) -> None:
        self.findings.append(self._report.finding(kind, about, sections, text, witnesses, repair))


def _asked(subject: Subject, root: str) -> list[str]:
    """Return the criteria without further parts that a root asks of everybody."""
    branch = subject.branches.get(root)
    if branch is None or branch.needs != "all":
        return [root]
    return list(dict.fromkeys(part for each in branch.parts for part in _asked(subject, each)))


def _smallest(subject: Subject, base: Sequence[Literal], asked: Sequence[str]) -> list[str]:
    """Leave out of criteria that nobody meets together what is not needed for that."""
    kept = list(asked)
    for part in asked:
        rest = [other for other in kept if other != part]
        if subject.patients.find(*base, *map(subject.met, rest)) is None:
            kept = rest
    return kept


def _shown(report: Report, literals: Iterable[Literal]) -> list[Witness]:
    witness = report.population.example(report.subject, literals)
    return [witness] if witness else []


def _ruled_out(subject: Subject, root: str, section: str) -> list[str] | None:
    """Return criteria of a tree, all of them asked for, that a section cannot be met with.

    None if it can be met with all of them on some way up to the root, or is an exclusion on one.
    """
    patients = subject.patients
    base = [subject.applies(root), subject.met(section)]
    if patients.find(*base) is None:
        return None
    found: list[str] = []
    for way in _ways(subject, root, section):
        required = _required(subject, way)
        if required is None or patients.find(*base, *map(subject.met, required)) is not None:
            return None
        found += _smallest(subject, base, required)
    return found


def _required(subject: Subject, way: Sequence[str]) -> list[str] | None:
    """Return what is asked for beside a way down the tree; None if the way leads to an exclusion."""
    required: list[str] = []
    for above, below in pairwise(way):
        branch = subject.branches[above]
        if branch.needs == "none":
            return None
        if branch.needs == "all":
            required += [part for part in branch.parts if part != below]
    return list(dict.fromkeys(required))


def _ways(subject: Subject, root: str, section: str) -> Iterator[list[str]]:
    """Yield the ways from a root down to a section."""
    if section == root:
        yield [section]
        return
    for above in subject.parents.get(section, ()):
        if root in subject.roots_of[above]:
            for way in _ways(subject, root, above):
                yield [*way, section]


def _always_met(report: Report) -> Iterator[tuple[str, Finding]]:
    """Find criteria that are met wherever their pathway applies."""
    subject, patients = report.subject, report.population.patients
    for section, roots in subject.roots_of.items():
        met = subject.met(section)
        live = [root for root in roots if patients.find(subject.applies(root)) is not None]
        if section in roots or not live:
            continue
        if not all(patients.always(met, subject.applies(root)) for root in live):
            continue
        holds = "in every case" if patients.always(met) else f"wherever {listed(live)} applies"
        text = f"{section} is met {holds}"
        yield section, report.finding(FindingKind.ALWAYS_MET, section, [section], text)


def _contained(report: Report) -> Iterator[tuple[str, Finding]]:
    """Find parts of one criterion of which one makes another needless."""
    subject, patients = report.subject, report.population.patients
    trivial: dict[str, bool] = {}

    def is_open(section: str) -> bool:
        """Whether some patients meet a criterion and others do not."""
        if section not in trivial:
            met = subject.met(section)
            trivial[section] = patients.find(met) is None or patients.find(-met) is None
        return not trivial[section]

    groups = [(section, branch.needs, branch.parts) for section, branch in subject.branches.items()]
    for section, needs, parts in groups:
        if section not in subject.roots_of or needs not in ("all", "any", "none"):
            continue
        for one, other in combinations(filter(is_open, parts), 2):
            mine, theirs = subject.met(one), subject.met(other)
            forth, back = patients.always(theirs, mine), patients.always(mine, theirs)
            if forth and back:
                both = f"{one} and {other} are met by the same patients"
                rest = f", and {section} asks for both" if needs == "all" else ": one would do"
                repair = f"Take one of the two out of {section}"
                yield (
                    other,
                    report.finding(
                        FindingKind.SAME_EFFECT,
                        f"{one} = {other}",
                        [one, other],
                        both + rest,
                        repair=repair,
                    ),
                )
            elif forth or back:
                narrow, wide = (one, other) if forth else (other, one)
                idle = wide if needs == "all" else narrow
                yield (
                    idle,
                    report.finding(
                        FindingKind.CONTAINED,
                        f"{narrow} in {wide}",
                        [narrow, wide],
                        f"Whoever meets {narrow} meets {wide} too, so {section} would ask the same "
                        f"without {idle}",
                        _shown(report, [subject.met(wide), -subject.met(narrow)]),
                        repair=f"Take {idle} out of {section}, unless the document means more by it",
                    ),
                )


def _never_decisive(report: Report, idle: set[str]) -> Iterator[Finding]:
    """Find parts without which every patient would get the same answer."""
    subject = report.subject
    for parent, branch in subject.branches.items():
        if parent not in subject.roots_of or branch.needs not in KIND_OF_RULE:
            continue
        for part in branch.parts:
            if part in idle:
                continue
            rules = _looking(subject, parent, branch.needs, part)
            if not rules:
                continue
            varied = report.population.circuit.vary(subject.derivation, {}, rules)
            if report.population.patients.find(differs(report, varied)) is None:
                yield report.finding(
                    FindingKind.NEVER_DECISIVE,
                    f"{part} of {parent}",
                    [part, parent],
                    f"No answer hangs on {part}: without it in {parent}, every patient would get "
                    "the same",
                    _shown(report, [-subject.met(part)]),
                )


def _looking(subject: Subject, parent: str, needs: str, part: str) -> list[Rule]:
    """Return the rules by which a criterion looks at one of its parts."""
    atoms = subject.derivation.program.atoms
    head = atoms.get((KIND_OF_RULE[needs], subject.number, parent))
    met = atoms.get(("met", subject.number, part))
    if head is None or met is None:
        return []
    body = (-met,) if needs == "all" else (met,)
    return [rule for rule in subject.derivation.rules.get(head, ()) if rule.body == body]


def differs(report: Report, varied: Derivation) -> Literal:
    """Return a literal that holds where a variant gives another answer than the version."""
    subject, circuit = report.subject, report.population.circuit
    other_subject = Subject(circuit, varied, subject.stated, report.population.patients)
    pairs = [
        (subject.says(outcome), other_subject.says(outcome)) for outcome, _ in outcomes(subject)
    ]
    for part in PARTS:
        theirs = other_subject.values(part)
        pairs += [(mine, theirs[value]) for value, mine in subject.values(part).items()]
    return circuit.any_of(
        literal
        for one, other in pairs
        if one != other
        for literal in (circuit.all_of([one, -other]), circuit.all_of([-one, other]))
    )


def _same(report: Report) -> Iterator[Finding]:
    """Find criteria of different places that ask the same."""
    subject, patients = report.subject, report.population.patients
    classes: list[list[str]] = []
    for section in subject.roots_of:
        met = subject.met(section)
        if abs(met) == TRUE or _is_single_part(subject, section):
            continue
        for members in classes:
            other = subject.met(members[0])
            if met == other or (patients.always(met, other) and patients.always(other, met)):
                members.append(section)
                break
        else:
            classes.append([section])
    for members in classes:
        met = subject.met(members[0])
        if len(members) > 1 and patients.find(met) is not None and not patients.always(met):
            wording = {subject.texts.get(section, "") for section in members}
            words = "in the same words" if len(wording) == 1 else "in different words"
            yield report.finding(
                FindingKind.SAME_CRITERION,
                " = ".join(members),
                members,
                f"{listed(members)} ask the same, {words}",
            )


def _is_single_part(subject: Subject, section: str) -> bool:
    """Whether a criterion stands or falls with another that is above it, its only part."""
    return any(
        subject.branches[above].parts == (section,) for above in subject.parents.get(section, ())
    )


def _nested_ways(report: Report) -> Iterator[Finding]:
    """Find ways to a statement of the policy's own, of which one holds another."""
    subject, patients = report.subject, report.population.patients
    derivation = subject.derivation
    names = {number: atom for atom, number in derivation.program.atoms.items()}
    for head, rules in sorted(derivation.rules.items()):
        atom = names.get(head, ())
        if atom[1:2] != (subject.number,) or atom[0] in LANGUAGE:
            continue
        ways: list[tuple[str, Literal]] = []
        for rule in chain.from_iterable(_spelled(rule, names, derivation) for rule in rules):
            asked = {names.get(abs(part), ("",))[0] for part in rule.body}
            literal = _all_of(report, rule)
            if not asked & {"reads", "met", "applies"} and patients.find(literal) is not None:
                ways.append((_called(rule, names, derivation, subject.number), literal))
        found: dict[str, list[str]] = {}
        for (place, (way, mine)), (at, (other, theirs)) in permutations(enumerate(ways), 2):
            first = (other, at) < (way, place)
            if patients.always(theirs, mine) and (first or not patients.always(mine, theirs)):
                found.setdefault(way, []).append(other)
        for way, others in found.items():
            wider = [repr(other) for other in dict.fromkeys(others) if other != way]
            within = f"contained in {listed(wider)}" if wider else "stated twice"
            yield report.finding(
                FindingKind.CONTAINED,
                f"{atom[0]}: {way}",
                using(report, derivation.program, head),
                f"Of the ways to {atom[0]!r}, {way!r} is {within}",
                severity=Severity.NOTE,
            )


def _spelled(rule: Rule, names: Mapping[int, Atom], derivation: Derivation) -> Iterator[Rule]:
    """Yield a rule for each choice of members, where the grounder put "any member" in one atom."""
    pools = [
        [each.body for each in derivation.rules[part]]
        if part > 0 and _any_member(part, names, derivation)
        else [(part,)]
        for part in rule.body
    ]
    for bodies in product(*pools):
        yield replace(rule, body=tuple(dict.fromkeys(chain.from_iterable(bodies))))


def _any_member(number: int, names: Mapping[int, Atom], derivation: Derivation) -> Sequence[Atom]:
    """Return the atoms of which an atom without a name asks for any; none if it asks otherwise."""
    rules = derivation.rules.get(number, ())
    if number in names or any(len(rule.body) != 1 or rule.body[0] not in names for rule in rules):
        return ()
    return [names[rule.body[0]] for rule in rules]


def _all_of(report: Report, rule: Rule) -> Literal:
    """Return the literal of a rule's body."""
    literals = report.subject.derivation.literals
    return report.population.circuit.all_of(
        literals[part] if part > 0 else -literals[-part] for part in rule.body
    )


def _called(rule: Rule, names: Mapping[int, Atom], derivation: Derivation, policy: str) -> str:
    """Name a way by what its conditions ask, without the policy's number."""
    atoms = sorted(
        (
            (atom, part > 0)
            for part in rule.body
            if (atom := names.get(abs(part)) or _pattern(_any_member(-part, names, derivation)))
        ),
        key=str,
    )
    if len(atoms) == 1 and len(atoms[0][0]) == 3 and atoms[0][0][1] == policy:
        return str(atoms[0][0][2])
    return ", ".join(
        f"{'' if holds else 'not '}{' '.join(str(term) for term in atom if term != policy)}"
        for atom, holds in atoms
    )


def _pattern(atoms: Sequence[Atom]) -> Atom:
    """Return what atoms have in common, with "_" where they differ."""
    return tuple(terms[0] if len(set(terms)) == 1 else "_" for terms in zip(*atoms, strict=True))
