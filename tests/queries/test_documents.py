"""Explanations as Markdown and as a page; the texts in golden/ are what they are to look like.

After a change that is meant, POLICYGROUNDS_GOLDEN=write writes them anew, to be reviewed.
"""

import itertools
import json
import os
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from engine.analysis.difference import Comparison, Route
from engine.explanation import Explanation
from policygrounds import Case, KnowledgeBase
from queries.differences import comparison_view
from queries.documents import markdown, page
from queries.findings import Checked
from queries.letters import letter, letter_page
from queries.reports import (
    comparison_page,
    findings_markdown,
    findings_page,
    routes_markdown,
    routes_page,
)
from queries.routes import routes_view

Explained = Callable[..., Explanation]
GOLDEN = Path(__file__).parent / "golden"
NEW_POLICY = Path(__file__).parents[2] / "examples" / "new_policy"
HOSTILE = '<script>alert("1")</script><img src=https://example.org/x> [x](https://example.org) \x1b[31m|`#'


def golden(name: str, text: str) -> None:
    file = GOLDEN / name
    if os.environ.get("POLICYGROUNDS_GOLDEN") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    assert text == file.read_text("utf-8")


def renamed(explanation: Explanation, identifier: str | None) -> Explanation:
    return replace(explanation, determination=replace(explanation.determination, id=identifier))


@pytest.fixture(scope="module")
def several(explained: Explained, contradicted: Explanation) -> list[Explanation]:
    """Explain one case of every outcome, one under two policies, and one that is no case."""
    return [
        explained("v1-CP.PHAR.302"),
        explained("v7-CP.PHAR.302", policy="5.21.071"),
        explained("v7-CP.PHAR.302"),
        explained("v2-CP.PHAR.302", across_readings=True, history=True),
        explained("v3-5.21.071"),
        explained("open-1"),
        contradicted,
        renamed(explained("v7-CP.PHAR.302"), HOSTILE),
    ]


@pytest.mark.parametrize("case", ["v7-CP.PHAR.302", "v3-5.21.071", "open-1"])
def test_markdown_looks_as_it_is_to_look(
    kb: KnowledgeBase, explained: Explained, case: str
) -> None:
    golden(f"{case}.md", markdown([explained(case)], kb.policies, kb.vocabulary))


def test_markdown_of_readings_and_versions_looks_as_it_is_to_look(
    kb: KnowledgeBase, explained: Explained
) -> None:
    explanation = explained("v2-CP.PHAR.302", across_readings=True, history=True)
    text = markdown([explanation], kb.policies, kb.vocabulary)
    golden("v2-CP.PHAR.302.md", text)


def test_markdown_of_one_case_under_two_policies_looks_as_it_is_to_look(
    kb: KnowledgeBase, explained: Explained
) -> None:
    case = "v7-CP.PHAR.302"
    explanations = [explained(case, policy="5.21.071"), explained(case)]
    text = markdown(explanations, kb.policies, kb.vocabulary)
    golden("side_by_side.md", text.split("\n## APPROVE")[0])


def test_only_explanations_of_one_case_are_put_side_by_side(
    kb: KnowledgeBase, explained: Explained
) -> None:
    case = "v7-CP.PHAR.302"
    one, other = explained(case, policy="5.21.071"), explained(case)
    for apart in (
        [one, renamed(other, "another")],
        [one, explained("v1-CP.PHAR.302"), other],
        [other, other],
    ):
        assert "under 2 policies" not in markdown(apart, kb.policies, kb.vocabulary)
    assert "under 2 policies" in markdown([one, other], kb.policies, kb.vocabulary)


def test_nothing_in_a_case_becomes_markup_in_markdown(
    kb: KnowledgeBase, explained: Explained
) -> None:
    identifiers = [HOSTILE, "1. one", "- one", "www.example.org", "a\nb", "_a_ *b* ~~c~~ &lt;"]
    reader = MarkdownIt("gfm-like", {"linkify": False}).enable("table")
    for identifier in identifiers:
        explanations = [
            renamed(explained("v7-CP.PHAR.302", policy="5.21.071"), identifier),
            renamed(explained("v7-CP.PHAR.302"), identifier),
        ]
        text = markdown(explanations, kb.policies, kb.vocabulary)
        shown = "".join(letter if letter.isprintable() else "?" for letter in identifier)
        titles = [
            token.content
            for token in reader.parse(text)
            if token.type == "inline" and shown in _plain(reader, token.content)
        ]
        assert len(titles) == 3, identifier
        assert not re.search(r"(?<!\\)://", text)
        html = reader.render(text)
        assert (
            re.findall(
                r"<(?!/?(?:h[123]|p|ul|ol|li|table|t[rhd]|thead|tbody|strong|blockquote|br)\b)",
                html,
            )
            == []
        )


