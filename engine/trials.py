"""Trials as references state them: arms, and figures with whose they are, checked for sense.

A section states one figure at most, so that what else it states is about that figure.
"""

from collections.abc import Iterator
from decimal import Decimal

from engine.evidence import by_section
from engine.policy import Misstatement, repeated
from engine.program import GroundProgram
from facts.errors import did_you_mean

_COMPARING = ("hazard_ratio", "risk_reduction")
"""Statistics of one arm against another."""
_OF_TRIALS = (
    *("phase", "design", "population", "arm", "patients", "endpoint", "of_arm", "compares_arms"),
)
"""Statements that only a trial makes."""
_OF_FIGURES = ("of_arm", "compares_arms", "interval", "timepoint", "subgroup", "grade")
"""Statements that say more about the figure of their section."""
_ONCE = (
    *("citation", "phase", "design", "figure", "not_estimable"),
    *("of_arm", "compares_arms", "interval", "timepoint", "grade"),
)
"""Statements of which a section makes one at most."""


def misstated_trials(program: GroundProgram) -> Iterator[Misstatement]:
    """Find figures, intervals and arms of one version that do not fit together."""
    for statement in _ONCE:
        for section in repeated(program, statement):
            yield statement, section, f"{statement} of section {section!r} is stated twice"
    yield from _figures(program)
    yield from _intervals(program)
    yield from _arms(program)
    trial = any(kind == "trial" for _, kind, *_ in program.arguments("reference"))
    yield from (_owners(program) if trial else _elsewhere(program))


def _figures(program: GroundProgram) -> Iterator[Misstatement]:
    """Find two figures in one section, rates above all, and what is said of a figure there is not."""
    figures, unreached = by_section(program, "figure"), by_section(program, "not_estimable")
    for section in sorted(figures.keys() & unreached.keys()):
        message = f"section {section!r} states a figure and that it is not estimable"
        yield "not_estimable", section, message
    for statement in _OF_FIGURES:
        stated = by_section(program, statement).keys()
        for section in sorted(stated - figures.keys() - unreached.keys()):
            message = f"{statement} is of section {section!r}, which states no figure"
            yield statement, section, message
    for section, rows in sorted(figures.items()):
        if any(unit == "%" and Decimal(str(row[3])) > 100 for *row, unit in rows):
            yield "figure", section, f"the figure of section {section!r} is above 100 %"


def _owners(program: GroundProgram) -> Iterator[Misstatement]:
    """Find trials without a design or arms, and figures of a trial that are of no arm."""
    name, *_ = next(program.arguments("reference"))
    for statement in ("design", "arm"):
        if not by_section(program, statement):
            yield "reference", str(name), f"a trial states its {statement}, and this one does not"
    for statement in ("figure", "not_estimable"):
        for section, rows in sorted(by_section(program, statement).items()):
            compared = any(row[1] in _COMPARING for row in rows)
            needed, other = ("compares_arms", "of_arm") if compared else ("of_arm", "compares_arms")
            if section not in by_section(program, needed):
                message = f"{statement} of section {section!r} has no {needed}: whose is it?"
                yield statement, section, message
            elif section in by_section(program, other):
                message = f"{other} of section {section!r} does not fit its {rows[0][1]}"
                yield other, section, message


def _intervals(program: GroundProgram) -> Iterator[Misstatement]:
    """Find intervals whose ends are the wrong way round or leave their figure outside."""
    figures = {
        str(section): (Decimal(str(amount)), str(unit))
        for _, section, *_, amount, unit in program.arguments("figure")
    }
    unreached = by_section(program, "not_estimable")
    for _, name, _, *ends in program.arguments("interval"):
        section = str(name)
        low, high = (None if end == "not_estimable" else Decimal(str(end)) for end in ends)
        figure, unit = figures.get(section, (None, ""))
        wrong = None
        if low is not None and high is not None and low >= high:
            wrong = "ends before it begins"
        elif high is not None and section in unreached:
            wrong = "has a higher end, though the figure is not estimable"
        elif high is not None and unit == "%" and high > 100:
            wrong = "ends above 100 %"
        elif figure is not None and (
            (low is not None and figure < low) or (high is not None and figure > high)
        ):
            wrong = f"does not hold the figure, {figure}"
        if wrong:
            yield "interval", section, f"the interval of section {section!r} {wrong}"


def _arms(program: GroundProgram) -> Iterator[Misstatement]:
    """Find arms that have no drugs, are compared with themselves, or have two numbers of patients."""
    arms = {str(arm) for _, _, arm, _ in program.arguments("arm")}
    for statement in ("patients", "of_arm", "compares_arms"):
        for section, rows in sorted(by_section(program, statement).items()):
            named = [str(arm) for row in rows for arm in row if isinstance(arm, str)]
            for arm in sorted({*named} - arms):
                message = f"{statement} names arm {arm!r}, which has no drugs"
                yield statement, section, f"{message}{did_you_mean(arm, arms)}"
            if len(named) > len({*named}):
                yield statement, section, f"{statement} of section {section!r} names an arm twice"


def _elsewhere(program: GroundProgram) -> Iterator[Misstatement]:
    """Find what only a trial can state in a reference of another kind."""
    for statement in _OF_TRIALS:
        for section in sorted(by_section(program, statement)):
            message = f"{statement} is stated in trials alone, not in a reference of another kind"
            yield statement, section, message
