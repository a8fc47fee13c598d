"""A policy's tree of criteria: what is in it, as text, and as a picture."""

import re
from dataclasses import replace
from io import StringIO
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from engine.policy import branches
from policygrounds import KnowledgeBase
from queries.rendering import render_picture
from queries.tree import (
    WIDTH,
    Box,
    Criterion,
    Mark,
    effects_elsewhere,
    picture,
    policy_tree,
    sheet,
    show_tree,
)

SVG = "{http://www.w3.org/2000/svg}"


def below(criterion: Criterion) -> list[Criterion]:
    return [criterion, *(one for part in criterion.parts for one in below(part))]


def boxes(box: Box) -> list[Box]:
    return [box, *(one for part in box.parts for one in boxes(part))]


def all_criteria(kb: KnowledgeBase, number: str, day: str) -> dict[str, Criterion]:
    policy = kb.policies[number]
    trees = policy_tree(policy, policy.version(day))
    return {one.section: one for tree in trees for one in below(tree)}


def drawn(kb: KnowledgeBase, number: str, day: str) -> ET.Element:
    policy = kb.policies[number]
    text = render_picture("sheet.svg.jinja", sheet=sheet(policy, policy.version(day)))
    return ET.fromstring(text)  # noqa: S314  (our own)


def text_of(element: ET.Element) -> str:
    return " ".join("".join(element.itertext()).split())


@pytest.mark.parametrize("number", ["5.21.071", "CP.PHAR.302"])
def test_every_criterion_of_every_version_is_in_the_tree_and_in_the_picture(
    kb: KnowledgeBase, number: str
) -> None:
    policy = kb.policies[number]
    for version in policy.versions:
        trees = policy_tree(policy, version)
        made_of = branches(version.program)
        for tree in trees:
            for one in below(tree):
                parts = made_of[one.section].parts if one.section in made_of else ()
                assert tuple(part.section for part in one.parts) == parts
                assert one.text == version.texts[one.section]
        root = drawn(kb, number, version.start)
        items = [g for g in root.iter(f"{SVG}g") if g.get("role") == "listitem"]
        assert len(items) == sum(tree.count() for tree in trees)


def test_parts_say_how_many_of_them_are_needed(kb: KnowledgeBase) -> None:
    criteria = all_criteria(kb, "CP.PHAR.302", "2025-09-15")
    assert criteria["I.A"].needs == "all of"
    assert criteria["I.A.5"].needs == "any of"
    assert criteria["I.A.3"].needs == ""
    own = KnowledgeBase.load("examples/new_policy")
    mine = all_criteria(own, "EX-101", "2025-09-15")
    assert mine["1.f"].needs == "none of"
    assert mine["1.g"].needs == "at least 2 of"


def test_dated_parts_say_since_and_until_when(kb: KnowledgeBase) -> None:
    latest = all_criteria(kb, "CP.PHAR.302", "2025-09-15")
    assert latest["I.A.5.d"].dates == "since 2025-08-01"
    assert latest["I.A.5.c"].dates == "since 2024-08-01"
    assert latest["I.A.5.a"].dates == latest["I.A"].dates == ""
    first = all_criteria(kb, "CP.PHAR.302", "2022-09-01")
    ended = {one.section: one.dates for one in first.values() if one.dates}
    assert ended
    assert set(ended.values()) == {"until 2023-08-01"}


def test_pathways_say_what_they_grant_and_sections_where_they_refer(kb: KnowledgeBase) -> None:
    criteria = all_criteria(kb, "CP.PHAR.302", "2025-09-15")
    assert criteria["I.A"].root == "pathway"
    assert criteria["I.A"].effects == (
        (
            "approves for 6 months or what is requested, up to 12 months (I.A (duration)); "
            "at most 3 capsules in 28 days (I.A.6.a)"
        ),
        "may deny: not medically necessary",
    )
    assert criteria["I.D"].root == "disposition"
    assert criteria["I.D.2"].effects == ("may refer to CP.CPA.09, CP.PMN.53 or HIM.PA.154",)
    policy = kb.policies["CP.PHAR.302"]
    elsewhere = effects_elsewhere(policy, policy.versions[-1])
    assert ("I.D.1.a", "may refer to CP.CPA.190, CP.PMN.255 or HIM.PA.33") in elsewhere


