"""The page's sections of what a factory's facts are: tables, and bars of what arrived."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from factory_lake.coverage.model import Coverage
from factory_lake.gateway.identities import LANES, Lane
from factory_lake.report import words
from factory_lake.report.facts import Arrived, Facts
from factory_lake.report.markup import Markup, element

# Bars of fewer days than these are no wider for it.
_FEW_DAYS = 5


def arrived(facts: Facts) -> list[Markup]:
    """Rows by day: bars for each lane, and a table."""
    if not facts.arrived:
        return [none("Nothing, in this range.")]
    days = _days(facts.arrived)
    found: list[Markup] = []
    for lane in LANES:
        counts = {one.day: one.rows for one in facts.arrived if one.lane == lane}
        if counts:
            found.append(_bars(lane, [(day.isoformat(), counts.get(day, 0)) for day in days]))
    rows = [
        [one.day.isoformat(), one.lane, f"{one.rows:,}", f"{one.rows - one.distinct:,}", f"{one.late:,}"]
        for one in sorted(facts.arrived, key=lambda one: (one.day, one.lane))
    ]
    rows_of_days = table(
        "Rows of each day", ("day (UTC)", "lane", "rows", "repeats", "late"), rows, right=("rows", "repeats", "late")
    )
    return [*found, element("details", element("summary", "The same as a table"), rows_of_days)]


def _days(arrived: Iterable[Arrived]) -> list[date]:
    days = [one.day for one in arrived]
    first, last = min(days), max(days)
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _bars(lane: Lane, counts: Sequence[tuple[str, int]]) -> Markup:
    most = max(count for _, count in counts) or 1
    bars = [
        element(
            "rect",
            element("title", f"{day}: {count:,}"),
            x=at * 10 + 1,
            y=100 - count * 100 // most,
            width=8,
            height=count * 100 // most,
        )
        for at, (day, count) in enumerate(counts)
    ]
    what = "samples" if lane == "measurements" else "lines"
    chart = element(
        "svg",
        *bars,
        class_="bars",
        viewBox=f"0 0 {len(counts) * 10} 100",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"{lane}: {what} a day, at most {most:,}",
    )
    ends = element(
        "div", element("span", counts[0][0]), element("span", counts[-1][0]), class_="ends", aria_hidden="true"
    )
    caption = element("figcaption", f"{lane}: {what} a day, at most {most:,}")
    return element("figure", caption, chart, ends, class_="few" if len(counts) < _FEW_DAYS else None)


def refused(facts: Facts) -> list[Markup]:
    """Refusals by rule, with an example and the command that redrives them."""
    if not facts.refused:
        return [none("Nothing.")]
    rows = [
        [
            element("code", one.rule),
            one.lane,
            f"{one.count:,}",
            element("code", one.key),
            element("code", one.command, class_="command"),
        ]
        for one in sorted(facts.refused, key=lambda one: (-one.count, one.rule))
    ]
    columns = ("rule", "lane", "count", "an object that has one", "redrives them, once the cause is mended")
    return [table("Refused by rule", columns, rows, right=("count",))]


def late(facts: Facts) -> list[Markup]:
    """Samples that arrived after their day, and repeats."""
    repeats = element(
        "p",
        f"{words.counted(facts.repeats, 'row repeats', 'rows repeat')} what another row says: delivery is at least "
        "once. The views measurements_distinct and configuration_distinct have each message once.",
    )
    after = [one for one in facts.arrived if one.late]
    if not after:
        return [element("p", "No sample arrived after the day that it belongs to."), repeats]
    rows = [[one.day.isoformat(), f"{one.late:,}", words.duration(one.latest_ms)] for one in after]
    rows_of_days = table(
        "Samples that arrived after their day", ("day (UTC)", "samples", "longest delay"), rows, right=("samples",)
    )
    return [rows_of_days, repeats]


def connections(facts: Facts) -> list[Markup]:
    """Each client's sessions, and why they ended."""
    if facts.sessions is None:
        return [none("The lake keeps no connections: its table is not there.")]
    if not facts.sessions:
        return [none("No client was connected in this range.")]
    rows = [
        [
            element("span", f"{one.gateway}/{one.lane}", class_="name"),
            f"{one.sessions:,}",
            words.duration(one.connected_ms),
            Markup.joined(
                (element("div", f"{number:,} times ", element("code", reason)) for reason, number in one.reasons)
            )
            if one.reasons
            else "none ended",
        ]
        for one in facts.sessions
    ]
    columns = ("client", "sessions", "connected", "why sessions ended")
    return [table("Connections", columns, rows, right=("sessions",))]


def cost(facts: Facts) -> list[Markup]:
    """What the factory has cost this month, by the calculator."""
    bill = facts.cost
    if bill is None:
        return [none("Not calculated: no prices were given (--prices).")]
    rows = [[name, f"{amount:,.2f}"] for name, amount in bill.groups]
    rows.append([element("b", "all"), element("b", f"{bill.amount:,.2f}")])
    said = (
        f"Calculated, not billed: what was measured, times prices ({bill.prices}), "
        f"from {words.minute(bill.from_ms)} to {words.minute(bill.to_ms)} UTC. "
        f"A month at this pace costs {bill.month:,.2f} {bill.currency}."
    )
    return [element("p", said), table("Cost by group", ("group", bill.currency), rows, right=(bill.currency,))]


def alarms(facts: Facts) -> list[Markup]:
    """Alarms that fired."""
    if not facts.alarms:
        return [none("None.")]
    rows = [
        [
            element("span", one.alarm, class_="name"),
            words.moment(one.at_ms),
            "still in ALARM" if one.until_ms is None else words.duration(one.until_ms - one.at_ms),
            one.reason,
        ]
        for one in facts.alarms
    ]
    return [table("Alarms", ("alarm", "since (UTC)", "for", "reason"), rows)]


def reading(coverage: Coverage, facts: Facts) -> list[Markup]:
    """What a reader must know of the page, and what limits it."""
    points = [
        "All times are UTC.",
        "A strip shows one state for every moment of the range. A gap is drawn at least as wide as can be seen, "
        "however short it is; its true length stands with it.",
        "What a tag is expected to send is learned from its own history; a chosen moment says how.",
        *coverage.notes,
        *facts.notes,
        f"Athena read {(coverage.scanned_bytes + facts.scanned_bytes) / 1e6:,.1f} MB in "
        f"{(coverage.query_ms + facts.query_ms) / 1000:,.1f} s for this page.",
    ]
    return [element("ul", *(element("li", point) for point in points), class_="notes")]


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> Markup:
    """A table, which a narrow page shows as one record below the other."""
    head = element(
        "tr", *(element("th", name, scope="col", class_="right" if name in right else None) for name in columns)
    )
    body = [
        element(
            "tr",
            *(
                element("td", cell, data_label=name, class_="right" if name in right else None)
                for name, cell in zip(columns, row, strict=True)
            ),
        )
        for row in rows
    ]
    made = element("table", element("caption", caption), element("thead", head), element("tbody", *body))
    return element("div", made, class_="scroll")


def none(said: str) -> Markup:
    """A section's text where there is nothing to show."""
    return element("p", said, class_="none")
