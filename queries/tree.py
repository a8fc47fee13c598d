"""A policy's tree of criteria: what it is made of, as text, and as a picture (SVG).

A criterion is a box; what it is made of stands below it, joined by a line that begins with how many of
the parts are needed. Marks say in words what was found, and colour is never alone in saying it.
"""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from engine.analysis.finding import Severity
from engine.policy import Branch, Policy, Version, branches, section_order
from engine.program import Atom
from queries.phrases import both, counted, either
from queries.printing import print_line, print_wrapped

WIDTH = 960
"""Width of a picture; what shows it may scale it."""
_INDENT = 30
_LINE = 18
_PADDING = 8
_GAP = 6
_LETTER = 6.9
"""Width of a letter at 13 pixels; on the wide side, for the fonts a machine has differ."""
_FIRST = 19
"""From the top of a box to the line on which its first text stands."""
_TOP = 8
SYMBOLS = {
    "error": "\N{HEAVY MULTIPLICATION X}",
    "warning": "\N{BLACK UP-POINTING TRIANGLE}",
    "note": "\N{BLACK CIRCLE}",
    "accepted": "\N{HEAVY CHECK MARK}",
}
_NEEDS = {"all": "all of", "any": "any of", "none": "none of"}


@dataclass(frozen=True, slots=True)
class Mark:
    """What was found of a section: a severity, or accepted; in words, and where to read more."""

    label: str
    text: str
    target: str = ""


@dataclass(frozen=True, slots=True)
class Criterion:
    """A criterion in the tree: what it asks, what it is made of, and what hangs on it.

    `root` is pathway or disposition, or empty below one. `dates` says since or until when the
    section is a part, if not always. `effects` are what it grants, refers to or denies.
    """

    section: str
    text: str
    root: str
    needs: str
    dates: str
    effects: tuple[str, ...]
    parts: tuple["Criterion", ...]

    def count(self) -> int:
        """Count the criterion and all below it."""
        return 1 + sum(part.count() for part in self.parts)


def policy_tree(policy: Policy, version: Version) -> tuple[Criterion, ...]:
    """Return the criteria of a version: its pathways, then its dispositions."""
    maker = _Maker(policy, version)
    return tuple(
        maker.criterion(section, root)
        for root in ("pathway", "disposition")
        for section in sorted(
            {str(section) for _, section in version.program.arguments(root)}, key=section_order
        )
    )


def effects_elsewhere(policy: Policy, version: Version) -> tuple[tuple[str, str], ...]:
    """Return what sections outside the tree refer or deny, with what each does."""
    maker = _Maker(policy, version)
    inside = {section for tree in policy_tree(policy, version) for section in _sections(tree)}
    return tuple(
        (section, effect)
        for section in sorted(maker.acting() - inside, key=section_order)
        for effect in maker.effects(section)
    )


def _sections(criterion: Criterion) -> Iterator[str]:
    yield criterion.section
    for part in criterion.parts:
        yield from _sections(part)


