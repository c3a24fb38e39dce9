"""Which stored copies stand for which messages, when several look alike.

Equal payloads cannot be told apart, so messages and copies are counted in groups. A group of copies may stand
for some groups of messages: a row for every message that has its content, an error object for every message
that has its bytes. As many messages as possible get a copy; the classic way to do that is to move copies
along augmenting paths.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

Copies = TypeVar("Copies", bound=Hashable)
Messages = TypeVar("Messages", bound=Hashable)


def assign(
    copies: Mapping[Copies, int], candidates: Mapping[Copies, Sequence[Messages]], room: Mapping[Messages, int]
) -> dict[tuple[Copies, Messages], int]:
    """Give as many messages as possible a copy.

    Args:
        copies: Groups of copies and how many each has.
        candidates: The groups of messages that each group of copies may stand for.
        room: How many copies each group of messages can take.

    Returns:
        How many copies of which group stand for which group of messages.
    """
    given: dict[tuple[Copies, Messages], int] = {}
    left, free = dict(copies), dict(room)
    for group in copies:
        for messages in candidates[group]:
            moved = min(left[group], free[messages])
            if moved:
                given[group, messages] = given.get((group, messages), 0) + moved
                left[group] -= moved
                free[messages] -= moved
    holders: dict[Messages, set[Copies]] = {}
    for group, messages in given:
        holders.setdefault(messages, set()).add(group)
    for group in copies:
        while left[group] and (path := _path(group, candidates, free, given, holders)):
            _move(path, left, free, given, holders)
    return given


_Path = list[tuple[Copies, Messages]]


def _path(
    start: Copies,
    candidates: Mapping[Copies, Sequence[Messages]],
    free: Mapping[Messages, int],
    given: Mapping[tuple[Copies, Messages], int],
    holders: Mapping[Messages, set[Copies]],
) -> _Path[Copies, Messages] | None:
    """The shortest chain of moves that finds a copy room: each one gives way to the one before it."""
    reached_from: dict[Messages, tuple[Copies, Messages | None]] = {}
    waiting: list[tuple[Copies, Messages | None]] = [(start, None)]
    for group, previous in waiting:
        for messages in candidates[group]:
            if messages in reached_from:
                continue
            reached_from[messages] = (group, previous)
            if free[messages]:
                return _trace(messages, reached_from)
            waiting += [(holder, messages) for holder in holders.get(messages, ()) if given[holder, messages]]
    return None


def _trace(end: Messages, reached_from: Mapping[Messages, tuple[Copies, Messages | None]]) -> _Path[Copies, Messages]:
    path: _Path[Copies, Messages] = []
    at: Messages | None = end
    while at is not None:
        group, previous = reached_from[at]
        path.append((group, at))
        at = previous
    return path[::-1]


def _move(
    path: _Path[Copies, Messages],
    left: dict[Copies, int],
    free: dict[Messages, int],
    given: dict[tuple[Copies, Messages], int],
    holders: dict[Messages, set[Copies]],
) -> None:
    left[path[0][0]] -= 1
    free[path[-1][1]] -= 1
    for (group, messages), (giving_way, _) in zip(path, [*path[1:], (None, None)], strict=True):
        given[group, messages] = given.get((group, messages), 0) + 1
        holders.setdefault(messages, set()).add(group)
        if giving_way is not None:
            given[giving_way, messages] -= 1
