"""Draw what the benchmarks measured: a bar for each way, on an axis of powers of ten.

It reads the file that the option `--json` of `one_case.py` and of `many_cases.py` writes. A bar ends
at the median of the rounds; the ways of this package have a colour of their own.
"""

import argparse
import json
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

HERE = Path(__file__).parent
WIDTH = 900
MARGIN = 24
NAMES = 208
"""Width of the column of names, which both policies share."""
GAP = 24
LABEL = 58
"""Room behind the longest bar for its number."""
ROW = 22
BAR = 14
OWN, PEER, TEXT, QUIET, LINE = "#0b6bcb", "#b4b9c0", "#1c2024", "#5c636c", "#e3e6e9"
FONT = "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif"

MICROSECONDS, NANOSECONDS = ("microseconds", 1e6), ("nanoseconds", 1e9)
PARTS = {
    "complete, new": ("One case, all facts known", MICROSECONDS),
    "complete, once more": ("The same, met just before", MICROSECONDS),
    "a quarter unknown, new": ("One case, a quarter of the facts unknown, exact", MICROSECONDS),
    "a quarter unknown, once more": ("The same, met just before", MICROSECONDS),
    "columns": ("{cases:,} complete cases from columns", NANOSECONDS),
}
"""The parts of the picture in order: their titles and units, by what was measured."""


def main() -> None:
    """Draw the picture of a file of measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measured", type=Path, nargs="?", default=HERE / "results.json")
    parser.add_argument("picture", type=Path, nargs="?", default=HERE / "results.svg")
    arguments = parser.parse_args()
    arguments.picture.write_text(drawn(json.loads(arguments.measured.read_text("utf-8"))), "utf-8")


def drawn(results: Mapping[str, Any]) -> str:
    """Return the picture, as SVG that needs nothing else."""
    measured = [each for script in results.values() for each in script["measured"]]
    lines: list[str] = []
    y = MARGIN
    for what, (title, unit) in PARTS.items():
        panels = [each for each in measured if each["what"] == what]
        if panels:
            lines += _part(title.format_map(panels[0]), unit, panels, y)
            y += 78 + ROW * len(_names(panels)) + 22
    lines.append(_text(MARGIN, y, _conditions(results, measured), size=12, fill=QUIET))
    y += MARGIN
    title = "Time a case takes each way; the bars of policygrounds are blue"
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" '
                f'height="{y}" role="img" font-family="{FONT}">'
            ),
            f"<title>{title}</title>",
            f'<rect width="{WIDTH}" height="{y}" rx="10" fill="#fff"/>',
            *lines,
            "</svg>\n",
        ]
    )


def _conditions(results: Mapping[str, Any], measured: Sequence[Mapping[str, Any]]) -> str:
    """Say under what the figures were measured."""
    machines = dict.fromkeys(
        f"Python {each['python']}, {each['machine']}" for each in results.values()
    )
    rounds = sorted({len(each) for one in measured for each in one["seconds"].values()})
    counted = " to ".join(str(number) for number in dict.fromkeys((rounds[0], rounds[-1])))
    return f"Medians, rounds: {counted}. {'; '.join(machines)}. Each step of the axis is ten times."


def _names(panels: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the ways of all panels, the fastest of the first panel first."""
    medians: dict[str, float] = {}
    for panel in panels:
        for name, seconds in panel["seconds"].items():
            medians.setdefault(name, statistics.median(seconds))
    return sorted(medians, key=medians.__getitem__)


def _part(
    title: str, unit: tuple[str, float], panels: Sequence[Mapping[str, Any]], y: float
) -> Iterator[str]:
    """Yield one part: a title, and the panels of the policies side by side."""
    word, scale = unit
    names = _names(panels)
    medians = [
        {name: statistics.median(seconds) * scale for name, seconds in panel["seconds"].items()}
        for panel in panels
    ]
    every = [number for panel in medians for number in panel.values()]
    low = math.floor(math.log10(min(every)))
    # A bar of a whole power of ten would have no length.
    low -= math.log10(min(every)) - low < 0.1  # of a step
    high = max(math.ceil(math.log10(max(every))), low + 1)
    yield _text(MARGIN, y + 14, title, size=17, weight=600)
    yield _text(WIDTH - MARGIN, y + 14, f"{word} a case", size=13, fill=QUIET, anchor="end")
    top, bottom = y + 56, y + 56 + ROW * len(names)
    for row, name in enumerate(names):
        own = name.startswith("policygrounds")
        middle = top + ROW * row + ROW / 2
        weight = 600 if own else 400
        yield _text(MARGIN + NAMES - 10, middle + 4, name, size=12.5, weight=weight, anchor="end")
    width = (WIDTH - 2 * MARGIN - NAMES - GAP * (len(panels) - 1)) / len(panels)
    for place, (panel, found) in enumerate(zip(panels, medians, strict=True)):
        left = MARGIN + NAMES + place * (width + GAP)
        step = (width - LABEL) / (high - low)
        yield _text(left, y + 42, f"{panel['policy']}, {panel['version']}", size=13, weight=600)
        for power in range(low, high + 1):
            x = left + (power - low) * step
            yield f'<path d="M{x:.1f} {top}V{bottom}" stroke="{LINE}"/>'
            yield _text(
                x, bottom + 16, f"{10.0**power:,.10g}", size=11, fill=QUIET, anchor="middle"
            )
        for row, name in enumerate(names):
            if name not in found:
                continue
            own = name.startswith("policygrounds")
            at = top + ROW * row + (ROW - BAR) / 2
            length = (math.log10(found[name]) - low) * step
            yield (
                f'<rect x="{left:.1f}" y="{at:.1f}" width="{length:.1f}" height="{BAR}" '
                f'rx="2" fill="{OWN if own else PEER}"/>'
            )
            number, weight = _number(found[name]), 600 if own else 400
            yield _text(left + length + 5, at + BAR - 3, number, size=12, weight=weight)


def _number(number: float) -> str:
    """Write a number with three figures, or whole."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def _text(
    x: float,
    y: float,
    text: str,
    *,
    size: float,
    weight: int = 400,
    fill: str = TEXT,
    anchor: str = "start",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" fill="{fill}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )


if __name__ == "__main__":
    main()
