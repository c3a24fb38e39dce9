"""The page: one HTML file that needs nothing else, no network, and no script to be read."""

import hashlib
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.resources import files
from urllib.parse import urlsplit

from factory_lake.coverage.model import HARMLESS, STATES, Coverage, Kind, Subject
from factory_lake.report import drawing, tables, words
from factory_lake.report.episodes import Episode, episodes_of
from factory_lake.report.facts import Facts
from factory_lake.report.markup import Markup, element, inline
from factory_lake.report.strips import data_of, packed, shared_paths, strips_of

#: Episodes that are listed; the page's script lists every gap of every strip on demand.
MAX_EPISODES = 60
_SUBJECTS = 3


def render(coverage: Coverage, facts: Facts) -> str:
    """The page of one factory, of a coverage of that factory alone."""
    strips = strips_of(coverage)
    shared = shared_paths(strips)
    episodes = episodes_of(coverage.timelines)
    sections = [
        ("missing", "What is missing, and why", _missing(episodes)),
        *(
            (anchor, title, drawing.rows_of(kind, strips, shared, coverage, facts))
            for kind, (anchor, title, _) in drawing.KINDS.items()
        ),
        ("arrived", "What arrived", tables.arrived(facts)),
        ("refused", "Refused", tables.refused(facts)),
        ("late", "Late data and repeats", tables.late(facts)),
        ("connections", "Connections", tables.connections(facts)),
        ("cost", "Cost so far this month", tables.cost(facts)),
        ("alarms", "Alarms that fired", tables.alarms(facts)),
        ("reading", "How to read this page", tables.reading(coverage, facts)),
    ]
    links = (element("li", element("a", name, href=f"#{anchor}")) for anchor, name, _ in sections)
    title = f"{facts.factory}: did everything arrive?"
    body = [
        element("a", "Skip to what is missing", href="#missing", class_="skip"),
        element("header", element("h1", title), _range(coverage), *_verdict(coverage, facts, episodes)),
        element("nav", element("ul", *links), aria_label="Sections"),
        drawing.definitions(shared),
        element(
            "main",
            drawing.legend(coverage),
            *(
                element("section", element("h2", name, id=anchor), *content, aria_labelledby=anchor)
                for anchor, name, content in sections
            ),
        ),
        _panel(),
    ]
    data = {
        **data_of(coverage, strips),
        "states": {state: words.STATES[state][0] for state in STATES},
        **_clips(facts),
        "lake": coverage.lake,
    }
    return _document(title, body, data, coverage, facts)


