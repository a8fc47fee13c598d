"""Saved queries: what their comments say, and what is wrong with files of them."""

from pathlib import Path

import pytest

from facts.errors import SavedQueryError
from queries.saved import Parameter, as_saved, read_saved

TEXT = """\
% Which policies are
% on a drug?
%
% $drug    the drug
% Example  drug=ixazomib

found(Policy) :- policy(Policy, _, $drug, _).  % no $other
"""


def test_the_comments_before_a_query_say_what_it_answers_and_what_it_takes() -> None:
    saved = as_saved("mine", TEXT, "mine.dl")
    assert saved.sentence == "Which policies are on a drug?"
    assert saved.parameters == (Parameter("drug", "the drug", "ixazomib"),)
    assert saved.example == {"drug": "ixazomib"}
    assert saved.text == TEXT


def test_a_query_without_comments_is_a_saved_query_too() -> None:
    saved = as_saved("mine", "policy(P, _, _, _)", "mine.dl")
    assert (saved.sentence, saved.parameters) == ("", ())


def test_comments_further_down_describe_nothing() -> None:
    below = as_saved("mine", "% Which?\n\n% More.\npolicy(P, _, _, _)", "mine.dl")
    assert below.sentence == "Which?"
    assert as_saved("mine", "a(P) :- policy(P, _, _, _).\n% $drug  x\n", "mine.dl").parameters == ()


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("% $drug  one\n% $drug  other\n", r"mine\.dl: parameter \$drug is described twice"),
        (
            "% $drug  one\n% Example  durg=ixazomib\n",
            r"mine\.dl: the example sets 'durg'.*did you mean 'drug'\?",
        ),
    ],
)
def test_a_header_that_contradicts_itself_is_refused(header: str, said: str) -> None:
    with pytest.raises(SavedQueryError, match=said):
        as_saved("mine", header + "policy(P, _, $drug, _)", "mine.dl")


def test_the_relations_a_query_names_are_those_outside_of_comments() -> None:
    text = "% drug(x)\na(P) :- policy(P, _, _, _), not serves(P, _, _). % code(\n"
    assert as_saved("mine", text, "mine.dl").named_relations() == {"a", "policy", "serves"}


def test_a_file_that_is_none_or_too_large_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SavedQueryError, match="cannot be read"):
        read_saved(tmp_path / "nowhere.dl")
    (tmp_path / "large.dl").write_text("%" * 200_000)
    with pytest.raises(SavedQueryError, match=r"large\.dl: a file of more than"):
        read_saved(tmp_path / "large.dl")
    (tmp_path / "bytes.dl").write_bytes(b"\xff\xfe")
    with pytest.raises(SavedQueryError, match=r"bytes\.dl: the text is not UTF-8"):
        read_saved(tmp_path / "bytes.dl")
    with pytest.raises(SavedQueryError, match="no regular file"):
        read_saved(tmp_path)
