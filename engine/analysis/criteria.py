"""Findings about criteria: what is never or always met, and what no outcome ever hangs on."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, combinations, pairwise

from engine.analysis.finding import Finding, FindingKind, Witness
from engine.analysis.report import Report, listed
from engine.analysis.subject import PARTS, Subject, outcomes
from engine.circuit import TRUE, Derivation, Literal
from engine.program import Rule

KIND_OF_RULE = {"all": "has_unmet_part", "none": "has_met_part", "any": "met"}
"""The predicate by whose rules a criterion looks at its parts (encodings/language.lp)."""
CORRECT = "Correct the rule, or take the section out if the document allows"


def check_criteria(report: Report, dead: Callable[[], "Dead"]) -> Iterator[Finding]:
    """Find criteria and parts of criteria that do no work, with the reason where there is one."""
    yield from dead().findings
    idle = set(dead().sections)
    twins: dict[str, set[str]] = {}
    for section, finding in chain(_always_met(report), _contained(report)):
        idle.add(section)
        if finding.kind is FindingKind.SAME_EFFECT:
            for each in finding.sections:
                twins.setdefault(each, set()).update(finding.sections)
        yield finding
    yield from _never_decisive(report, idle, twins)
    yield from _idle_pathways(report, dead().sections)
    yield from _same(report)


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
        repair: str = CORRECT,
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


def _shown_under(report: Report, section: str, *literals: Literal) -> list[Witness]:
    """Show a patient to whom a criterion matters, if there is one: a root above it applies."""
    subject = report.subject
    for root in subject.roots_of.get(section, ()):
        if shown := _shown(report, [subject.applies(root), *literals]):
            return shown
    return _shown(report, literals)


def _ruled_out(subject: Subject, root: str, section: str) -> list[str] | None:
    """Return criteria of a tree, all of them asked for, that a section cannot be met with.

    None if it can be met with all of them on some way up to the root, or is an exclusion on one.
    """
    patients = subject.patients
    base = [subject.applies(root), subject.met(section)]
    if patients.find(*base) is None:
        return None
    found: list[str] = []
    for way in _down(subject, root, section):
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


def _down(subject: Subject, root: str, section: str) -> Iterator[list[str]]:
    """Yield the ways from a root down to a section."""
    if section == root:
        yield [section]
        return
    for above in subject.parents.get(section, ()):
        if root in subject.roots_of[above]:
            for way in _down(subject, root, above):
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
                        _shown_under(report, section, subject.met(wide), -subject.met(narrow)),
                        repair=f"Take {idle} out of {section}, unless the document means more by it",
                    ),
                )


def _never_decisive(
    report: Report, idle: Collection[str], twins: Mapping[str, Collection[str]]
) -> Iterator[Finding]:
    """Find parts without which every patient would get the same answer.

    Of parts that are met by the same patients one alone is left, and judged without the others.
    """
    subject = report.subject
    for parent, branch in subject.branches.items():
        if parent not in subject.roots_of or branch.needs not in KIND_OF_RULE:
            continue
        for part in branch.parts:
            if part in idle:
                continue
            same = [each for each in branch.parts if each in twins.get(part, (part,))]
            rules = [
                rule for each in same for rule in _looking(subject, parent, branch.needs, each)
            ]
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
                    _shown_under(report, parent, -subject.met(part)),
                )


def _idle_pathways(report: Report, dead: Collection[str]) -> Iterator[Finding]:
    """Find pathways that never approve, or without which every patient would get the same answer."""
    subject, patients, circuit = (
        report.subject,
        report.population.patients,
        report.population.circuit,
    )
    live = [pathway for pathway in subject.pathways if pathway not in dead]
    for pathway in live:
        atom = ("approves", subject.number, pathway)
        if atom not in subject.derivation.program.atoms:
            continue
        mine = subject.approves(pathway)
        if patients.find(mine) is None:
            text = f"Where {pathway} applies, no patient meets it, so it never approves"
            shown = _shown(report, [subject.applies(pathway)])
            yield report.finding(FindingKind.NEVER_MET, pathway, [pathway], text, shown, CORRECT)
            continue
        varied = circuit.vary(subject.derivation, {atom: -TRUE})
        if patients.find(differs(report, varied)) is not None:
            continue
        wider = [
            other
            for other in live
            if other != pathway and patients.always(subject.approves(other), mine)
        ]
        equal = [other for other in wider if patients.always(mine, subject.approves(other))]
        repair = f"Take {pathway} out, unless the document means more by it"
        if not wider:
            text = f"No answer hangs on {pathway}: without it, every patient would get the same"
            shown = _shown(report, [mine])
            yield report.finding(
                FindingKind.NEVER_DECISIVE, pathway, [pathway], text, shown, repair
            )
        elif not equal:
            other = wider[0]
            text = f"Whom {pathway} approves, {other} approves too, with the same authorization"
            shown = _shown(report, [subject.approves(other), -mine])
            about = f"{pathway} in {other}"
            yield report.finding(
                FindingKind.CONTAINED, about, [pathway, other], text, shown, repair
            )
        elif live.index(equal[0]) < live.index(pathway):
            other = equal[0]
            text = f"{other} and {pathway} approve the same patients, with the same authorization"
            about = f"{other} = {pathway}"
            yield report.finding(
                FindingKind.SAME_EFFECT,
                about,
                [other, pathway],
                text,
                _shown(report, [mine]),
                repair,
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
