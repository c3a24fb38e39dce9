"""What a canary is about: whom it goes as, what it sends, and what became of each step."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from factory_lake.canary.marks import ID, MARK
from factory_lake.gateway.identities import Lane, Source

Result = Literal["done", "failed", "skipped"]

#: No setting of the transform lets this pass: a text where the schema has a boolean.
REFUSED_BY = "NOT_A_BOOLEAN"
#: What the sample's value is.
VALUE = 42
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 10.0


@dataclass(frozen=True)
class Step:
    """What became of one step.

    Attributes:
        seconds: How long after the canary began it was told.
        detail: What was found, or what is wrong, in words.
        where: The object that shows it; empty where there is none.
    """

    name: str
    result: Result
    seconds: float
    detail: str
    where: str = ""


@dataclass(frozen=True)
class Found:
    """What a step looked for, in words, and the object that has it; empty where it is none."""

    detail: str
    where: str = ""


class StepError(Exception):
    """A step failed.

    Attributes:
        where: The object that shows it; empty where there is none.
    """

    def __init__(self, why: str, where: str = "") -> None:
        super().__init__(why)
        self.where = where


class SkippedError(Exception):
    """There is nothing for a step to try; the message says why."""


@dataclass(frozen=True)
class Report:
    """All of a canary."""

    factory: str
    gateway: str
    camera: str | None
    token: str
    steps: Sequence[Step]

    @property
    def failed(self) -> list[str]:
        """Names of the steps that failed."""
        return [step.name for step in self.steps if step.result == "failed"]

    def to_json(self) -> dict[str, Any]:
        """The document that `--format json` prints."""
        return {**asdict(self), "failed": self.failed}


@dataclass(frozen=True)
class Message:
    """A message that was sent.

    Attributes:
        token: What no other message has, in its bytes.
        at_ms: When it was made, which is a sample's own time; epoch ms.
    """

    source: Source
    token: str
    at_ms: int
    payload: bytes = field(repr=False)

    @property
    def lane(self) -> Lane:
        """Its lane."""
        return self.source.lane


def sample(factory: str, gateway: str, at_ms: int, *, is_valid: bool = True) -> Message:
    """A marked sample, or one that the transform refuses."""
    token = str(uuid.uuid4())
    document: dict[str, object] = {
        "datatype": "int64",
        "description": "sent by factory-lake canary",
        "deviceID": token,
        "deviceName": ID,
        "metadata": {},
        "registerId": token,
        "success": True if is_valid else "not a boolean",
        "tagName": MARK if is_valid else f"{MARK}-rejected",
        "timestamp": at_ms,
        "value": VALUE,
    }
    return Message(Source(factory, gateway, "measurements"), token, at_ms, _written(document))


def configuration(factory: str, gateway: str, at_ms: int) -> Message:
    """A marked document: the mark is its only key, so that it is the first of its line however it is written."""
    token = str(uuid.uuid4())
    return Message(Source(factory, gateway, "configuration"), token, at_ms, _written({MARK: token}))


def _written(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Clock:
    """Waits, and can be stopped."""

    stop: threading.Event = field(default_factory=threading.Event)
    seconds: Callable[[], float] = time.monotonic

    def until(self, look: Callable[[], Found | None], bound: float) -> Found | None:
        """Look again and again until there is something, for so many seconds at most; None when there is nothing."""
        deadline = self.seconds() + bound
        pause = _FIRST_PAUSE_SECONDS
        while True:
            if (found := look()) is not None:
                return found
            left = deadline - self.seconds()
            if left <= 0 or self.stop.wait(min(pause, left)):
                return None
            pause = min(1.5 * pause, _LONGEST_PAUSE_SECONDS)
