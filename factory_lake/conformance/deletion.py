"""Deleting what runs have made, and looking for what is left."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from factory_lake.conformance.ledger import Entry, Ledger
from factory_lake.conformance.resources import Reach, delete, find

#: A resource in use (a stream that is still being made, a bucket that a delivery still reaches) is free by then.
_BUSY_SECONDS = 300.0
_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
#: Nothing but a permission mends these.
_HOPELESS = frozenset({"AccessDenied", "AccessDeniedException", "NotAuthorizedException", "UnauthorizedOperation"})

Tell = Callable[[int, str], None]


@dataclass(frozen=True)
class Leftover:
    """What could not be deleted, and why."""

    entry: Entry
    why: str


def delete_all(reach: Reach, entries: Sequence[Entry], ledgers: Sequence[Ledger], tell: Tell) -> list[Leftover]:
    """Delete resources one after the other, and return what is left of them.

    Args:
        reach: The account and region.
        entries: In the order in which they are to be deleted.
        ledgers: That have them, and learn what is gone.
        tell: Gets how many are done, and the kind that is next.
    """
    waiting, ends = list(dict.fromkeys(entries)), time.monotonic() + _BUSY_SECONDS
    pauses, hopeless, done = itertools.chain(_PAUSES, itertools.repeat(_PAUSES[-1])), list[Leftover](), 0
    while True:
        busy: list[Leftover] = []
        for entry in waiting:
            tell(done, f"deleting {entry.kind}")
            try:
                delete(reach, *entry)
            except (ClientError, BotoCoreError) as error:
                left = Leftover(entry, _why(error))
                (hopeless if left.why in _HOPELESS else busy).append(left)
                continue
            done += 1
            for ledger in ledgers:
                ledger.deleted(entry)
        if not busy or time.monotonic() > ends:
            return [*hopeless, *busy]
        waiting = [left.entry for left in busy]
        time.sleep(next(pauses))


def survivors(reach: Reach, kinds: Iterable[str], prefix: str) -> list[Entry]:
    """What is in the account of these kinds whose name begins with the prefix."""
    return [Entry(kind, identifier) for kind, identifier in find(reach, kinds, prefix)]


def _why(error: ClientError | BotoCoreError) -> str:
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else type(error).__name__
