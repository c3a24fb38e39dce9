"""What each named query answers over ``rows``, worked out by hand.

Moments stand as ``rows.at`` reads them, in a ``Moment``; days as a number of days before today, in a ``Day``.
All else as Athena writes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.terraform.queries.rows import at


@dataclass(frozen=True)
class Moment:
    """A timestamp in a result."""

    text: str


@dataclass(frozen=True)
class Day:
    """A date in a result."""

    days: int


@dataclass(frozen=True)
class _Key:
    """An object's key, by what stands before and behind its time."""

    prefix: str
    moment: str
    ending: str


Cell = str | None | Moment | Day | _Key


def resolved(rows: list[list[Cell]], now: datetime) -> list[list[str | None]]:
    """The rows as Athena writes them when the lake's rows lie around ``now``."""

    def text(cell: Cell) -> str | None:
        if isinstance(cell, Moment):
            return at(now, cell.text).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        if isinstance(cell, Day):
            return (now.date() + timedelta(days=cell.days)).isoformat()
        if isinstance(cell, _Key):
            time = at(now, cell.moment).strftime("year=%Y/month=%m/day=%d/%Y%m%dT%H%M%S.%f")[:-3]
            return cell.prefix + time + cell.ending
        return cell

    return [[text(cell) for cell in row] for row in rows]


def _latest(factory: str, tag: str, ts: str, value: str | None, received: str, **other: Cell) -> list[Cell]:
    gateway = "line-1" if factory == "krakow" else "press-shop"
    return [
        *("Press 1", tag, value, other.get("text"), Moment(ts), other.get("success", "true")),
        *(Moment(str(other.get("newest", ts))), Moment(received), other.get("datatype", "float64")),
        *(factory, other.get("gateway", gateway), "d1", f"r-{tag}"),
    ]


def _hour(factory: str, tag: str, hour: str, samples: int, bad: int, *values: str | None) -> list[Cell]:
    minimum, average, *others = values
    return ["Press 1", tag, Moment(hour), average, minimum, *others, str(samples), str(bad), factory, "d1"]


def _evicted(number: int) -> list[Cell]:
    """A connection of two devices with one client ID, which evict each other each ten minutes."""
    began, ended = (Moment(f"0 10:{10 * number + minutes:02}:00") for minutes in (0, 9))
    return [
        *("press", "measurements", began, ended, "DUPLICATE_CLIENTID", "9.0"),
        *("10.1.0.1", "lyon", "lyon-press-measurements"),
    ]


def _seen(factory: str, ts: str, *samples: tuple[str, str | None, str | None, str, str | None]) -> list[list[Cell]]:
    """Samples of one moment (tag, value, text, success, gateway), once for each camera of the factory."""
    clip = _Key("factory=krakow/camera=press-1/", "-1 23:59:30", "Z-7.mp4")
    footage: dict[str, tuple[Cell, Cell, Cell]] = dict.fromkeys(("gate", "oven", "press-1"), (None, None, None))
    if ts == "-1 23:59:59.999":
        # The clip begins 250 ms earlier by the camera's clock than it arrived.
        footage |= {"oven": (None, None, "expired"), "press-1": ("30.249", clip, None)}
    return [
        [
            *("Press 1", tag, Moment(ts), value, text, success, camera, *footage[camera]),
            *(factory, gateway, "d1", f"r-{tag}"),
        ]
        for camera in (("gate",) if factory == "lyon" else ("oven", "press-1"))
        for tag, value, text, success, gateway in samples
    ]


