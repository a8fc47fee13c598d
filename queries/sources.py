"""Where in its file the sections of a policy are stated."""

import re
from collections.abc import Mapping
from pathlib import Path


def line_numbers(file: Path, policy: str) -> Mapping[str, int]:
    """Find the lines on which the sections of a policy are stated in its file, counted from 1.

    A section is stated where a criterion or provision names it, alone or among alternatives; else
    where it is first named at all.
    """
    text = re.sub(r"%.*", "", _text(file))
    number = re.escape(policy)
    alternatives = r'"[^"\n]*"|\((?:"[^"\n]*"|[^()"])*\)'
    stated = re.finditer(
        rf'\b(?:criterion|provision)\s*\(\s*"{number}"\s*,\s*({alternatives})', text, re.MULTILINE
    )
    lines: dict[str, int] = {}
    for found in (*stated, *re.finditer(r'("[^"\n]*")', text)):
        for section in re.findall(r'"([^"\n]*)"', found[1]):
            lines.setdefault(section, text.count("\n", 0, found.start(1)) + 1)
    return lines


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8", errors="replace")
    except OSError:
        return ""
