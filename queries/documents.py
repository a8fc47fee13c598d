"""Explanations as documents for people: Markdown, and one HTML page that needs nothing beside it."""

from collections.abc import Mapping, Sequence

from engine.explanation import Explanation
from engine.policy import Policy
from facts.vocabulary import Vocabulary
from queries.rendering import render_html, render_markdown
from queries.views import chapters


def markdown(
    explanations: Sequence[Explanation], policies: Mapping[str, Policy], vocabulary: Vocabulary
) -> str:
    """Write explanations as Markdown, one case under several policies side by side."""
    return render_markdown(
        "explanations.md.jinja", chapters=chapters(explanations, policies, vocabulary)
    )


def page(
    explanations: Sequence[Explanation], policies: Mapping[str, Policy], vocabulary: Vocabulary
) -> str:
    """Write explanations as an HTML page, one case under several policies side by side."""
    return render_html(
        "page.html.jinja",
        "page.css",
        "tree.js",
        chapters=chapters(explanations, policies, vocabulary),
    )
