"""The page's strips: rows of names and drawings, their time axis, and what tells states apart."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from factory_lake.coverage.model import STATES, Coverage, Kind, State
from factory_lake.report import words
from factory_lake.report.facts import Facts
from factory_lake.report.markup import Markup, element
from factory_lake.report.strips import HEIGHT, WIDTH, Strip

#: Of each kind: its section's anchor and title, and what one is called.
KINDS: Mapping[Kind, tuple[str, str, str]] = {
    "gateway": ("gateways", "Gateways", "gateway lane"),
    "camera": ("cameras", "Cameras", "camera"),
    "tag": ("tags", "Tags", "tag"),
}
#: What tells states apart without colour: a path on a tile of 8 by 8.
_PATTERNS: Mapping[State, str] = {
    "late": "M0 4h8",
    "clock_off": "M4 1v3h3",
    "refused": "M0 0l8 8M8 0l-8 8",
    "waiting": "M2 3v2M6 3v2",
    "gateway_offline": "M0 2h8M0 6h8",
    "camera_silent": "M2 0v8M6 0v8",
    "expired": "M0 0l8 8",
    "archiver_behind": "M0 4h4M4 0h4M4 8h4",
    "error_action": "M4 0v8M0 4h8",
    "quiet": "M4 3v2",
    "unexplained": "M-2 2l4 -4M0 8l8 -8M6 10l4 -4",
}
# A strip's columns on a page of the usual width, by pixel; the script says it exactly.
_STRETCHED = 2.2
_STEPS_MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7200, 10080)
_DAY_MS = 86_400_000
_TICKS = 8
_MANY = 100


def legend(coverage: Coverage) -> Markup:
    """What the states mean that the strips have."""
    present = {span.state for timeline in coverage.timelines for span in timeline.spans}
    items = [
        element("li", swatch(state), element("b", words.STATES[state][0]), f": {words.STATES[state][1]}")
        for state in STATES
        if state in present
    ]
    return element("ul", *items, class_="legend", aria_label="What colours and patterns mean")


def state_of(state: State, reason: str) -> str:
    """A state's name, with its reason."""
    return words.STATES[state][0] + (f" ({reason})" if reason else "")


def axis_style(coverage: Coverage) -> str:
    """The columns of the time axis as CSS: what is before the first label, and from each label to the next."""
    edges = [coverage.from_ms, *_ticks(coverage), coverage.to_ms]
    return f".axis {{ grid-template-columns: {' '.join(f'{end - begin}fr' for begin, end in pairwise(edges))}; }}\n"


