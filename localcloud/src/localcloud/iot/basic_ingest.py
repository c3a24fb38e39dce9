"""Basic Ingest: a publish to ``$aws/rules/<rule>/<topic>`` is for that rule alone, without the message broker.

Source: AWS IoT Core developer guide, "Reducing messaging costs with Basic Ingest".
"""

from __future__ import annotations

from typing import Final, NamedTuple

PREFIX: Final = "$aws/rules/"


class Address(NamedTuple):
    """Where a Basic Ingest topic leads.

    Attributes:
        prefix: what the rule does not see, as ``$aws/rules/<rule>/``.
        topic: the topic that the rule sees; empty where the message names none.
    """

    prefix: str
    rule: str
    topic: str


def parse(topic: str) -> Address | None:
    """The parts of a Basic Ingest topic; ``None`` of any other."""
    if not topic.startswith(PREFIX):
        return None
    rule, slash, rest = topic.removeprefix(PREFIX).partition("/")
    return Address(f"{PREFIX}{rule}{slash}", rule, rest)


def counted(topic: str) -> str:
    """The part of a topic that counts to the limits of levels and length."""
    address = parse(topic)
    return topic if address is None else address.topic
