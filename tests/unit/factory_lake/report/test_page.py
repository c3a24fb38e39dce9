"""The page's text: nothing of a plant is markup, it asks for nothing, and it stays small."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from factory_lake.report.facts import Clip, Facts
from factory_lake.report.markup import Markup, element, inline
from factory_lake.report.page import render
from harness.bench.report import MAX_BYTES, month
from tests.unit.factory_lake.report import samples

#: A name that would run a script, load a picture or end an element, if it were markup.
HOSTILE = """</script><script>window.wounded=1</script><img src=//a.example/x onerror="window.wounded=1">'"&amp;<!--"""
PACKAGE = Path(render.__code__.co_filename).parent


class _Outline(HTMLParser):
    """A page's elements, and its headings in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[int] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))


def test_text_is_escaped_by_its_type() -> None:
    assert element("td", HOSTILE, title=HOSTILE, hidden=True, id=None) == Markup(
        '<td title="&lt;/script&gt;&lt;script&gt;window.wounded=1&lt;/script&gt;&lt;img src=//a.example/x onerror='
        '&quot;window.wounded=1&quot;&gt;&#x27;&quot;&amp;amp;&lt;!--" hidden>'
        "&lt;/script&gt;&lt;script&gt;window.wounded=1&lt;/script&gt;&lt;img src=//a.example/x onerror="
        "&quot;window.wounded=1&quot;&gt;&#x27;&quot;&amp;amp;&lt;!--</td>"
    )
    assert element("p", element("b", "a<b"), " & c") == "<p><b>a&lt;b</b> &amp; c</p>"


def test_an_own_script_must_not_end_itself() -> None:
    with pytest.raises(ValueError, match="must not contain </script"):
        inline("script", "'</SCRIPT>'")


def test_a_hostile_plant_adds_no_element() -> None:
    def outline(name: str) -> list[str]:
        gaps = [(10.0, 12.0, "unexplained", name, name, (name,))]
        made = [samples.timeline(kind, name, *gaps) for kind in ("gateway", "tag", "camera")]  # type: ignore[arg-type]
        facts = Facts(name, clips=(Clip(name, samples.FROM_MS, name),), notes=(name,))
        page = render(samples.coverage(*made), facts)
        assert page.count("window.wounded") == page.count("window.wounded=1&lt;/script&gt;") * 2
        return [tag for tag, _ in _Outline(page).elements]

    assert outline(HOSTILE) == outline("line-1")


def test_the_policy_lets_the_page_ask_for_nothing() -> None:
    page = render(samples.coverage(), samples.facts())
    outline = _Outline(page)
    (policy,) = [meta["content"] or "" for tag, meta in outline.elements if "http-equiv" in meta]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "media-src" not in policy
    links = [
        attributes[name] or "" for _, attributes in outline.elements for name in ("src", "href") if name in attributes
    ]
    assert all(link.startswith("#") for link in links)
    assert not [tag for tag, attributes in outline.elements if "style" in attributes]


def test_the_policy_allows_clips_from_where_they_are_and_nothing_else() -> None:
    clip = Clip(
        "press-1", samples.FROM_MS, "key", "https://lake-clips.s3.eu-central-1.amazonaws.com/a.mp4?X-Amz-Signature=1"
    )
    page = render(samples.coverage(), samples.facts(clip, links_end_ms=samples.TO_MS))
    assert "media-src https://lake-clips.s3.eu-central-1.amazonaws.com;" in page
    assert "expire at 2026-03-09 00:00 UTC" in page
    # A link is in the packed data alone, so that no copy of the text gives it away.
    assert "X-Amz-Signature" not in page


def test_headings_are_in_order() -> None:
    headings = _Outline(render(samples.coverage(), samples.facts())).headings
    assert headings == [1, *[2] * 11]


@pytest.mark.parametrize(
    ("gaps", "said"),
    [
        ((), "Everything arrived that was expected."),
        ((samples.OFFLINE,), "Something is missing, and all of it is explained: 1 gap, in tag line-1/a."),
        (
            (samples.OFFLINE, samples.UNEXPLAINED),
            "Something is missing that nothing explains: 1 gap, in tag line-1/a.",
        ),
    ],
)
def test_the_page_begins_with_the_answer(gaps: tuple[samples.Gap, ...], said: str) -> None:
    assert said in render(samples.coverage(samples.timeline("tag", "line-1/a", *gaps)), samples.facts())


def test_a_lake_without_anything_has_a_page() -> None:
    page = render(samples.coverage(samples.timeline("gateway", "line-1/measurements")), Facts("krakow"))
    assert "The factory has no cameras in this range." in page
    assert "The lake keeps no connections: its table is not there." in page
    assert "Not calculated: no prices were given (--prices)." in page


def test_a_month_of_a_thousand_tags_stays_small() -> None:
    coverage = month()
    assert sum(timeline.subject.kind == "tag" for timeline in coverage.timelines) == 1000
    page = render(coverage, samples.facts())
    assert len(page.encode()) <= MAX_BYTES


def test_page_files_are_part_of_the_package() -> None:
    assert {"page.css", "page.js"} <= {file.name for file in PACKAGE.iterdir()}
