"""The quick road of an object or array that stands under an unknown key.

``json.loads`` would respell numbers, but its scanner, which is C, tells quickly whether the text is JSON.
After that the quotes alone show where the strings are. Like a shape, it may be too strict, never too lenient:
what it leaves alone is read by the careful road.
"""

from __future__ import annotations

from json import JSONDecoder

TYPE_CHECKING = False  # spares the import of typing
if TYPE_CHECKING:
    from typing import Any


def trim(text: str) -> str | None:
    r"""Trim the strings of an object or array, but not its keys.

    Args:
        text: Its text, on one line and a few levels deep.

    Returns:
        The text with nothing else changed; None if it is not JSON, holds a ``\``, a blank string or a key
        twice.
    """
    if "\\" in text:
        return None
    try:
        _, end = _SCANNER.raw_decode(text)
    except ValueError:
        return None
    if end != len(text):
        return None
    parts = text.split('"')
    for index in range(1, len(parts), 2):
        inside = parts[index]
        trimmed = inside.strip()
        if (trimmed == inside and inside) or parts[index + 1].lstrip().startswith(":"):
            continue
        if not trimmed:
            return None
        parts[index] = trimmed
    return '"'.join(parts)


def _distinct(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key occurs twice")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


# Numbers stay text: nobody needs their values, and Python refuses the longest of them.
_SCANNER = JSONDecoder(object_pairs_hook=_distinct, parse_float=str, parse_int=str, parse_constant=_refuse)