def _axis(coverage: Coverage) -> Markup:
    marks = _ticks(coverage)
    if all(mark % _DAY_MS == 0 for mark in marks):
        form = "%m-%d"
    else:
        form = "%H:%M" if coverage.to_ms - coverage.from_ms <= _DAY_MS else "%m-%d %H:%M"
    labels = [datetime.fromtimestamp(mark // 1000, UTC).strftime(form) for mark in marks]
    return element("div", *(element("span", label) for label in ("", *labels)), class_="axis", aria_hidden="true")


def _ticks(coverage: Coverage) -> list[int]:
    """Moments at a round distance, about eight at most."""
    length = coverage.to_ms - coverage.from_ms
    steps = [minutes * 60_000 for minutes in _STEPS_MINUTES]
    step = next((each for each in steps if length <= each * _TICKS), length)
    return list(range(-(-coverage.from_ms // step) * step, coverage.to_ms, step))


def swatch(state: State) -> Markup:
    """A piece of a strip in a state, for legends and tables."""
    square = element("rect", width="100%", height="100%", class_=f"s-{state}")
    box = f"0 0 {24 * _STRETCHED:g} {HEIGHT}"
    return element("svg", square, class_="swatch", viewBox=box, preserveAspectRatio="none", aria_hidden="true")


def rows_of(
    kind: Kind, every: Sequence[Strip], shared: Mapping[str, str], coverage: Coverage, facts: Facts
) -> list[Markup]:
    """The strips of one kind: those with gaps, then the others; tags without a gap are folded."""
    _, title, one = KINDS[kind]
    strips = [strip for strip in every if strip.timeline.subject.kind == kind]
    if not strips:
        return [element("p", f"The factory has no {one}s in this range.", class_="none")]
    first = strips[0].id
    with_gaps = [strip for strip in strips if strip.gaps]
    whole = [strip for strip in strips if not strip.gaps]
    found = [element("p", _hint(kind, facts), class_="hint")]
    if kind == "tag":
        field = element("input", type="search", id="filter", autocomplete="off")
        label = element("label", "Show only tags with ", field)
        found.append(element("p", label, element("output", "", for_="filter"), class_="hint filter", hidden=True))
    found.append(_axis(coverage))
    if with_gaps:
        found.append(_list(with_gaps, shared, first, title))
    if whole:
        rows = _list(whole, shared, first, f"{title} without a gap")
        # A plant's gateways and cameras are few, and looked at also when nothing is missing.
        summary = element("summary", f"{words.counted(len(whole), one)} without a gap")
        found.append(element("details", summary, rows) if kind == "tag" else rows)
    if gaps := sum(len(strip.gaps) for strip in with_gaps):
        summary = element("summary", f"{words.counted(gaps, 'gap')} as a table")
        found.append(element("details", summary, class_="all", data_kind=kind, data_of=title.lower(), hidden=True))
    return found


def _hint(kind: Kind, facts: Facts) -> str:
    if kind == "camera":
        return f"Choose a moment to play its clip. {_links(facts)}"
    return "Choose a moment for its cause and evidence; arrow keys move along a strip and between strips."


def _links(facts: Facts) -> str:
    linked = sum(1 for clip in facts.clips if clip.url)
    if facts.links_end_ms is None or not linked:
        return "Clips in the page itself play without a network." if linked else "This page has no links to clips."
    return (
        f"The links to clips expire at {words.minute(facts.links_end_ms)} UTC, or with the credentials that signed "
        "them. Whoever has this page can open them until then."
    )


def _list(strips: Sequence[Strip], shared: Mapping[str, str], first: str, title: str) -> Markup:
    # Of many rows, a browser lays out those alone that are seen.
    kind = "rows many" if len(strips) > _MANY else "rows"
    return element("ul", *(_row(strip, shared, first) for strip in strips), class_=kind, aria_label=title)


def _row(strip: Strip, shared: Mapping[str, str], first: str) -> Markup:
    missing = strip.missing_ms
    said = ", ".join(f"{words.STATES[state][0]} {words.duration(ms)}" for state, ms in missing.items()) or "no gap"
    name = strip.timeline.subject.name
    shapes = [
        element("use", href=f"#{shared[path]}", class_=f"s-{state}")
        if path in shared
        else element("path", d=path, class_=f"s-{state}")
        for state, path in strip.paths
    ]
    drawn = element(
        "svg",
        element("title", f"{name}: {said}"),
        *shapes,
        id=strip.id,
        class_="strip",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        preserveAspectRatio="none",
        role="slider",
        tabindex=0 if strip.id == first else -1,
        aria_label=f"{name}, {said}",
        aria_valuemin=0,
        aria_valuemax=max(0, len(strip.timeline.spans) - 1),
        aria_valuenow=0,
    )
    return element("li", element("span", name, class_="name"), element("span", said, class_="said"), drawn)


def definitions(shared: Mapping[str, str]) -> Markup:
    """What the strips refer to: patterns, and paths that several of them have."""
    patterns = [
        element(
            "pattern",
            element("rect", width=8, height=8, class_=f"f-{state}"),
            element("path", d=drawing, class_=f"k-{state}"),
            id=f"pattern-{state}",
            width=8,
            height=8,
            patternUnits="userSpaceOnUse",
            # The strips are stretched to the page's width; the script sets how far exactly.
            patternTransform=f"scale({_STRETCHED} 1)",
        )
        for state, drawing in _PATTERNS.items()
    ]
    paths = [element("path", id=name, d=path) for path, name in shared.items()]
    return element("svg", element("defs", *patterns, *paths), class_="defs", aria_hidden="true", width=0, height=0)