def test_the_text_of_a_tree(kb: KnowledgeBase) -> None:
    policy = kb.policies["CP.PHAR.302"]
    text = StringIO()
    show_tree(Console(file=text, width=200), policy, policy.versions[-1])
    lines = text.getvalue().splitlines()
    assert "├─ I.A.5  Prescribed in one of the listed ways [any of]" in lines
    said = "With venetoclax and dexamethasone, for disease with t(11;14) (since 2024-08-01)"
    assert f"│  ├─ I.A.5.c  {said}" in lines
    assert lines[lines.index("Elsewhere") + 1].startswith("  I.D.1.a  ")


@pytest.mark.parametrize("number", ["5.21.071", "CP.PHAR.302"])
def test_boxes_never_overlap_and_stay_inside(kb: KnowledgeBase, number: str) -> None:
    policy = kb.policies[number]
    laid = sheet(policy, policy.versions[-1])
    found = [box for one in laid.pictures for box in boxes(one.root)]
    for above, box in pairwise(found):
        assert above.y + above.height < box.y
    for box in found:
        assert box.x + box.width <= WIDTH
        assert box.y + box.height <= laid.height
        for line in box.lines:
            assert box.y < line.y < box.y + box.height
        for part in box.parts:
            assert box.x < box.stem < part.x
            assert part.y < part.entry < part.y + part.height
            assert box.foot == box.parts[-1].entry


def test_marks_say_in_words_what_was_found_and_lead_to_it(kb: KnowledgeBase) -> None:
    policy = kb.policies["5.21.071"]
    tree = policy_tree(policy, policy.versions[-1])[0]
    section = tree.parts[0].section
    marks = {
        section: [
            Mark("note", "Criteria that ask the same (finding 2)", "finding-2"),
            Mark("error", "A criterion that no patient can meet (finding 1)", "finding-1"),
        ],
        tree.parts[1].section: [Mark("accepted", "Meant so", "finding-3")],
    }
    laid = picture(tree, marks)
    assert "2 sections marked with findings" in laid.description
    assert "without findings" in picture(tree, {}).description
    first, second = laid.root.parts[:2]
    assert (first.worst, second.worst, laid.root.worst) == ("error", "accepted", "")
    said = [(line.kind, line.text, line.target) for line in first.lines[1:]]
    assert said == [
        ("note", "● note: Criteria that ask the same (finding 2)", "finding-2"),
        ("error", "✖ error: A criterion that no patient can meet (finding 1)", "finding-1"),
    ]


def test_a_long_section_and_a_long_text_are_wrapped() -> None:
    deep = Criterion("9 " * 40, "word " * 60, "", "", "since 2025-01-01", (), ())
    tree = Criterion("1", "x" * 300, "pathway", "all of", "", ("grants " * 40,), (deep,))
    laid = picture(tree, {})
    whole = " ".join(line.text for line in laid.root.parts[0].lines).split()
    assert whole == ["word"] * 60
    assert [line.section for line in laid.root.parts[0].lines if line.section] == ["9 " * 40]
    assert laid.root.parts[0].lines[-1].dates == "(since 2025-01-01)"
    assert "".join(line.text for line in laid.root.lines if line.kind == "text") == "x" * 300


def test_the_picture_is_named_and_loads_nothing(kb: KnowledgeBase) -> None:
    root = drawn(kb, "CP.PHAR.302", "2025-09-15")
    names = {element.get("id"): text_of(element) for element in root if element.get("id")}
    assert names[root.get("aria-labelledby")] == (
        "Centene CP.PHAR.302, Ixazomib (Ninlaro), version 2025-08-01"
    )
    assert (
        "Pathway I.A: Initial approval for multiple myeloma." in names[root.get("aria-describedby")]
    )
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in {
            *("svg", "title", "desc", "style", "rect", "text", "tspan", "path", "g", "a")
        }
        assert not {"href", "src", "style", "onload"} & set(element.attrib)
    (style,) = root.iter(f"{SVG}style")
    assert style.text is not None
    assert "prefers-color-scheme: dark" in style.text
    assert not re.search(r"url\(|@import|http", style.text)


def test_what_a_policy_says_stays_text(kb: KnowledgeBase) -> None:
    hostile = '<script>alert("1")</script>\x1b[31m & "'
    tree = Criterion("1", hostile, "pathway", "", "", (hostile,), ())
    text = render_picture("sheet.svg.jinja", sheet=_sheet_of(kb, tree))
    root = ET.fromstring(text)  # noqa: S314  (our own)
    assert not list(root.iter(f"{SVG}script"))
    assert "\x1b" not in text
    assert '<script>alert("1")</script>?[31m & "' in text_of(root)


def _sheet_of(kb: KnowledgeBase, tree: Criterion) -> object:
    policy = kb.policies["5.21.071"]
    return replace(sheet(policy, policy.versions[-1]), pictures=(picture(tree, {}),))