class _Maker:
    """Makes the tree of one version, with what other versions have otherwise."""

    def __init__(self, policy: Policy, version: Version) -> None:
        self._policy = policy
        self._version = version
        self._texts = version.texts
        self._branches = branches(version.program)
        self._others = {other.start: branches(other.program) for other in policy.versions}

    def criterion(self, section: str, root: str = "", parent: str | None = None) -> Criterion:
        branch = self._branches.get(section, Branch(None, ()))
        return Criterion(
            section,
            self._texts[section],
            root,
            _NEEDS.get(branch.needs or "", f"{branch.needs} of") if branch.needs else "",
            "" if parent is None else self._dates(parent, section),
            tuple(self.effects(section, root)),
            tuple(self.criterion(part, parent=section) for part in branch.parts),
        )

    def _dates(self, parent: str, section: str) -> str:
        """Say since and until when a section is a part of another, around the version."""
        starts = [version.start for version in self._policy.versions]
        here = starts.index(self._version.start)

        def has(place: int) -> bool:
            made_of = self._others[starts[place]].get(parent, Branch(None, ()))
            return section in made_of.parts

        first, last = here, here
        while first > 0 and has(first - 1):
            first -= 1
        while last + 1 < len(starts) and has(last + 1):
            last += 1
        said = [f"since {starts[first]}"] if first > 0 else []
        said += [f"until {starts[last + 1]}"] if last + 1 < len(starts) else []
        return " ".join(said)

    def acting(self) -> set[str]:
        """Return the sections that refer or deny."""
        return {
            str(atom[2]) for statement in ("refers", "denies") for atom in self._atoms(statement)
        }

    def effects(self, section: str, root: str = "") -> Iterator[str]:
        """Say what a section grants, refers to or denies."""
        if root == "pathway":
            yield self._grants(section)
        targets = [str(atom[3]) for atom in self._atoms("refers") if atom[2] == section]
        if targets:
            yield f"may refer to {either(sorted(dict.fromkeys(targets)))}"
        bases = [str(atom[3]) for atom in self._atoms("denies") if atom[2] == section]
        for basis in dict.fromkeys(bases):
            yield f"may deny: {basis.replace('_', ' ')}"

    def _grants(self, pathway: str) -> str:
        """Say what an approval under a pathway is for, whatever it depends on."""
        months = [(str(atom[2]), str(atom[4])) for atom in self._for("months", pathway)]
        up_to = [(str(atom[2]), str(atom[4])) for atom in self._for("months_up_to", pathway)]
        terms = [f"{number} months" for number in sorted({number for _, number in months}, key=int)]
        terms += [
            f"what is requested, up to {number} months"
            for number in sorted({number for _, number in up_to}, key=int)
        ]
        sections = sorted({section for section, _ in (*months, *up_to)}, key=section_order)
        said = [f"approves for {either(terms)} ({both(sections)})" if terms else "approves"]
        said += [
            f"at most {counted(int(amount), str(unit))} in {days} days ({section})"
            for _, _, section, _, amount, unit, days in self._for("quantity", pathway)
        ]
        return "; ".join(said)

    def _for(self, statement: str, pathway: str) -> list[Atom]:
        return [atom for atom in self._atoms(statement) if atom[3] == pathway]

    def _atoms(self, statement: str) -> Iterator[Atom]:
        return self._version.program.possible(statement)


# As text


def show_tree(console: Console, policy: Policy, version: Version) -> None:
    """Print the tree of a version, one criterion a line."""
    print_line(
        console,
        0,
        (f"{policy.payer} {policy.number}", "bold"),
        f", {policy.title}, version {version.start}",
    )
    for tree in policy_tree(policy, version):
        console.print()
        _show(console, tree, "", "")
    elsewhere = effects_elsewhere(policy, version)
    if elsewhere:
        console.print()
        print_line(console, 0, ("Elsewhere", "bold"))
    for section, effect in elsewhere:
        text = version.texts.get(section, "")
        print_line(console, 2, (section, "cyan"), f"  {text}", (f" -> {effect}", "yellow"))


def _show(console: Console, criterion: Criterion, first: str, rest: str) -> None:
    plain = console.options.ascii_only
    line = Text.assemble(
        (f"{criterion.root} " if criterion.root else "", "dim"),
        (criterion.section, "bold cyan" if criterion.root else "cyan"),
        f"  {criterion.text}",
        (f" ({criterion.dates})" if criterion.dates else "", "magenta"),
        (f" [{criterion.needs}]" if criterion.needs else "", "bold"),
        *((f" -> {effect}", "yellow") for effect in criterion.effects),
    )
    print_wrapped(console, first, f"{rest}  ", line)
    middle, last = ("|-- ", "`-- ") if plain else ("├─ ", "└─ ")
    through = "|   " if plain else "│  "
    for part in criterion.parts:
        ends = part is criterion.parts[-1]
        _show(
            console,
            part,
            rest + (last if ends else middle),
            rest + (" " * len(last) if ends else through),
        )


# As a picture


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text in a box; `kind` is text, effect, or what a mark says."""

    y: int
    kind: str
    text: str
    target: str = ""
    section: str = ""
    dates: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """A criterion with its place in the picture, its lines, and the boxes of its parts.

    The line to its parts goes down at `stem` to `foot`; `entry` is where its own line meets it.
    """

    criterion: Criterion
    x: int
    y: int
    width: int
    height: int
    lines: tuple[Line, ...]
    worst: str
    needs_y: int
    stem: int
    foot: int
    entry: int
    parts: tuple["Box", ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A tree laid out: the boxes of a pathway or disposition, with what is said of the whole."""

    title: str
    description: str
    width: int
    height: int
    root: Box


