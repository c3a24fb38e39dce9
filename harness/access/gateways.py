"""What a gateway's identity is tried with over MQTT, and what the table expects.

The calls themselves are the test's: they need the identity's private key, which is nowhere but at the
gateway.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from factory_lake.gateway.identities import LANES, Source
from harness.access.matrix import EXPECTED

VERBS = ("connect", "publish", "retain", "subscribe")


@dataclass(frozen=True)
class View:
    """What an identity can reach for: a peer of its factory, another factory's gateway, the rules of their lanes."""

    own: Source
    peer: str
    foreign: Source
    rule: Callable[[Source], str]

    @property
    def other_lane(self) -> Source:
        """The same gateway's identity on the other lane."""
        lane = next(lane for lane in LANES if lane != self.own.lane)
        return Source(self.own.factory, self.own.gateway, lane)

    @property
    def other_gateway(self) -> Source:
        """The other gateway's identity on the same lane."""
        return Source(self.own.factory, self.peer, self.own.lane)

    def behind(self, rule_of: Source, topic: str) -> str:
        """The Basic Ingest spelling of a topic, behind the rule of a source."""
        return f"$aws/rules/{self.rule(rule_of)}/{topic}"


_CLIENT_IDS: Mapping[str, Callable[[View], str]] = {
    "its own": lambda view: view.own.client_id,
    "its other lane's": lambda view: view.other_lane.client_id,
    "another gateway's": lambda view: view.other_gateway.client_id,
    "another factory's": lambda view: view.foreign.client_id,
    "any other": lambda view: f"{view.own.client_id}-2",
}
_TOPICS: Mapping[str, Callable[[View], str]] = {
    "its own": lambda view: view.own.topic,
    "its other lane's": lambda view: view.other_lane.topic,
    "another gateway's": lambda view: view.other_gateway.topic,
    "another factory's": lambda view: view.foreign.topic,
    "below its own": lambda view: f"{view.own.topic}/more",
    "above its own": lambda view: view.own.topic.rpartition("/")[0],
    "its shadow": lambda view: f"$aws/things/{view.own.client_id}/shadow/update",
    "its presence": lambda view: f"$aws/events/presence/disconnected/{view.own.client_id}",
    "its own, behind its rule": lambda view: view.behind(view.own, view.own.topic),
    "its other lane's, behind its rule": lambda view: view.behind(view.own, view.other_lane.topic),
    "another gateway's, behind its rule": lambda view: view.behind(view.own, view.other_gateway.topic),
    "another factory's, behind its rule": lambda view: view.behind(view.own, view.foreign.topic),
    "below its own, behind its rule": lambda view: view.behind(view.own, f"{view.own.topic}/more"),
    "its rule without a topic": lambda view: f"$aws/rules/{view.rule(view.own)}",
    "its own, behind its other lane's rule": lambda view: view.behind(view.other_lane, view.own.topic),
    "its own, behind another factory's rule": lambda view: view.behind(view.foreign, view.own.topic),
    "its own, behind a rule that is not there": lambda view: f"$aws/rules/missing/{view.own.topic}",
    "its other lane's, behind that lane's rule": lambda view: view.behind(view.other_lane, view.other_lane.topic),
    "another factory's, behind that factory's rule": lambda view: view.behind(view.foreign, view.foreign.topic),
    "its factory's, by wildcard": lambda view: f"factories/{view.own.factory}/#",
    "everything": lambda _: "#",
}


@dataclass(frozen=True)
class Attempt:
    """One line of the table.

    Attributes:
        verb: `connect` (as a client ID), `publish`, `retain` (publish a retained message) or `subscribe`.
        to: Whose client ID or topic.
        allowed: What must come of it.
    """

    verb: str
    to: str
    allowed: bool

    def target(self, view: View) -> str:
        """The client ID or the topic."""
        return (_CLIENT_IDS if self.verb == "connect" else _TOPICS)[self.to](view)


def attempts(path: Path = EXPECTED) -> list[Attempt]:
    """The table.

    Raises:
        ValueError: A line names what does not exist, or a verb and a place are left out.
    """
    lines = [
        Attempt(entry["verb"], to, to in entry.get("allowed", ()))
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["gateway"]
        for to in (*entry.get("allowed", ()), *entry.get("denied", ()))
    ]
    known = {"connect": _CLIENT_IDS, **dict.fromkeys(VERBS[1:], _TOPICS)}
    for line in lines:
        if line.verb not in known or line.to not in known[line.verb]:
            raise ValueError(f"{path.name}: nothing is known of {line}")
    # MQTT itself forbids publishing to a wildcard; retaining needs the permission to publish, and one more.
    impossible = {("publish", to) for to in ("its factory's, by wildcard", "everything")}
    needless = {("retain", to) for to in _TOPICS if to not in ("its own", "its own, behind its rule")}
    wanted = {(verb, to) for verb, places in known.items() for to in places} - impossible - needless
    if missing := wanted - {(line.verb, line.to) for line in lines}:
        raise ValueError(f"{path.name}: nothing is said of {sorted(missing)}")
    return lines
