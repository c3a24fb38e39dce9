"""Which spellings of samples are worth a road of their own.

A gateway writes its messages with one serializer, so nearly all of them have the same keys in the same order,
with the same white space between. That is a spelling. One that has come a few times gets a shape (see
``shapes``), which converts messages that are spelled alike at a fraction of the careful road's cost.
"""

from __future__ import annotations

TYPE_CHECKING = False  # spares the import of typing
if TYPE_CHECKING:
    from typing import Callable, List, Optional, Tuple

    from .reader import Member

    # Takes a message and the end of its line. If the message has the shape, it returns the line and the time
    # at which the sample was taken, in epoch milliseconds, which the caller still has to find plausible; if
    # not, None.
    Shape = Callable[[str, str], Optional[Tuple[bytes, int]]]


class Spellings:
    """The spellings that have been seen often enough, at most ``MOST`` of them.

    None is ever dropped for another, so that senders of ever new spellings cannot keep the function busy
    compiling.

    Attributes:
        known: The shapes of messages without escapes, and of messages with some.
    """

    MOST = 8
    # The careful road is taken this often before a spelling is worth the milliseconds that compiling takes.
    LEARN_AT = 3
    _MOST_CANDIDATES = 64
    _MOST_KEYS = 40
    _MOST_CHARACTERS = 8_192

    __slots__ = ("_candidates", "_learned", "_make", "known")

    def __init__(self, make: Callable[[List[Member], bool], Shape]) -> None:
        """Start without any.

        Args:
            make: Makes the shape of messages that are spelled like one with these members, with or without
                escapes.
        """
        self._make = make
        self.known: tuple[list[Shape], list[Shape]] = ([], [])
        self._learned: set[tuple[object, ...]] = set()
        self._candidates: dict[tuple[object, ...], int] = {}

    def promote(self, shapes: list[Shape], shape: Shape) -> None:
        """Move a shape one place to the front of its list, so that those of busy gateways are tried first."""
        index = shapes.index(shape)
        shapes[index - 1], shapes[index] = shape, shapes[index - 1]

    def learn(self, text: str, members: list[Member]) -> None:
        """Note the spelling of a message that took the careful road and was valid.

        Args:
            text: The message.
            members: What the reader made of it.
        """
        if len(self._learned) >= self.MOST or len(members) > self._MOST_KEYS:
            return
        if len(text) > self._MOST_CHARACTERS or not _is_tight(text, members):
            return
        escapes = "\\" in text
        spelling = (escapes, *[lead for _, lead, _, _ in members])
        if spelling in self._learned:
            return
        seen = self._candidates.pop(spelling, 0) + 1
        if seen >= self.LEARN_AT:
            self._learned.add(spelling)
            self.known[escapes].append(self._make(members, escapes))
            return
        if len(self._candidates) >= self._MOST_CANDIDATES:
            self._candidates.clear()
        self._candidates[spelling] = seen


def _is_tight(text: str, members: list[Member]) -> bool:
    """Tell whether a message is on one line, without white space around it or before its commas."""
    if "\n" in text or "\r" in text:
        return False
    return text[0] == "{" and text[-1] == "}" and not any(trail for *_, trail in members)