def _plain(reader: MarkdownIt, content: str) -> str:
    (inline,) = reader.parseInline(content)
    return "".join(token.content for token in inline.children or ())


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    parent: "Element | None"
    content: "list[Element | str]" = field(default_factory=list)

    @property
    def inside(self) -> "list[Element]":
        return [part for part in self.content if isinstance(part, Element)]

    @property
    def text(self) -> str:
        return "".join(part for part in self.content if isinstance(part, str))

    def all(self) -> "Iterator[Element]":
        yield self
        for element in self.inside:
            yield from element.all()

    def whole_text(self) -> str:
        return "".join(
            part if isinstance(part, str) else part.whole_text() for part in self.content
        )


class Reader(HTMLParser):
    """Reads a page that closes what it opens; anything else is an error."""

    EMPTY = ("meta", "link", "br")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.root = self.here = Element("root", {}, None)
        self.declarations: list[str] = []
        self.feed(html)
        self.close()
        assert self.here is self.root, f"{self.here.tag} is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        element = Element(tag, {name: value or "" for name, value in attrs}, self.here)
        self.here.content.append(element)
        if tag not in self.EMPTY:
            self.here = element

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.here.tag, f"{tag} closes {self.here.tag}"
        assert self.here.parent
        self.here = self.here.parent

    def handle_data(self, data: str) -> None:
        self.here.content.append(data)

    def handle_decl(self, decl: str) -> None:
        self.declarations.append(decl)


@pytest.fixture(scope="module")
def pages(
    kb: KnowledgeBase,
    several: list[Explanation],
    checked: Checked,
    comparison: Comparison,
    found_routes: tuple[Route, ...],
) -> list[str]:
    """Write pages of all the cases, of each alone, of letters, and reports on policies."""
    other = replace(comparison, second=("EX-101", "2025-01-01"))
    views = [comparison_view(one, kb.vocabulary) for one in (comparison, other)]
    return [
        findings_page([checked], kb.vocabulary),
        findings_page([checked, checked], kb.vocabulary),
        comparison_page(views[:1], kb.vocabulary),
        comparison_page(views, kb.vocabulary),
        *(
            routes_page(
                routes_view(checked.policy, checked.version, "approve", found, kb.vocabulary)
            )
            for found in (found_routes, found_routes[:1], ())
        ),
        page(several, kb.policies, kb.vocabulary),
        *(page([one], kb.policies, kb.vocabulary) for one in several),
        *(
            letter_page(one, kb.policies[one.determination.policy], kb.vocabulary)
            for one in several
        ),
    ]


def elements(html: str) -> list[Element]:
    return list(Reader(html).root.all())


def test_a_page_is_whole_and_every_reference_leads_somewhere(pages: list[str]) -> None:
    for html in pages:
        assert Reader(html).declarations == ["DOCTYPE html"]
        found = elements(html)
        identifiers = [e.attributes["id"] for e in found if "id" in e.attributes]
        assert len(identifiers) == len(set(identifiers))
        references = [
            name
            for element in found
            for attribute in ("aria-labelledby", "aria-describedby")
            for name in element.attributes.get(attribute, "").split()
        ]
        links = [e.attributes["href"] for e in found if e.tag == "a"]
        assert all(link.startswith("#") for link in links)
        assert {*references, *(link[1:] for link in links)} <= {*identifiers}
        (document,) = [e for e in found if e.tag == "html"]
        assert document.attributes["lang"] == "en"


