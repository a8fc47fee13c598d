"""The knowledge base as callers hold it: load once, then ask."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import local
from typing import TYPE_CHECKING, Any

import kb
from engine.analysis.analyst import Analyst
from engine.analysis.coverage import Meter
from engine.analysis.difference import Comparison, Route
from engine.analysis.finding import Finding, is_finished
from engine.compiled import CompiledPolicy, Compiler, Verification, compile_proved
from engine.derived import Derivation
from engine.determination import OUTCOMES, Decider, Determination, Outcome, Problem
from engine.explainer import APPROVAL, Explainer
from engine.explanation import Explanation, Question, UnderReading, UnderVersion
from engine.goals import Want
from engine.loading import Library, load_folders, load_packaged
from engine.policy import Policy, Version
from engine.references import Reference
from engine.relations.cases import CaseRows, Deciding, ReadCase
from engine.relations.database import Asked, Relations
from engine.sensitivity import moves
from facts.case import Case, read_date, read_facts
from facts.errors import (
    AcceptanceError,
    CaseError,
    MissingExtraError,
    PolicygroundsError,
    UncoveredDateError,
    UnknownPolicyError,
    UnknownReadingError,
    UnknownRelationError,
    UnknownUnitError,
    did_you_mean,
)
from facts.records import RecordWords, read_records
from facts.values import Known
from facts.vocabulary import Kind, Vocabulary
from queries.accepted import Acceptance, accepted_file, read_accepted, stale_acceptances
from queries.datalog import Answer, Limits, ask
from queries.policy_tests import PolicyTestReport, Suite, check_file, found_below, gathered
from queries.saved import SavedQuery, as_saved

if TYPE_CHECKING:
    from queries.batch.frames import BatchAnswer
    from queries.batch.prepared import PreparedCases

CONTRADICTED = (
    "records: they contradict the case or each other; correct what is wrong, and ask again"
)
"""Why a case that its records contradict is not explained."""


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A complete, contradiction-free case to which a policy does not give exactly one outcome."""

    case: Case
    readings: Mapping[str, str]
    outcomes: tuple[str, ...]


