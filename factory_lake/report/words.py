"""How the page says states, times and amounts."""

from collections.abc import Mapping
from datetime import UTC, datetime

from factory_lake.coverage.model import State

#: Each state's name and what it means, for the legend.
STATES: Mapping[State, tuple[str, str]] = {
    "data": ("data", "what was expected is there"),
    "late": ("late", "it arrived after the day that it belongs to"),
    "clock_off": ("clock off", "what arrived then says another time: the gateway's clock was off"),
    "refused": ("refused", "it broke a rule of its table, and lies under errors/ with its bytes"),
    "waiting": ("waiting", "it is on its way: in a stream or a buffer, or its clip is not due yet"),
    "gateway_offline": ("gateway offline", "the gateway had no connection"),
    "camera_silent": ("camera silent", "the camera sent no footage"),
    "expired": ("expired", "footage left the video stream before it was archived"),
    "archiver_behind": ("archiver behind", "footage is in the video stream, and its clip is overdue"),
    "error_action": ("error action", "the topic rule could not hand it on; it lies under errors/"),
    "quiet": ("quiet", "the tag publishes on change, and by its own habit nothing was due"),
    "unexplained": ("unexplained", "something is missing, and nothing says why"),
}
_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s"))


def duration(ms: int) -> str:
    """A length of time by its two largest units: `2 h 10 min`."""
    for at, (size, unit) in enumerate(_UNITS):
        if ms >= size:
            first, rest = divmod(ms, size)
            smaller = _UNITS[at + 1] if at + 1 < len(_UNITS) else None
            second = rest // smaller[0] if smaller else 0
            return f"{first} {unit}" + (f" {second} {smaller[1]}" if smaller and second else "")
    return f"{ms} ms"


def moment(ms: int) -> str:
    """A moment in UTC, to the second: `2026-03-09 07:05:00`."""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def minute(ms: int) -> str:
    """A moment in UTC, to the minute."""
    return moment(ms)[:-3]


def sentence(text: str) -> str:
    """A clause as a sentence: a capital, and a full stop."""
    return text if not text else text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def counted(number: int, one: str, more: str = "") -> str:
    """A number with its noun: `1 gap`, `1,200 gaps`."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"
