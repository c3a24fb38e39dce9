"""From messages to intervals: which one was in force when.

The order is that of arrival at the broker; of messages of one millisecond, the one whose text sorts last (by code
points) is in force. It is the order of the view `configuration_in_force`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from factory_lake.config.documents import differences, merge, text
from factory_lake.reconcile.lossless_json import Object, parse


@dataclass(frozen=True)
class Message:
    """A configuration message as its gateway sent it, and when the broker received it."""

    factory: str
    gateway: str | None
    received_ms: int
    text: str

    @property
    def sender(self) -> tuple[str, str]:
        """Factory and gateway, to sort and group by; the gateway is empty where the message names none."""
        return self.factory, self.gateway or ""

    @property
    def order(self) -> tuple[int, str]:
        """What orders the messages of one gateway."""
        return self.received_ms, self.text

    @cached_property
    def document(self) -> Any:
        """The message, parsed.

        Raises:
            NotTakenError: When it is not JSON as the lake takes it.
        """
        return parse(self.text)


@dataclass(frozen=True)
class Interval:
    """Settings of a gateway, from a moment (included) to another (excluded).

    Attributes:
        text: The settings: the message that was in force, or what the messages until then merge into.
        until_ms: None while they are in force.
    """

    factory: str
    gateway: str | None
    from_ms: int
    text: str
    document: Any
    until_ms: int | None = None


def intervals(messages: Iterable[Message], *, merged: bool = False) -> list[Interval]:
    """The intervals of all gateways, by factory, gateway and time.

    A message that changes nothing opens none: one that repeats the one before it or, where messages are merge
    patches, one that leaves the settings as they are.
    """
    found: list[Interval] = []
    for message in sorted(messages, key=lambda one: (one.sender, one.order)):
        last = found[-1] if found and (found[-1].factory, found[-1].gateway or "") == message.sender else None
        if merged:
            document = merge(last.document if last else Object(()), message.document)
            settings = text(document)
            same = last is not None and next(differences(last.document, document), None) is None
        else:
            document, settings = message.document, message.text
            same = last is not None and last.text == settings
        if same:
            continue
        if last:
            found[-1] = replace(last, until_ms=message.received_ms)
        found.append(Interval(message.factory, message.gateway, message.received_ms, settings, document))
    return found


def in_force(timeline: Sequence[Interval], at_ms: int) -> list[Interval]:
    """The interval of each gateway that a moment lies in, where there is one."""
    return [one for one in timeline if one.from_ms <= at_ms and (one.until_ms is None or at_ms < one.until_ms)]