EXPECTED: dict[str, list[list[Cell]]] = {
    "latest-value-per-tag": [
        _latest("krakow", "ancient", "-20 00:00:00", "8.0", "-8 00:00:00"),
        _latest(
            "krakow",
            "counter",
            "0 09:00:00",
            "9.007199254740992E15",
            "0 11:30:00",
            text="9007199254740993",
            datatype="int64",
        ),
        _latest("krakow", "dead", "-2 06:00:00", "3.0", "-2 06:00:01", success="false"),
        _latest("krakow", "running", "0 08:00:00", "1.0", "0 08:00:05", datatype="bool"),
        _latest("krakow", "speed", "0 09:15:00", "29.5", "0 09:15:01", newest="0 10:00:00"),
        _latest("krakow", "state", "0 09:30:00", None, "0 09:30:01", text="running", datatype="string", gateway=None),
        _latest("lyon", "ahead", "0 20:00:00", "1.5", "0 12:00:00"),
        _latest("lyon", "d31", "-31 00:00:00", "31.0", "-31 00:00:01"),
        _latest("lyon", "edge", "0 10:00:00", "2.0", "0 11:00:00"),
        _latest("lyon", "sharp", "0 10:30:00", "4.0", "0 11:30:00"),
        _latest("lyon", "speed", "0 08:00:00", "99.0", "0 08:00:01"),
    ],
    "tag-over-time": [
        _hour("krakow", "counter", "0 09:00:00", 1, 0, *["9.007199254740992E15"] * 4, "9007199254740993"),
        _hour("krakow", "dead", "-2 05:00:00", 1, 1, None, None, None, None, None),
        _hour("krakow", "dead", "-2 06:00:00", 1, 1, None, None, None, None, None),
        _hour("krakow", "running", "0 08:00:00", 1, 0, "1.0", "1.0", "1.0", "1.0", None),
        _hour("krakow", "speed", "-3 06:00:00", 1, 0, "5.0", "5.0", "5.0", "5.0", None),
        _hour("krakow", "speed", "-1 23:00:00", 1, 0, "10.0", "10.0", "10.0", "10.0", None),
        _hour("krakow", "speed", "0 08:00:00", 1, 0, "20.0", "20.0", "20.0", "20.0", None),
        _hour("krakow", "speed", "0 09:00:00", 3, 1, "29.5", "30.0", "30.5", "29.5", None),
        _hour("krakow", "speed", "0 10:00:00", 1, 1, None, None, None, None, None),
        _hour("krakow", "state", "0 08:00:00", 1, 0, None, None, None, None, "idle"),
        _hour("krakow", "state", "0 09:00:00", 1, 0, None, None, None, None, "running"),
        _hour("lyon", "ahead", "0 20:00:00", 1, 0, "1.5", "1.5", "1.5", "1.5", None),
        _hour("lyon", "edge", "0 09:00:00", 1, 0, "1.0", "1.0", "1.0", "1.0", None),
        _hour("lyon", "edge", "0 10:00:00", 1, 0, "2.0", "2.0", "2.0", "2.0", None),
        _hour("lyon", "sharp", "0 10:00:00", 1, 0, "4.0", "4.0", "4.0", "4.0", None),
        _hour("lyon", "speed", "0 08:00:00", 1, 0, "99.0", "99.0", "99.0", "99.0", None),
    ],
    # Today in Kraków: 7 rows of speed, 2 of running, 2 of state, 2 of counter; 5 + 1 + 2 + 1 of them
    # distinct.
    "samples-per-factory-and-day": [
        ["krakow", Day(-20), "1", "1", "0", "0", "1", Moment("-20 00:00:00"), Moment("-20 00:00:00")],
        ["krakow", Day(-3), "2", "1", "0", "0", "1", Moment("-3 06:00:00"), Moment("-3 06:00:00")],
        ["krakow", Day(-2), "2", "2", "2", "1", "1", Moment("-2 05:00:00"), Moment("-2 06:00:00")],
        ["krakow", Day(-1), "1", "1", "0", "0", "1", Moment("-1 23:59:59.999"), Moment("-1 23:59:59.999")],
        ["krakow", Day(0), "13", "9", "3", "1", "4", Moment("0 08:00:00"), Moment("0 10:00:00")],
        ["lyon", Day(-31), "1", "1", "0", "0", "1", Moment("-31 00:00:00"), Moment("-31 00:00:00")],
        ["lyon", Day(0), "6", "5", "0", "1", "4", Moment("0 08:00:00"), Moment("0 20:00:00")],
    ],
    "stale-or-bad-samples": [
        [
            *("Press 1", tag, Moment(ts), value, None, Moment(received), copies, "float64", None),
            *("krakow", "line-1", "d1", f"r-{tag}"),
        ]
        for tag, ts, value, received, copies in (
            ("speed", "0 10:00:00", None, "0 10:00:01", "1"),
            ("speed", "0 09:20:00", "1000.0", "0 09:20:01", "2"),
            ("dead", "-2 06:00:00", "3.0", "-2 06:00:01", "1"),
            ("dead", "-2 05:00:00", None, "-2 05:00:01", "1"),
        )
    ],
    "late-arrivals": [
        ["Press 1", tag, delay, Moment(ts), Moment(received), copies, factory, gateway, f"r-{tag}"]
        for factory, gateway, tag, ts, received, delay, copies in (
            ("krakow", "line-1", "old", "-40 12:00:00", "0 01:00:00", "949.0", "1"),
            ("krakow", "line-1", "speed", "-3 06:00:00", "0 07:30:00", "73.5", "2"),
            ("lyon", "press-shop", "edge", "0 09:59:59.999", "0 11:00:00", "1.0", "1"),
        )
    ],
    "duplicate-samples": [
        ["Press 1", tag, Moment(ts), kind, "2", messages, Moment(first), Moment(last), factory, f"r-{tag}"]
        for factory, tag, ts, messages, kind, first, last in (
            ("krakow", "speed", "-3 06:00:00", "1", "same", "0 07:30:00", "0 11:00:00"),
            ("krakow", "running", "0 08:00:00", "2", "conflicting", "0 08:00:01", "0 08:00:05"),
            ("krakow", "speed", "0 08:00:00", "1", "same", "0 08:00:01", "0 08:00:01"),
            ("krakow", "counter", "0 09:00:00", "1", "same", "0 09:00:02", "0 11:30:00"),
            ("krakow", "speed", "0 09:20:00", "1", "same", "0 09:20:01", "0 09:20:31"),
            ("lyon", "edge", "0 10:00:00", "2", "conflicting", "0 10:00:30", "0 11:00:00"),
        )
    ],
    "clips-of-a-moment": [
        [
            *(factory, camera, kind, covers, offset, Moment(started), Moment(ended)),
            *(Moment(producer) if producer else None, flags, lost, key),
        ]
        for factory, camera, kind, covers, offset, started, ended, producer, flags, lost, key in (
            (
                *("krakow", "oven", "gap", "true", None, "-1 19:59:58", "0 06:00:00", None, "expired", "30000000"),
                _Key("factory=krakow/camera=oven/", "-1 19:59:58", "Z-7.gap.json"),
            ),
            (
                *("krakow", "press-1", "clip", "true", "30.0", "-1 23:59:30", "0 00:00:30", "-1 23:59:29.750", None),
                *(None, _Key("factory=krakow/camera=press-1/", "-1 23:59:30", "Z-7.mp4")),
            ),
            (
                *("lyon", "gate", "clip", "false", None, "-1 22:00:00.125", "-1 22:01:00.125", "-1 21:59:59.875"),
                *(None, None, _Key("factory=lyon/camera=gate/", "-1 22:00:00.125", "Z-7.mp4")),
            ),
        )
    ],
    "clips-of-samples": [
        *_seen("lyon", "0 20:00:00", ("ahead", "1.5", None, "true", "press-shop")),
        *_seen("lyon", "0 10:30:00", ("sharp", "4.0", None, "true", "press-shop")),
        *_seen("krakow", "0 10:00:00", ("speed", None, None, "false", "line-1")),
        # In the order of arrival.
        *_seen(
            "lyon",
            "0 10:00:00",
            ("edge", None, None, "true", "press-shop"),
            ("edge", "2.0", None, "true", "press-shop"),
        ),
        *_seen("lyon", "0 09:59:59.999", ("edge", "1.0", None, "true", "press-shop")),
        *_seen("krakow", "0 09:30:00", ("state", None, "running", "true", None)),
        *_seen("krakow", "0 09:20:00", ("speed", "1000.0", None, "false", "line-1")),
        *_seen("krakow", "0 09:15:00", ("speed", "29.5", None, "true", "line-1")),
        *_seen(
            "krakow",
            "0 09:00:00",
            ("counter", "9.007199254740992E15", "9007199254740993", "true", "line-1"),
            ("speed", "30.5", None, "true", "line-1"),
        ),
        *_seen(
            "krakow",
            "0 08:00:00",
            ("running", "0.0", None, "true", "line-1"),
            ("running", "1.0", None, "true", "line-1"),
            ("speed", "20.0", None, "true", "line-1"),
            ("state", None, "idle", "true", "line-1"),
        ),
        *_seen("lyon", "0 08:00:00", ("speed", "99.0", None, "true", "press-shop")),
        *_seen("krakow", "-1 23:59:59.999", ("speed", "10.0", None, "true", "line-1")),
    ],
    "configuration-history": [
        ["krakow", "line-1", Moment("-10 10:00:00.123"), "true", '{"v":1}'],
        ["krakow", "line-1", Moment("0 09:00:00"), "true", '{"v":2,"name":"a, b"}'],
        ["krakow", "line-1", Moment("0 11:00:00"), "false", '{"v":2,"name":"a, b"}'],
        ["krakow", "line-2", Moment("-100 00:00:00"), "true", "{}"],
        ["krakow", None, Moment("0 08:00:00"), "true", '{"x":"a\u2028b","deep":{"_received_at":5}}'],
        ["lyon", "press-shop", Moment("0 10:00:00"), "true", '{"a":1}'],
        ["lyon", "press-shop", Moment("0 10:00:00"), "true", '{"a":2}'],
    ],
    "connections-per-gateway": [
        [
            *("line-1", "configuration", None, Moment("-3 12:00:00"), "MQTT_KEEP_ALIVE_TIMEOUT", None, None),
            *("krakow", "krakow-line-1-configuration"),
        ],
        [
            *("line-1", "measurements", Moment("-1 08:00:00"), Moment("-1 09:00:00.5"), "CONNECTION_LOST", "60.0"),
            *("10.0.0.1", "krakow", "krakow-line-1-measurements"),
        ],
        [
            *("line-1", "measurements", Moment("-1 09:00:30"), None, None, None, "10.0.0.2"),
            *("krakow", "krakow-line-1-measurements"),
        ],
        *map(_evicted, range(6)),
    ],
    "flapping-gateways": [
        [
            *("press", "measurements", Moment("0 10:00:00"), "6", "6", "0", "0", "0", "0", "0"),
            *("lyon", "lyon-press-measurements"),
        ],
    ],
    "latest-configuration-per-gateway": [
        ["krakow", "line-1", Moment("0 11:00:00"), '{"v":2,"name":"a, b"}'],
        ["krakow", "line-2", Moment("-100 00:00:00"), "{}"],
        ["krakow", None, Moment("0 08:00:00"), '{"x":"a\u2028b","deep":{"_received_at":5}}'],
        ["lyon", "press-shop", Moment("0 10:00:00"), '{"a":2}'],
    ],
    "configuration-at": [
        ["krakow", "line-1", Moment("0 09:00:00"), '{"v":2,"name":"a, b"}'],
        ["krakow", "line-2", Moment("-100 00:00:00"), "{}"],
        ["krakow", None, Moment("0 08:00:00"), '{"x":"a\u2028b","deep":{"_received_at":5}}'],
        ["lyon", "press-shop", Moment("0 10:00:00"), '{"a":2}'],
    ],
}
