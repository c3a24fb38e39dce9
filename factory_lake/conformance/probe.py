"""What a probe is, and how it ends: it returns when its belief holds, or raises one of these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from factory_lake.conformance.context import Context


@dataclass(frozen=True)
class Probe:
    """One belief about AWS, and what tries it."""

    name: str  # the name of its file: <family>_<point>
    belief: str  # one sentence that is true or false
    relied_on: tuple[str, ...]  # paths in this repository that are wrong where it does not hold
    source: str  # the AWS document, by title or URL; or that there is none
    usd: float  # what it costs at most, with its share of shared set-ups
    run: Callable[[Context], None]

    @property
    def family(self) -> str:
        """What `--only` names several probes by."""
        return self.name.partition("_")[0]


class Differs(Exception):  # noqa: N818 - an outcome, not an error
    """AWS behaves otherwise.

    Attributes:
        seen: What was seen instead, without payloads of others.
    """

    def __init__(self, seen: str) -> None:
        self.seen = seen
        super().__init__(seen)


class CouldNotTell(Exception):  # noqa: N818 - an outcome, not an error
    """The probe cannot say whether the belief holds.

    Attributes:
        why: What kept it from that.
    """

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


class Stopped(Exception):  # noqa: N818 - an outcome, not an error
    """The run ends before the probe does; nothing more is made."""
