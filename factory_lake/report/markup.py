"""HTML that is escaped by its type: text is never markup, and markup is made nowhere but here."""

from collections.abc import Iterable
from html import escape
from typing import Self

_VOID = frozenset({"input", "meta", "rect", "path", "use"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()

    @classmethod
    def joined(cls, parts: Iterable["str | Markup"], between: str = "") -> Self:
        """Join parts, those escaped that are no markup."""
        return cls(escape(between).join(_markup(part) for part in parts))


def element(name: str, /, *children: "str | Markup", **attributes: str | float | bool | None) -> Markup:
    """An element: its children and its attributes' values are escaped, where they are no markup.

    An attribute that is None or False is left out, one that is True has no value. In the names of attributes `_` is
    `-`, and one at the end, as in `class_`, is left out.
    """
    opened = name + "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID and not children:
        return Markup(f"<{opened}/>" if name in {"rect", "path", "use"} else f"<{opened}>")
    return Markup(f"<{opened}>{Markup.joined(children)}</{name}>")


def inline(name: str, text: str, /, **attributes: str) -> Markup:
    """A script or style whose text is the program's own, as it is.

    Raises:
        ValueError: When the text would end the element.
    """
    if f"</{name}" in text.lower():
        raise ValueError(f"the text of <{name}> must not contain </{name}")
    return Markup(f"<{name}{''.join(_attribute(key, value) for key, value in attributes.items())}>{text}</{name}>")


def _markup(part: str | Markup) -> str:
    return part if isinstance(part, Markup) else escape(part)


def _attribute(key: str, value: str | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
