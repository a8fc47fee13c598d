"""The page on the relations is what the encodings and the knowledge base say."""

import re
from pathlib import Path

import pytest

from engine.relations.definitions import relations
from queries.relation_page import example_databases, relations_page

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "relations.md"


@pytest.mark.usefixtures("derived_once")
def test_the_page_on_relations_is_the_one_that_is_written() -> None:
    assert relations_page(example_databases(ROOT / "examples")) == PAGE.read_text()


def test_every_relation_stands_on_the_page_once() -> None:
    headings = re.findall(r"^### (\w+)$", PAGE.read_text(), re.MULTILINE)
    assert sorted(headings) == sorted(relations())


def test_links_of_the_page_lead_to_a_relation() -> None:
    headings = set(re.findall(r"^### (\w+)$", PAGE.read_text(), re.MULTILINE))
    assert set(re.findall(r"\]\(#(\w+)\)", PAGE.read_text())) == headings
