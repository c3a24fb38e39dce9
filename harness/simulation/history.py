"""What happens in a history, as data that can be printed, shrunk and run again."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from localcloud.kinesisvideo import semantics

#: When every history begins: 2023-11-14T22:13:20Z, close enough to midnight that many cross it.
EPOCH_MS = 1_700_000_000_000


@dataclass(frozen=True)
class Stream:
    """A camera's stream and everything that it ever received.

    Attributes:
        fragments: In ingestion order.
        policy: How the service reads the points that its documents leave open.
        keeps_pauses: Whether a clip's time line keeps the pauses between its fragments.
        shown_ms: Media time that a fragment really holds, where that is not what its length says.
        change: When its retention is changed, and to what.
        last_frame_shown_ms: For how long a clip shows the last frame of each fragment, where the service does
            not go by the camera's time.
    """

    camera: str
    created_ms: int
    retention_ms: int
    fragments: tuple[semantics.Fragment, ...]
    policy: semantics.Policy = field(default_factory=semantics.Policy)
    keeps_pauses: bool = False
    shown_ms: dict[int, int] = field(default_factory=dict)
    last_frame_shown_ms: int | None = None
    change: tuple[int, int] | None = None

    def expires_ms(self, fragment: semantics.Fragment) -> int:
        """When a fragment is gone."""
        first_ms = fragment.server_ms + self.retention_ms
        if self.change is None or first_ms <= self.change[0]:
            return first_ms
        return max(self.change[0], fragment.server_ms + self.change[1])

    def is_hidden(self, fragment: semantics.Fragment, at_ms: int) -> bool:
        """Whether no listing shows a fragment, since the retention was changed after it came."""
        changed = self.change is not None and fragment.server_ms < self.change[0] <= at_ms
        return changed and self.policy.early_list_is_empty


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong in a run.

    Attributes:
        call: At which of its calls to AWS, counted from 0; or at its first call of an operation.
        kind: ``throttled``, ``failed`` (HTTP 500), ``reset`` (no answer, nothing done), ``lost`` (done, but
            no answer), ``late`` (no answer, done up to a minute later), ``broken`` (the download fails
            half-way), ``truncated`` (it ends half-way without an error), ``killed`` (the run dies before the
            call), ``killed-after`` (the call is done, then the run dies), ``held`` (the call gets through
            only later), ``garbled`` (all the run's downloads from this operation end half-way).
        held_ms: How much later.
    """

    call: int | str
    kind: str
    held_ms: int = 0


@dataclass(frozen=True)
class Run:
    """One invocation of the function.

    Attributes:
        timeout_ms: After which it is killed.
        pace: How slow AWS is to it: milliseconds a call, at most.
        warm: Whether it shares caches with the last warm run that ended before it.
    """

    at_ms: int
    timeout_ms: int
    settings: dict[str, Any]
    faults: tuple[Fault, ...] = ()
    pace: int = 50
    bytes_per_ms: int = 20_000
    seed: int = 0
    warm: bool = False


@dataclass(frozen=True)
class Action:
    """What an operator does to the bucket when no run is under way.

    Attributes:
        at_ms: Not before.
        kind: ``delete-newest`` (a camera's newest clip), ``stray-objects`` (that are not the function's).
    """

    at_ms: int
    kind: str
    camera: str


@dataclass(frozen=True)
class History:
    """A whole history of a seed; ``page`` is how many keys a page of the bucket's listing has."""

    seed: int
    streams: tuple[Stream, ...]
    runs: tuple[Run, ...]
    actions: tuple[Action, ...] = ()
    page: int = 1000

    def to_json(self) -> dict[str, Any]:
        """As plain data, for people to read."""

        def plain(value: Any) -> Any:
            if dataclasses.is_dataclass(value) and not isinstance(value, type):
                return {
                    f.name: plain(getattr(value, f.name))
                    for f in dataclasses.fields(value)
                    if getattr(value, f.name) != f.default
                }
            if isinstance(value, (tuple, list)):
                return [plain(item) for item in value]
            if isinstance(value, dict):
                return {str(key): plain(item) for key, item in value.items()}
            return value.decode("latin-1") if isinstance(value, bytes) else value

        result: dict[str, Any] = plain(self)
        return result
