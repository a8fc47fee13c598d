"""The vocabulary read out of its ground files into typed values."""

from collections.abc import Iterator, Mapping

from engine.program import GroundProgram, Term
from facts.errors import FileProblem, KnowledgeBaseError, did_you_mean
from facts.vocabulary import (
    Changer,
    Code,
    CodeTrap,
    Diagnosis,
    Drug,
    Fact,
    Kind,
    Measurement,
    Vocabulary,
)

ABOUT_FACTS = (
    *("title", "question", "unit", "range", "decimals", "value", "member"),
    *("grows", "passes"),
)
"""Statements about a fact, which comes first in them."""


def build_vocabulary(program: GroundProgram, file: str) -> Vocabulary:
    """Build the vocabulary; raises KnowledgeBaseError naming every fact that is not whole."""
    problems = [*_incomplete(program), *_misfit(program), *_misnamed(program)]
    if problems:
        raise KnowledgeBaseError([FileProblem(file, None, None, message) for message in problems])
    titles, questions = _texts(program, "title"), _texts(program, "question")
    units = _texts(program, "unit")
    decimals = {str(fact): int(digits) for fact, digits in program.arguments("decimals")}
    ranges = {
        str(fact): (int(lowest), int(highest))
        for fact, lowest, highest in program.arguments("range")
    }
    options = _options(program)
    aliases = {
        str(alias).lower(): str(option)
        for statement in ("brand", "icd10")
        for option, alias, *_ in program.arguments(statement)
    }
    growing = {str(fact) for (fact,) in program.arguments("grows")}
    facts = {}
    for arguments in program.arguments("fact"):
        name, kind, changer = map(str, arguments)
        step = 10 ** decimals.get(name, 0)
        lowest, highest = ranges.get(name, (0, 0))
        facts[name] = Fact(
            name,
            Kind(kind),
            Changer(changer),
            titles[name],
            questions[name],
            units.get(name, ""),
            lowest * step,
            highest * step,
            decimals.get(name, 0),
            options.get(name),
            {alias: option for alias, option in aliases.items() if option in options.get(name, {})},
            name in growing,
            frozenset(str(value) for (value,) in _about(program, "passes", name)),
        )
    return Vocabulary(
        facts,
        {drug: _drug(program, drug, title) for drug, title in _texts(program, "drug").items()},
        _texts(program, "class"),
        {name: _diagnosis(program, name, title) for name, title in _diagnoses(program)},
        _texts(program, "contradiction"),
        {
            name: _measurement(program, name, title)
            for name, title in _texts(program, "measurement").items()
        },
        _terms(program),
    )


def _incomplete(program: GroundProgram) -> Iterator[str]:
    kinds: dict[str, str] = {}
    for arguments in program.arguments("fact"):
        name, kind, _ = map(str, arguments)
        if name in kinds:
            yield f"fact {name!r} is stated twice"
        kinds[name] = kind
    drugs, classes = _texts(program, "drug"), _texts(program, "class")
    for statement in ABOUT_FACTS:
        for arguments in program.arguments(statement):
            if arguments[0] not in kinds:
                meant = did_you_mean(str(arguments[0]), kinds)
                yield f"{statement} of {arguments[0]!r}, which is no fact{meant}"
    for statement in ("title", "question", "unit", "range", "decimals"):
        stated = [str(arguments[0]) for arguments in program.arguments(statement)]
        yield from (
            f"{statement} of {fact!r} is stated twice"
            for fact in sorted(set(stated))
            if stated.count(fact) > 1
        )
    needed = {
        Kind.BOOLEAN: ("title", "question"),
        Kind.NUMBER: ("title", "question", "unit", "range"),
        Kind.CHOICE: ("title", "question", "value"),
        Kind.SET: ("title", "question", "member"),
    }
    for name, kind in kinds.items():
        for statement in needed[Kind(kind)]:
            if not any(arguments[0] == name for arguments in program.arguments(statement)):
                yield f"fact {name!r} has no {statement}"
    for number, lowest, highest in program.arguments("range"):
        if int(lowest) >= int(highest):
            yield f"range of {number!r}: the lowest value is not below the highest"
    for drug, drug_class in program.arguments("drug_class"):
        if drug not in drugs or drug_class not in classes:
            yield f"drug_class of {drug!r} and {drug_class!r}: both must be stated"


