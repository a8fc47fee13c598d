"""The picture of the benchmarks shows what they measured."""

from typing import Any
from xml.etree import ElementTree as ET

import picture
import pytest

MEASURED: dict[str, Any] = {
    "one_case": {
        "python": "3.11",
        "machine": "m",
        "measured": [
            {
                "what": "complete, new",
                "policy": policy,
                "version": "2024-01-01",
                "cases": 10,
                "seconds": {
                    "policygrounds, compiled": [5e-6, 4e-6, 9e-6],
                    "a <peer> & more": [4e-5, 5e-5, 6e-5],
                },
            }
            for policy in ("5.21.071", "CP.PHAR.302")
        ],
    },
    "many_cases": {
        "python": "3.11",
        "machine": "m",
        "measured": [
            {
                "what": "columns",
                "policy": "5.21.071",
                "version": "2024-01-01",
                "cases": 1_000_000,
                "seconds": {"policygrounds": [2e-7], "slow": [3e-4]},
            }
        ],
    },
}


@pytest.fixture(scope="module")
def drawn() -> ET.Element:
    return ET.fromstring(picture.drawn(MEASURED))  # noqa: S314 - our own text


def texts(drawn: ET.Element) -> list[str]:
    return [each.text or "" for each in drawn.iter("{http://www.w3.org/2000/svg}text")]


def test_every_way_is_there_with_its_median(drawn: ET.Element) -> None:
    said = texts(drawn)
    assert {"5.21.071, 2024-01-01", "CP.PHAR.302, 2024-01-01"} <= {*said}
    assert {"policygrounds, compiled", "a <peer> & more", "slow", "policygrounds"} <= {*said}
    assert [said.count(number) for number in ("5", "50", "200", "300,000")] == [2, 2, 1, 1]
    assert "1,000,000 complete cases from columns" in said


def test_bars_are_as_long_as_the_powers_of_ten(drawn: ET.Element) -> None:
    bars = [
        (float(each.attrib["width"]), each.attrib["fill"])
        for each in drawn.iter("{http://www.w3.org/2000/svg}rect")
        if "x" in each.attrib
    ]
    (own, _), (peer, _), *_ = bars
    # From 1 to 5 are 0.699 powers of ten, to 50 one more.
    assert peer / own == pytest.approx(1.699 / 0.699, rel=0.01)
    assert [fill for _, fill in bars] == [picture.OWN, picture.PEER] * 3