class KnowledgeBase:
    """A vocabulary and policies, ready to decide cases. Safe to share between threads."""

    def __init__(
        self, library: Library, folders: Sequence[Path] = (kb.FOLDER / "policies",)
    ) -> None:
        """`folders` are those the policies are in; tests lie beside them."""
        self._library = library
        self._folders = tuple(folders)
        self._threads = local()

    @staticmethod
    def load(*folders: str | Path) -> "KnowledgeBase":
        """Load the packaged knowledge base, or the policies below your own folders.

        Your own policies are written in the packaged vocabulary, to which files below a folder
        named `vocabulary` add. They are checked and grounded in a process with limits. Raises
        KnowledgeBaseError, which lists every problem with its file and line.
        """
        if not folders:
            return KnowledgeBase(load_packaged())
        paths = [Path(folder) for folder in folders]
        return KnowledgeBase(load_folders(paths), paths)

    @property
    def vocabulary(self) -> Vocabulary:
        """The facts a case may state, and the drugs and diagnoses they name."""
        return self._library.vocabulary

    @property
    def record_words(self) -> RecordWords:
        """The words a patient's records are written in."""
        return self._library.deriver.words

    @property
    def policies(self) -> Mapping[str, Policy]:
        """The policies, by number."""
        return self._library.policies

    @property
    def references(self) -> Mapping[str, Reference]:
        """Labels, guidelines and other evidence, by name."""
        return self._library.references

    def determine(self, case: Case, *, readings: Mapping[str, str] | None = None) -> Determination:
        """Decide a case under its policy, as it stood on the case's date.

        `readings` sets named readings of the policy; the others keep their default. Raises
        CaseError for facts that do not fit the vocabulary, UnknownPolicyError, UncoveredDateError
        and UnknownReadingError; several such problems at once come as one CaseError. Anything the
        solver cannot do comes back as a pend.
        """
        ready = self._prepare(case, readings or {})
        return ready.determine()

    def outcome(self, case: Case, *, readings: Mapping[str, str] | None = None) -> Outcome:
        """Return the outcome of a case alone, several times faster than `determine`.

        It is the outcome `determine` gives, unless that had to stop at a limit on the way to the
        rest of the answer. What is asked often is compiled, and decided by that once it is proved
        to decide as the policy does (`verify`). The same errors are raised.
        """
        ready = self._prepare(case, readings or {})
        if ready.derivation and ready.derivation.conflicts:
            return Outcome.PEND
        return ready.tools.outcome(ready.known, ready.readings)

    def explain(
        self,
        case: Case,
        want: str | None = None,
        *,
        readings: Mapping[str, str] | None = None,
        include_fixed: bool = False,
        only: Collection[str] | None = None,
        across_readings: bool = False,
        history: bool = False,
    ) -> Explanation:
        """Explain a case: why it is decided as it is, what would change it, and what is missing.

        `want` is what changes are to lead to: approve (the default), refer, deny, or parts of an
        answer such as "months=12". Fixed facts, such as age, are offered for change only if
        `include_fixed`. `only` limits changes, reasons and answers to some facts ("prior_lines")
        and members of sets ("regimen.lenalidomide"); all others stay as they are. On request, the
        outcome is given under every reading, and under every version of the policy. Raises what
        `determine` raises, UnknownWantError and UnknownUnitError.
        """
        wanted = Want.parse(want) if want is not None else APPROVAL
        only = [only] if isinstance(only, str) else only
        if only is not None:
            self.check_units(only)
        ready = self._prepare(case, readings or {})
        determination = ready.determine()
        if ready.derivation is not None and ready.derivation.conflicts:
            explanation = Explanation(
                determination=determination,
                want=wanted,
                known=ready.known,
                limits=(CONTRADICTED,),
                vocabulary=self.vocabulary,
            )
        else:
            explanation = ready.tools.explainer.explain(
                determination,
                ready.known,
                ready.readings,
                wanted,
                include_fixed=include_fixed,
                only=only,
            )
        policy = self.policy(case.policy)
        return replace(
            explanation,
            readings=tuple(self._under_readings(policy, ready, determination))
            if across_readings
            else None,
            history=tuple(self._under_versions(policy, ready, determination)) if history else None,
        )

    def next_question(
        self,
        case: Case,
        *,
        readings: Mapping[str, str] | None = None,
        without: Collection[str] = (),
    ) -> Question | None:
        """Return the question whose answer is expected to settle most, or None if none matters.

        Facts in `without` are not asked for. Where a limit left open which facts matter, any
        unknown fact may be asked for. Raises what `determine` raises.
        """
        ready = self._prepare(case, readings or {})
        determination = ready.determine()
        return ready.tools.explainer.next_question(
            determination, ready.known, ready.readings, without
        )

    def _under_readings(
        self, policy: Policy, ready: "_Ready", determination: Determination
    ) -> Iterator[UnderReading]:
        for name, reading in sorted(policy.readings.items()):
            for choice in sorted(reading.choices, key=lambda choice: choice != reading.default):
                other = ready.under(ready.tools.decider, {**ready.readings, name: choice}, ready.on)
                yield UnderReading(
                    name,
                    reading.sections,
                    reading.question,
                    choice,
                    reading.choices[choice],
                    choice == ready.readings[name],
                    other.outcome,
                    moves(determination, other),
                )

    def _under_versions(
        self, policy: Policy, ready: "_Ready", determination: Determination
    ) -> Iterator[UnderVersion]:
        for version in policy.versions:
            decider = self._tools(policy, version).decider
            other = ready.under(decider, ready.readings, version.start)
            yield UnderVersion(
                version.start,
                version.until,
                version.status,
                version.note,
                version.start == determination.version,
                other.outcome,
                moves(determination, other),
            )

    def check_units(self, only: Collection[str]) -> None:
        """Raise UnknownUnitError if a name is no fact and no member of a set."""
        facts = self.vocabulary.facts
        known = {
            *facts,
            *(
                f"{name}.{member}"
                for name, fact in facts.items()
                if fact.kind is Kind.SET
                for member in fact.values
            ),
        }
        for name in only:
            if name not in known:
                raise UnknownUnitError(
                    f"{name!r} is no fact of the vocabulary, and no member of a set such as "
                    f"regimen.dexamethasone{did_you_mean(name, known)}"
                )

    def counterexample(self, policy: str, *, on: str | None = None) -> Counterexample | None:
        """Look for a complete case without exactly one outcome; None proves there is none.

        The search covers every contradiction-free case and every choice of readings, in the
        version in force on a date (today if none is given). Raises UnknownPolicyError,
        UncoveredDateError, CaseError for a date that is none, and PolicygroundsError if the solver
        could neither prove nor disprove it within its limits.
        """
        stated, version = self._stated(policy, on)
        found = self._tools(stated, version).decider.counterexample()
        if found is None:
            return None
        facts, readings, outcomes = found
        case = Case(policy=policy, on=version.start, facts=facts)
        return Counterexample(case, readings, tuple(outcome.value for outcome in outcomes))

    def compile(
        self, policy: str, *, on: str | None = None, readings: Mapping[str, str] | None = None
    ) -> CompiledPolicy:
        """Return what decides many cases under the version in force on a date, today if none is given.

        It is compiled and proved first. Raises UnknownPolicyError, UncoveredDateError,
        UnknownReadingError, and CaseError for a date that is none.
        """
        stated, version = self._stated(policy, on)
        chosen = choose(stated, readings or {})
        compiled, verification = compile_proved(stated, version, chosen, self.vocabulary)

        def solve(known: Mapping[str, Known]) -> Outcome:
            return self._tools(stated, version).decider.outcome(known, chosen)

        return CompiledPolicy(verification, compiled, solve, self.vocabulary)

    def batch(
        self,
        data: Any,
        *policies: str,
        on: str | None = None,
        readings: Mapping[str, str] | None = None,
        keep: Collection[str] = (),
        ignore: Collection[str] = (),
        changes: bool = False,
        parts: bool = True,
    ) -> "BatchAnswer":
        """Decide the rows of a table: of polars, pandas or Arrow, or a relation of duckdb.

        Each column says something of a fact, or of one member of a set ("prior_drugs.bortezomib");
        a null is unknown. Without `policies`, rows name theirs in a column `policy`. Rows without a
        day in a column `on` are requests of the day given, or of today. Other columns are to be kept
        or ignored. With `changes`, rows say the cheapest change that leads to approval; that takes
        tenths of a second a row; without `parts`, they say the outcome alone. Readings are chosen as for `compare`. Raises TableError,
        MissingExtraError, UnknownPolicyError, UnknownReadingError, and CaseError for a date that is
        none. Rows that cannot be decided are in the answer, with the reason.
        """
        try:
            from queries.batch.blocks import Request  # noqa: PLC0415  (an extra installs it)
            from queries.batch.frames import decide_frame  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtraError(error.name or "pyarrow", "tables") from None
        request = Request(policies, day_of(on), changes=changes, parts=parts)
        return decide_frame(self, data, request, readings=readings or {}, keep=keep, ignore=ignore)

    def prepare(self, data: Any, *, ignore: Collection[str] = ()) -> "PreparedCases":
        """Read and check a table once, to decide it under one version or reading after another.

        Columns are those of `batch`, without `policy` and `on`. Raises TableError and
        MissingExtraError. Rows that cannot be decided are in what is returned, with the reason.
        """
        try:
            from queries.batch.prepared import PreparedCases  # noqa: PLC0415  (an extra installs it)
        except ImportError as error:
            raise MissingExtraError(error.name or "pyarrow", "tables") from None
        return PreparedCases(self, data, ignore=ignore)

    def batch_spark(self, frame: Any, *policies: str, **options: Any) -> Any:
        """Decide the rows of a data frame of Spark on its workers; return a data frame of answers.

        Columns and options are those of `batch`. There are no row numbers, and rows that cannot be
        decided have the reason in a column `problem`. Raises what `batch` raises, before Spark does
        anything.
        """
        try:
            from queries.batch.spark import decide_spark  # noqa: PLC0415  (an extra installs it)
        except ImportError as error:
            raise MissingExtraError(error.name or "pyarrow", "spark") from None
        return decide_spark(self, frame, *policies, **options)

    def verify(self, policy: str, *, on: str | None = None) -> tuple[Verification, ...]:
        """Prove that compiled outcomes of the version in force decide every complete case as it does.

        Under the default readings, and under each reading chosen otherwise. Raises
        UnknownPolicyError, UncoveredDateError, and CaseError for a date that is none.
        """
        return tuple(Compiler(*self._stated(policy, on), self.vocabulary).verify())

    def test(
        self, *policies: str, cases: str | Path | None = None, propose: bool = True
    ) -> PolicyTestReport:
        """Run the tests that lie beside policies, all if none is named, and measure their coverage.

        `cases` is a file of tests to run instead. With `propose`, cases are looked for that would
        cover what is not covered. Cases that cannot be read are faults of the report. Raises
        UnknownPolicyError, and UnreadableInputError if there is no such file.
        """
        chosen = [self.policy(number) for number in policies or self.policies]
        if cases is not None:
            check_file(Path(cases))
        files = found_below(self._folders) if cases is None else [Path(cases)]
        tests, faults = gathered(files, self.policies)
        suite = Suite(
            self.vocabulary,
            lambda case, readings: self.determine(case, readings=readings),
            lambda policy, version: self._tools(policy, version).meter,
        )
        reports = [suite.report(each, tests[each.number], propose=propose) for each in chosen]
        return PolicyTestReport(tuple(reports), tuple(faults))

    def check(
        self, policy: str, *, on: str | None = None, readings: Mapping[str, str] | None = None
    ) -> tuple[Finding, ...]:
        """Find what is wrong or worth knowing of a policy, over every possible patient.

        The version in force on a date is checked, today's if none is given. Accepted findings are
        among them; checked as of today under its default readings, a policy gets a finding for
        every acceptance that nothing is found for. Raises UnknownPolicyError, UncoveredDateError,
        UnknownReadingError, AcceptanceError, and CaseError for a date that is none. A part of the
        check that met a limit is a finding itself; then no acceptance is called stale.
        """
        stated, version = self._stated(policy, on)
        found = self._analyst().check(stated, version, choose(stated, readings or {}))
        if on is None and not readings and is_finished(found):
            accepted = self.accepted(policy).values()
            found = [*found, *stale_acceptances(stated, version, found, accepted)]
        return tuple(found)

    def accepted(self, policy: str) -> Mapping[str, Acceptance]:
        """Return the findings accepted of a policy, by id. Raises AcceptanceError."""
        file = self.file(policy)
        return read_accepted(accepted_file(file)) if file else {}

    def check_accepted_files(self) -> None:
        """Raise AcceptanceError for a file of accepted findings that lies beside no policy."""
        known = {accepted_file(file) for file in self._library.files.values()}
        for folder in self._folders:
            for file in sorted(folder.rglob(accepted_file(Path("*")).name)):
                if file not in known:
                    raise AcceptanceError(
                        str(file),
                        [
                            "there is no policy in a file of that name; rename the one after the other"
                        ],
                    )

    def file(self, policy: str) -> Path | None:
        """Return the file that states a policy, if it is still there."""
        file = self._library.files.get(self.policy(policy).number)
        return file if file is not None and file.is_file() else None

    def compare(
        self,
        first: str,
        second: str,
        *,
        on: str | None = None,
        readings: Mapping[str, str] | None = None,
    ) -> Comparison:
        """Find all patients to whom two policies give different answers, as both stand on a date.

        A reading is chosen by its name for each of the two that has it, by "POLICY:NAME" for one of
        them, whatever is chosen for both. Raises what `check` raises.
        """
        one, other = (self._stated(policy, on) for policy in (first, second))
        chosen = readings or {}
        check_readings_of([one[0], other[0]], chosen)
        own = [choose(policy, readings_of(policy, chosen)) for policy, _ in (one, other)]
        return self._analyst().compare(one, other, *own)

    def diff(self, policy: str, start: str, end: str) -> Comparison:
        """Find all patients to whom two versions of a policy give different answers.

        They are the versions in force on two dates. Raises what `check` raises.
        """
        one, other = (self._stated(policy, day) for day in (start, end))
        default = choose(one[0], {})
        return self._analyst().compare(one, other, default, default)

    def routes(
        self,
        policy: str,
        *,
        on: str | None = None,
        outcome: str = "approve",
        readings: Mapping[str, str] | None = None,
    ) -> tuple[Route, ...]:
        """Return every minimal way to an outcome: approve (the default), refer or deny.

        Raises what `check` raises, and PolicygroundsError for any other outcome.
        """
        if outcome not in OUTCOMES:
            raise PolicygroundsError(f"outcome {outcome!r}: expected approve, refer or deny")
        stated, version = self._stated(policy, on)
        chosen = choose(stated, readings or {})
        return tuple(self._analyst().routes(stated, version, outcome, chosen))

    def relations(
        self,
        cases: Iterable[Case] | None = None,
        *,
        on: str | None = None,
        readings: Mapping[str, str] | None = None,
    ) -> Relations:
        """Return what a query can ask about: the relations of the knowledge base, and of cases.

        Routes and findings are those of the versions in force on a date, today's if none is given.
        A case without a date is a request of that day. Readings are chosen as for `compare`. A case
        that cannot be read or decided on has a row in `unreadable` alone. Raises
        UnknownReadingError, and CaseError for a date that is none.
        """
        chosen = readings or {}
        check_readings_of([*self.policies.values()], chosen)
        own = {
            number: choose(policy, readings_of(policy, chosen))
            for number, policy in self.policies.items()
        }
        day = day_of(on)

        def check(policy: Policy) -> tuple[Finding, ...]:
            return self.check(
                policy.number, on=on, readings=policy.chosen_otherwise(own[policy.number])
            )

        def accepted(policy: Policy) -> dict[str, tuple[str, str]]:
            return {
                each.id: (each.reason, each.date) for each in self.accepted(policy.number).values()
            }

        key = (day, {number: dict(each) for number, each in own.items()})
        kept, relations = getattr(self._threads, "relations", (None, None))
        if kept != key or relations is None:
            asked = Asked(day, own, self._analyst(), check, accepted)
            relations = Relations(self._library, asked)
            self._threads.relations = (key, relations)
        return relations if cases is None else relations.about(self._rows(cases, day, own))

    def query(
        self,
        text: str | SavedQuery,
        *,
        cases: Iterable[Case] | None = None,
        parameters: Mapping[str, object] | None = None,
        on: str | None = None,
        readings: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> Answer:
        """Answer a query, or a saved one, over the relations of the knowledge base and of cases.

        `parameters` are the values of its `$names`. Cases, date and readings are those of
        `relations`; what is derived is kept for the next query of the same date and readings.
        Raises what `relations` raises, QueryError with all problems found, NoCasesError for a query
        about cases without any, and QueryLimitError.
        """
        saved = text if isinstance(text, SavedQuery) else as_saved("query", text, "query")
        return ask(
            self.relations(cases, on=on, readings=readings),
            saved.text,
            parameters=parameters,
            source=saved.source,
            limits=limits,
        )

    def predicates(
        self,
        *names: str,
        cases: Iterable[Case] | None = None,
        on: str | None = None,
        readings: Mapping[str, str] | None = None,
    ) -> tuple[Any, ...]:
        """Return relations as pyDatalog's own predicates, for those who write Datalog in Python.

        They are there for every thread of the process, until others of the same name are loaded; what
        pyDatalog is told besides belongs to the thread. Raises UnknownRelationError, and what
        `relations` raises.
        """
        from queries.datalog.evaluation import load_terms  # noqa: PLC0415  (pyDatalog loads slowly)

        database = self.relations(cases, on=on, readings=readings)
        for name in names:
            if name not in database.relations:
                suggestion = did_you_mean(name, database.relations)
                raise UnknownRelationError(f"relation {name!r} is unknown{suggestion}")
        return load_terms(database, *names)

    def _rows(
        self, cases: Iterable[Case], day: str, readings: Mapping[str, Mapping[str, str]]
    ) -> CaseRows:
        """Read cases, as requests of a day where they have no date."""
        read: dict[str, ReadCase] = {}
        unreadable: list[tuple[str, str]] = []
        for number, each in enumerate(cases, start=1):
            name = each.id if isinstance(each.id, str) else f"case {number}"
            case = replace(each, on=day) if each.on is None else each
            try:
                ready = self._prepare(case, readings.get(case.policy, {}))
            except PolicygroundsError as error:
                unreadable.append((name, str(error)))
                continue
            if name in read:
                unreadable.append((name, f"case {name}: an earlier case has this id too"))
                continue
            read[name] = ReadCase(name, case, ready.on, ready.tools.version.start, ready.known)

        def own(case: Case) -> Mapping[str, str]:
            return readings[case.policy]

        deciding = Deciding(
            lambda case: self.outcome(case, readings=own(case)),
            lambda case: self.determine(case, readings=own(case)),
            lambda case: self.explain(case, readings=own(case)),
        )
        return CaseRows([*read.values()], unreadable, self.vocabulary, deciding)

    def _stated(self, policy: str, on: str | None) -> tuple[Policy, Version]:
        """Return a policy with its version in force on a date."""
        stated = self.policy(policy)
        return stated, stated.version(day_of(on))

    def _analyst(self) -> Analyst:
        """Return the thread's own analyst: solvers cannot be shared."""
        analyst: Analyst | None = getattr(self._threads, "analyst", None)
        if analyst is None:
            analyst = self._threads.analyst = Analyst(
                self.vocabulary, self.policies, self._library.references
            )
        return analyst

    def _prepare(self, case: Case, readings: Mapping[str, str]) -> "_Ready":
        """Read a case; raise the one error there is, or one that holds them all."""
        problems = case.frame_problems()
        if problems:
            raise CaseError(case.id, problems)
        errors: list[PolicygroundsError] = []
        known, problems = read_facts(case, self.vocabulary)
        records = None
        if case.records is not None:
            records, wrong = read_records(case.records, self.record_words)
            problems += wrong
        if problems:
            errors.append(CaseError(case.id, problems))
        on = read_date(case.on)
        try:
            policy = self.policy(case.policy)
        except UnknownPolicyError as error:
            errors.append(error)
        else:
            try:
                version = policy.version(on)
            except UncoveredDateError as error:
                errors.append(error)
            try:
                chosen = choose(policy, readings)
            except UnknownReadingError as error:
                errors.append(error)
        if len(errors) > 1:
            others = [str(error) for error in errors if not isinstance(error, CaseError)]
            raise CaseError(case.id, [*others, *problems])
        if errors:
            raise errors[0]
        tools = self._tools(policy, version)
        if records is None:
            return _Ready(tools, known, chosen, on, case.id)
        derivation = self._library.deriver.derive(records, known, on=on, drug=policy.drug)
        return _Ready(tools, derivation.known, chosen, on, case.id, derivation)

    def policy(self, number: str) -> Policy:
        """Return a policy by its number. Raises UnknownPolicyError."""
        policy = self.policies.get(number)
        if policy is None:
            raise UnknownPolicyError(number, tuple(self.policies))
        return policy

    def _tools(self, policy: Policy, version: Version) -> "_Tools":
        """Return the thread's own tools for a version: solvers cannot be shared."""
        made: dict[tuple[str, str], _Tools] | None = getattr(self._threads, "made", None)
        if made is None:
            made = self._threads.made = {}
        key = (policy.number, version.start)
        if key not in made:
            made[key] = _Tools(policy, version, self.vocabulary)
        return made[key]


@dataclass(frozen=True)
class _Tools:
    """What decides and explains the cases of one version, in one thread."""

    policy: Policy
    version: Version
    vocabulary: Vocabulary

    @cached_property
    def decider(self) -> Decider:
        return Decider(self.policy, self.version, self.vocabulary)

    @cached_property
    def compiler(self) -> Compiler:
        return Compiler(self.policy, self.version, self.vocabulary)

    def outcome(self, known: Mapping[str, Known], readings: Mapping[str, str]) -> Outcome:
        """Return the outcome of a case, compiled or from the solver."""
        compiled = self.compiler.asked(readings)
        return compiled.decide(known) if compiled else self.decider.outcome(known, readings)

    @cached_property
    def explainer(self) -> Explainer:
        return Explainer(self.policy, self.version, self.vocabulary, total=self.decider.total)

    @cached_property
    def meter(self) -> Meter:
        return Meter(self.policy, self.version, self.vocabulary)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A case read and ready to be decided."""

    tools: _Tools
    known: Mapping[str, Known]
    readings: Mapping[str, str]
    on: str
    id: str | None
    derivation: Derivation | None = None

    def determine(self) -> Determination:
        """Decide the case."""
        return self.under(self.tools.decider, self.readings, self.on)

    def under(self, decider: Decider, readings: Mapping[str, str], on: str) -> Determination:
        """Decide the case under other readings, or by another version.

        What its records contradict is a problem, as other contradictions are.
        """
        if self.derivation is None or not self.derivation.conflicts:
            answer = decider.determine(self.known, readings, case=self.id, on=on)
        else:
            problems = (
                Problem("contradiction", conflict.message, (conflict.fact,))
                for conflict in self.derivation.conflicts
            )
            answer = decider.pend(self.id, on, *problems)
        return replace(answer, derivation=self.derivation)


def check_readings_of(policies: Collection[Policy], readings: Iterable[str]) -> None:
    """Raise UnknownReadingError for readings, by "NAME" or "POLICY:NAME", that no policy has."""
    known = [
        key
        for policy in policies
        for name in policy.readings
        for key in (name, f"{policy.number}:{name}")
    ]
    numbers = " and ".join(policy.number for policy in policies)
    for name in readings:
        if name not in known:
            raise UnknownReadingError(
                f"policies {numbers}: no reading {name!r}{did_you_mean(str(name), known)}"
            )


def readings_of(policy: Policy, readings: Mapping[str, str]) -> dict[str, str]:
    """Return those of the readings chosen for several policies that one has, by their names.

    What is chosen for it alone, by "POLICY:NAME", goes before what is chosen for all.
    """
    chosen = {}
    for name in policy.readings:
        for key in (name, f"{policy.number}:{name}"):
            if key in readings:
                chosen[name] = readings[key]
    return chosen


def choose(policy: Policy, readings: Mapping[str, str]) -> dict[str, str]:
    """Return the choice of every reading of a policy. Raises UnknownReadingError."""
    chosen = policy.default_readings
    for name, choice in readings.items():
        if name not in chosen:
            raise UnknownReadingError(
                f"policy {policy.number}: no reading {name!r}{did_you_mean(str(name), chosen)}"
            )
        choices = policy.readings[name].choices
        if not isinstance(choice, str) or choice not in choices:
            raise UnknownReadingError(
                f"policy {policy.number}: reading {name!r} has the choices "
                f"{', '.join(sorted(choices))}, not {choice!r}"
            )
        chosen[name] = choice
    return chosen


def day_of(on: str | None) -> str:
    """Return a date in ISO form, today if none is given. Raises CaseError."""
    try:
        return read_date(on)
    except ValueError:
        raise CaseError(None, ["on: expected a date such as 2025-09-15"]) from None