def _misnamed(program: GroundProgram) -> Iterator[str]:
    """Find terms and measurements stated twice, and what is said of a measurement there is not."""
    measurements = _texts(program, "measurement")
    terms = [(str(sort), str(term)) for sort, term, _ in program.arguments("term")]
    stated = [str(name) for name, _ in program.arguments("measurement")]
    for name in sorted({name for name in stated if stated.count(name) > 1}):
        yield f"measurement {name!r} is stated twice"
    for sort, term in sorted({each for each in terms if terms.count(each) > 1}):
        yield f"term {term!r} is stated twice as {sort}"
    for statement in ("measured_in", "result"):
        for name in sorted({str(arguments[0]) for arguments in program.arguments(statement)}):
            if name not in measurements:
                meant = did_you_mean(name, measurements)
                yield f"{statement} of {name!r}, which is no measurement{meant}"


def _misfit(program: GroundProgram) -> Iterator[str]:
    """Find statements about facts of another kind than the statement is for."""
    kinds = {str(name): str(kind) for name, kind, _ in program.arguments("fact")}
    fits = {
        "value": Kind.CHOICE,
        "member": Kind.SET,
        "unit": Kind.NUMBER,
        "range": Kind.NUMBER,
        "decimals": Kind.NUMBER,
        "passes": Kind.CHOICE,
    }
    for statement, kind in fits.items():
        for fact in sorted({str(arguments[0]) for arguments in program.arguments(statement)}):
            if kinds.get(fact, kind) != kind:
                yield f"{statement} of {fact!r}, which is a {kinds[fact]}, not a {kind}"
    for (growing,) in program.arguments("grows"):
        if kinds.get(str(growing), Kind.NUMBER) not in (Kind.NUMBER, Kind.SET):
            found = kinds[str(growing)]
            yield f"grows of {growing!r}, which is a {found}, not a number or a set"
    values = {(choice, value) for choice, value, _ in program.arguments("value")}
    for choice, value in program.arguments("passes"):
        if (choice, value) not in values and kinds.get(str(choice)) == Kind.CHOICE:
            yield f"passes of {choice!r}: {value!r} is none of its values"


def _texts(program: GroundProgram, statement: str) -> dict[str, str]:
    return {str(name): str(text) for name, text in program.arguments(statement)}


def _options(program: GroundProgram) -> Mapping[str, Mapping[str, str]]:
    drugs = _texts(program, "drug")
    options: dict[str, dict[str, str]] = {}
    for fact, value, text in program.arguments("value"):
        options.setdefault(str(fact), {})[str(value)] = str(text)
    for fact, member in program.arguments("member"):
        title = drugs.get(str(member), str(member))
        options.setdefault(str(fact), {})[str(member)] = title
    return options


def _about(program: GroundProgram, statement: str, name: str) -> Iterator[tuple[Term, ...]]:
    for arguments in program.arguments(statement):
        if arguments[0] == name:
            yield arguments[1:]


def _drug(program: GroundProgram, name: str, title: str) -> Drug:
    return Drug(
        name,
        title,
        tuple(str(group) for (group,) in _about(program, "drug_class", name)),
        tuple(str(brand) for (brand,) in _about(program, "brand", name)),
        tuple(Code(*map(str, code)) for code in _about(program, "code", name)),
    )


def _measurement(program: GroundProgram, name: str, title: str) -> Measurement:
    return Measurement(
        name,
        title,
        tuple(str(unit) for (unit,) in _about(program, "measured_in", name)),
        tuple(str(result) for (result,) in _about(program, "result", name)),
    )


def _terms(program: GroundProgram) -> Mapping[str, Mapping[str, str]]:
    terms: dict[str, dict[str, str]] = {}
    for sort, term, title in program.arguments("term"):
        terms.setdefault(str(sort), {})[str(term)] = str(title)
    return terms


def _diagnoses(program: GroundProgram) -> Iterator[tuple[str, str]]:
    yield from _texts(program, "diagnosis").items()


def _diagnosis(program: GroundProgram, name: str, title: str) -> Diagnosis:
    return Diagnosis(
        name,
        title,
        {str(code): str(text) for code, text in _about(program, "icd10", name)},
        {str(code): str(text) for code, text in _about(program, "icd10_caution", name)},
        tuple(CodeTrap(*map(str, trap)) for trap in _about(program, "icd10_trap", name)),
    )