def _document(title: str, body: Sequence[Markup], data: object, coverage: Coverage, facts: Facts) -> str:
    style, script = _asset("page.css") + drawing.axis_style(coverage), _asset("page.js")
    media = sorted({_origin(clip.url) for clip in facts.clips if clip.url})
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src '{_digest(script)}'",
            f"style-src '{_digest(style)}'",
            *([f"media-src {' '.join(media)}"] if media else []),
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        # A clip's link is a secret while it lasts: no request says where it came from.
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        inline("style", style),
    )
    block = inline("script", packed(data), type="application/octet-stream", id="data")
    page = element("html", head, element("body", *body, block, inline("script", script)), lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


def _asset(name: str) -> str:
    return files("factory_lake.report").joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return "data:" if parts.scheme == "data" else f"{parts.scheme}://{parts.netloc}"


def _clips(facts: Facts) -> dict[str, object]:
    """Clips by camera, in order: start, link or nothing, key."""
    by_camera: dict[str, list[list[object]]] = {}
    for clip in sorted(facts.clips, key=lambda one: one.start_ms):
        by_camera.setdefault(clip.camera, []).append([clip.start_ms, clip.url, clip.key])
    return {"clips": by_camera, "linksEnd": facts.links_end_ms, "factory": facts.factory}


def _range(coverage: Coverage) -> Markup:
    said = (
        f"{words.minute(coverage.from_ms)} to {words.minute(coverage.to_ms)} UTC "
        f"({words.duration(coverage.to_ms - coverage.from_ms)}). "
        f"Lake {coverage.lake}, as seen on {words.minute(coverage.made_at_ms)} UTC."
    )
    return element("p", said, class_="range")


def _verdict(coverage: Coverage, facts: Facts, episodes: Sequence[Episode]) -> list[Markup]:
    unexplained = [one for one in episodes if one.state == "unexplained"]
    if unexplained:
        where = _where(subject for one in unexplained for subject in one.subjects)
        said = f"Something is missing that nothing explains: {words.counted(len(unexplained), 'gap')}, in {where}."
        grade = "bad"
    elif episodes:
        where = _where(subject for one in episodes for subject in one.subjects)
        said = f"Something is missing, and all of it is explained: {words.counted(len(episodes), 'gap')}, in {where}."
        grade = "explained"
    else:
        said, grade = "Everything arrived that was expected.", "good"
    figures = [
        ("samples", f"{facts.rows('measurements'):,}", "arrived"),
        *(
            (title.lower(), _covered(coverage, kind), "of the time covered")
            for kind, (_, title, _) in drawing.KINDS.items()
        ),
        ("refused", f"{sum(one.count for one in facts.refused):,}", "by a rule"),
        ("late", f"{facts.late:,}", "after their day"),
        ("repeats", f"{facts.repeats:,}", "delivered again"),
    ]
    if facts.cost is not None:
        figures.append(("cost", f"{facts.cost.amount:,.2f} {facts.cost.currency}", "so far this month"))
    tiles = [
        element("div", element("dt", name), element("dd", element("strong", value), " ", note))
        for name, value, note in figures
    ]
    return [element("p", said, class_=f"verdict {grade}"), element("dl", *tiles, class_="figures")]


def _where(subjects: Iterable[Subject]) -> str:
    """Whose gaps they are: the name of one, the numbers of several."""
    each = list(dict.fromkeys(subjects))
    if len(each) == 1:
        return f"{drawing.KINDS[each[0].kind][2]} {each[0].name}"
    numbers = Counter(subject.kind for subject in each)
    said = [words.counted(numbers[kind], one) for kind, (_, _, one) in drawing.KINDS.items() if numbers[kind]]
    return " and ".join([", ".join(said[:-1]), said[-1]] if said[:-1] else said)


def _covered(coverage: Coverage, kind: Kind) -> str:
    """Which part of the time of a kind nothing is missing: never rounded up to all of it."""
    total = sum(coverage.total_ms(state, [kind]) for state in STATES)
    if not total:
        return "none"
    missing = sum(coverage.total_ms(state, [kind]) for state in STATES if state not in HARMLESS)
    return f"{(total - missing) * 10_000 // total / 100:g} %"


def _missing(episodes: Sequence[Episode]) -> list[Markup]:
    if not episodes:
        return [tables.none("Nothing.")]
    rows = [
        [
            Markup.joined([drawing.swatch(one.state), drawing.state_of(one.state, one.reason)]),
            words.moment(one.start_ms),
            words.duration(one.end_ms - one.start_ms),
            _subjects(one),
            Markup.joined([words.sentence(one.cause), *(element("code", piece) for piece in one.evidence)], " "),
        ]
        for one in episodes[:MAX_EPISODES]
    ]
    columns = ("state", "from (UTC)", "length", "what", "cause and evidence")
    found = [tables.table("Gaps by cause, the gravest first", columns, rows)]
    if rest := len(episodes) - len(rows):
        found.append(element("p", f"And {rest:,} more: the strips below show every gap."))
    return found


def _subjects(episode: Episode) -> Markup:
    names = [f"{drawing.KINDS[subject.kind][2]} {subject.name}" for subject in episode.subjects]
    shown = [element("span", name, class_="name") for name in names[:_SUBJECTS]]
    if rest := len(names) - len(shown):
        shown.append(element("span", f"and {words.counted(rest, 'other')}"))
    return Markup.joined(shown, ", ")


def _panel() -> Markup:
    return element(
        "aside",
        element("div", id="about", aria_live="polite"),
        element("div", id="moment"),
        element("div", id="player"),
        element("button", "Close", type="button", id="close"),
        id="panel",
        aria_label="The chosen moment",
        hidden=True,
    )