def picture(
    tree: Criterion, marks: Mapping[str, Sequence[Mark]] | None = None, top: int = 0
) -> Picture:
    """Lay out one tree, beginning at `top`.

    `marks` are what was found of each section, if the policy was checked.
    """
    box, below = _laid_out(tree, marks or {}, 1, top + _TOP)
    found = "" if marks is None else f", {_marked(tree, marks)}"
    return Picture(
        f"{tree.root.capitalize()} {tree.section}: {tree.text}",
        f"A tree of {counted(tree.count(), 'section')}{found}. "
        "Every section is a box; its parts stand below it, after how many of them are needed.",
        WIDTH,
        below - top + _TOP - _GAP,
        box,
    )


def _marked(tree: Criterion, marks: Mapping[str, Sequence[Mark]]) -> str:
    marked = sum(bool(marks.get(section)) for section in dict.fromkeys(_sections(tree)))
    return f"{counted(marked, 'section')} marked with findings" if marked else "without findings"


def _laid_out(
    criterion: Criterion, marks: Mapping[str, Sequence[Mark]], x: int, y: int
) -> tuple[Box, int]:
    """Place a criterion and all below it; return it with where the next box may begin."""
    width = WIDTH - x - 1
    found = marks.get(criterion.section, ())
    lines = tuple(_lines(criterion, found, y, int((width - 2 * _PADDING) / _LETTER)))
    height = lines[-1].y - y + _LINE - 7
    below = y + height
    needs_y = below + 13
    below += _LINE if criterion.parts else _GAP
    parts = []
    for part in criterion.parts:
        box, below = _laid_out(part, marks, x + _INDENT, below)
        parts.append(box)
    labels = [mark.label for mark in found]
    worst = next((severity.value for severity in Severity if severity.value in labels), "")
    foot = parts[-1].entry if parts else y
    box = Box(
        criterion=criterion,
        x=x,
        y=y,
        width=width,
        height=height,
        lines=lines,
        worst=worst or ("accepted" if labels else ""),
        needs_y=needs_y,
        stem=x + _INDENT // 2,
        foot=foot,
        entry=y + 15,
        parts=tuple(parts),
    )
    return box, below


def _lines(criterion: Criterion, marks: Sequence[Mark], y: int, letters: int) -> Iterator[Line]:
    """Wrap what stands in a box; the first line begins with the section, the last has the dates."""
    below = y + _FIRST
    role = f"{criterion.root.upper()} " if criterion.root else ""
    section = f"{role}{criterion.section}"
    dates = f"({criterion.dates})" if criterion.dates else ""
    # The section is bold and a little wider: two letters more make up for it.
    label = "\N{NO-BREAK SPACE}" * (len(section) * 11 // 10 + 2)
    tail = dates.replace(" ", "\N{NO-BREAK SPACE}")
    if len(label) * 2 > letters:
        yield Line(below, "text", "", section=section)
        below += _LINE
        section = label = ""
    texts = textwrap.wrap(f"{label}{criterion.text} {tail}".rstrip(), letters)
    for number, text in enumerate(texts):
        last = number == len(texts) - 1
        words = text.removeprefix(label) if number == 0 else text
        words = words.removesuffix(tail).rstrip() if last and tail else words
        yield Line(
            below,
            "text",
            words,
            section=section if number == 0 else "",
            dates=dates if last else "",
        )
        below += _LINE
    for effect in criterion.effects:
        for text in textwrap.wrap(f"\N{RIGHTWARDS ARROW} {effect}", letters):
            yield Line(below, "effect", text)
            below += _LINE
    for mark in marks:
        for text in textwrap.wrap(f"{SYMBOLS[mark.label]} {mark.label}: {mark.text}", letters):
            yield Line(below, mark.label, text, target=mark.target)
            below += _LINE


@dataclass(frozen=True, slots=True)
class Sheet:
    """All trees of a version, one below the other, for a file of their own."""

    title: str
    width: int
    height: int
    pictures: tuple[Picture, ...]
    elsewhere: tuple[Line, ...]


def sheet(policy: Policy, version: Version) -> Sheet:
    """Lay out all trees of a version."""
    top = 40
    pictures = []
    for tree in policy_tree(policy, version):
        pictures.append(picture(tree, top=top))
        top += pictures[-1].height + 16
    lines = []
    for section, effect in effects_elsewhere(policy, version):
        text = f"{section}: {version.texts.get(section, '')} \N{RIGHTWARDS ARROW} {effect}"
        for part in textwrap.wrap(text, int(WIDTH / _LETTER)):
            lines.append(Line(top + _LINE, "effect", part))
            top += _LINE
    title = f"{policy.payer} {policy.number}, {policy.title}, version {version.start}"
    return Sheet(title, WIDTH, top + 16, tuple(pictures), tuple(lines))