def test_a_page_has_landmarks_and_headings_in_order(pages: list[str]) -> None:
    for html in pages:
        found = elements(html)
        assert [e.tag for e in found].count("main") == 1
        levels = [int(e.tag[1]) for e in found if re.fullmatch("h[1-6]", e.tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
        for element in found:
            if element.tag in ("nav", "article"):
                assert element.attributes["aria-labelledby"]
            if element.tag == "th":
                assert element.attributes["scope"] in ("col", "row", "rowgroup")


def test_a_page_asks_for_nothing_and_forbids_all_but_its_own_style_and_script(
    pages: list[str],
) -> None:
    for html in pages:
        found = elements(html)
        assert "http:" not in html.replace("http://www.w3.org", "")
        assert not {"src", "srcset", "style", "onclick", "onload"} & {
            name for element in found for name in element.attributes
        }
        assert {e.tag for e in found}.isdisjoint({"img", "iframe", "object", "form", "base"})
        (icon,) = [e for e in found if e.tag == "link"]
        assert icon.attributes["href"] == "data:,"
        (policy,) = [
            e.attributes["content"]
            for e in found
            if e.attributes.get("http-equiv") == "Content-Security-Policy"
        ]
        sources = [source.strip() for source in policy.split(";")]
        inside = {"style": "style-src", "script": "script-src"}
        hashes = [
            f"{inside[e.tag]} 'sha256-{b64encode(sha256(e.text.encode()).digest()).decode()}'"
            for e in found
            if e.tag in inside
        ]
        rest = ["default-src 'none'", "img-src data:", "base-uri 'none'", "form-action 'none'"]
        assert sorted(sources) == sorted([*hashes, *rest])
        assert "url(" not in html
        assert "@import" not in html


def test_what_a_case_is_called_stays_text(kb: KnowledgeBase, several: list[Explanation]) -> None:
    shown = HOSTILE.replace("\x1b", "?")
    for html in (
        page(several[-1:], kb.policies, kb.vocabulary),
        letter_page(several[-1], kb.policies["CP.PHAR.302"], kb.vocabulary),
    ):
        found = elements(html)
        assert any(shown in element.text for element in found if element.tag in ("span", "dd"))
        assert [e.tag for e in found].count("img") == 0
        assert "alert" not in "".join(e.text for e in found if e.tag == "script")
        assert "\x1b" not in html
    text = letter(several[-1], kb.policies["CP.PHAR.302"], kb.vocabulary)
    assert "\x1b" not in text


def test_the_texts_of_a_policy_of_ones_own_stay_text(
    kb: KnowledgeBase, explained: Explained
) -> None:
    explanation = explained("v7-CP.PHAR.302")
    answer = explanation.determination
    hostile = replace(
        explanation,
        determination=replace(answer, criteria=replace(answer.criteria, text=HOSTILE)),
        limits=(HOSTILE,),
    )
    policy = replace(kb.policies["CP.PHAR.302"], title=HOSTILE, payer=HOSTILE, source=HOSTILE)
    html = page([hostile], {"CP.PHAR.302": policy}, kb.vocabulary)
    assert [e.tag for e in elements(html)].count("script") == 1
    assert "<img" not in html


def test_what_a_report_cites_stays_text(
    kb: KnowledgeBase, checked: Checked, found_routes: tuple[Route, ...]
) -> None:
    finding = replace(checked.findings[0], text=HOSTILE, repair=HOSTILE)
    policy = replace(checked.policy, title=HOSTILE, source=HOSTILE)
    hostile = replace(checked, policy=policy, findings=(finding,))
    view = routes_view(policy, checked.version, "approve", found_routes, kb.vocabulary)
    view = replace(view, groups=(replace(view.groups[0], text=HOSTILE), *view.groups[1:]))
    for html, text in (
        (findings_page([hostile], kb.vocabulary), findings_markdown([hostile], kb.vocabulary)),
        (routes_page(view), routes_markdown(view)),
    ):
        assert {"img", "script"}.isdisjoint(e.tag for e in elements(html))
        assert "<img" not in MarkdownIt().render(text)
        assert "\x1b" not in html + text


def test_every_criterion_is_an_item_of_a_tree_with_its_place_and_its_status(
    kb: KnowledgeBase, explained: Explained
) -> None:
    explanation = explained("v2-CP.PHAR.302")
    root = Reader(page([explanation], kb.policies, kb.vocabulary)).root
    (tree,) = [element for element in root.all() if element.attributes.get("role") == "tree"]
    items = [element for element in tree.all() if element.attributes.get("role") == "treeitem"]
    answer = explanation.determination
    criteria = []
    waiting = [answer.criteria, *answer.routing]
    while waiting:
        criterion = waiting.pop(0)
        criteria.append(criterion)
        waiting = [*criterion.parts, *waiting]
    assert len(items) == len(criteria)
    for item, criterion in zip(items, criteria, strict=True):
        row = item.inside[0].whole_text()
        assert criterion.section in row
        assert row.rstrip().endswith(criterion.status.value.replace("_", " "))
        above = 0
        outer = item.parent
        while outer is not None and outer is not tree:
            above += outer.attributes.get("role") == "treeitem"
            outer = outer.parent
        assert item.attributes["aria-level"] == str(above + 1)
        assert item.parent
        beside = [e for e in item.parent.inside if e.attributes.get("role") == "treeitem"]
        assert item.attributes["aria-setsize"] == str(len(beside))
        assert item.attributes["aria-posinset"] == str(beside.index(item) + 1)
        assert ("aria-expanded" in item.attributes) is bool(criterion.parts)
        groups = [e for e in item.inside if e.attributes.get("role") == "group"]
        assert len(groups) == bool(criterion.parts)


def test_changes_are_cards_by_effort_with_links_to_the_sections_they_cite(
    kb: KnowledgeBase, explained: Explained
) -> None:
    found = elements(page([explained("v2-CP.PHAR.302")], kb.policies, kb.vocabulary))
    (cards,) = [e for e in found if e.attributes.get("data-effort") == "prescribe"]
    assert len(cards.inside) == 3
    first = cards.inside[0]
    assert " ".join(first.whole_text().split()).startswith(
        "To prescribe: the drugs given together would have to include"
    )
    targets = [e.attributes["href"][1:] for e in first.all() if e.tag == "a"]
    cited = {
        e.attributes["id"]: e.inside[0].text
        for e in found
        if e.attributes.get("id", "").startswith("answer-1-section-")
    }
    assert [cited[target] for target in targets] == ["I.A.5.a", "I.A.*"]


def test_a_page_says_what_decided_and_whether_a_clinician_must_review_it(
    kb: KnowledgeBase, several: list[Explanation]
) -> None:
    for explanation in several:
        answer = explanation.determination
        html = page([explanation], kb.policies, kb.vocabulary)
        assert ("Draft for clinician review." in html) is answer.needs_clinician
        version = kb.policies[answer.policy].version(answer.version)
        assert f"from {version.start} on ({version.status})" in html
        for problem in answer.problems:
            assert problem.message in html
            assert 'role="tree"' not in html


def test_several_cases_have_contents_and_one_has_none(
    kb: KnowledgeBase, several: list[Explanation]
) -> None:
    assert "<nav" not in page(several[:1], kb.policies, kb.vocabulary)
    found = elements(page(several, kb.policies, kb.vocabulary))
    (contents,) = [element for element in found if element.tag == "nav"]
    targets = [e.attributes["href"] for e in contents.all() if e.tag == "a"]
    assert len(targets) == len(several) + 1
    articles = [f"#{e.attributes['id']}" for e in found if e.tag == "article"]
    assert [target for target in targets if target.startswith("#answer")] == articles


def test_documents_are_the_same_every_time(kb: KnowledgeBase, several: list[Explanation]) -> None:
    for write in (markdown, page):
        assert write(several, kb.policies, kb.vocabulary) == write(
            several, kb.policies, kb.vocabulary
        )


def test_cases_of_a_policy_of_ones_own_can_be_written_too() -> None:
    own = KnowledgeBase.load(NEW_POLICY)
    cases = map(Case.from_json, json.loads((NEW_POLICY / "cases.json").read_text()))
    explanations = [own.explain(case, across_readings=True, history=True) for case in cases]
    for write in (markdown, page):
        text = write(explanations, own.policies, own.vocabulary)
        assert "Neutrophil count" in text or "neutrophil count" in text
    for explanation in explanations:
        assert "Dear" in letter(explanation, own.policies["EX-101"], own.vocabulary)
