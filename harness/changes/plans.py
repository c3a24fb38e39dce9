"""Plans many changes of one lake at once, and takes the answer apart again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.changes.cases import FACTORY, Case, read_cases
from harness.changes.dependencies import base_variables, named_values
from harness.changes.protected import protected_root
from harness.lake import LocalLake

_PROTECTED = re.compile(r"Resource (\S+) has lifecycle\.prevent_destroy set")
_MANY = 6
_WORDS = {"create": "makes", "update": "changes", "replace": "replaces", "delete": "deletes"}


class ChangesError(Exception):
    """A plan says what no case accounts for; the message says what."""


@dataclass
class Outcome:
    """What the plan of one change says.

    Attributes:
        case: The change.
        actions: Addresses of resources and what would happen to them: create, update, replace or delete.
        protected: Addresses that refuse to be destroyed.
        refusal: Address of the resource whose condition refuses it, or empty.
        warning: Name of the check that warns of it, or empty.
    """

    case: Case
    actions: dict[str, str] = field(default_factory=dict)
    protected: set[str] = field(default_factory=set)
    refusal: str = ""
    warning: str = ""

    @property
    def refused(self) -> bool:
        """Whether nothing would happen at all."""
        return bool(self.protected or self.refusal)

    @property
    def verdict(self) -> str:
        """The plan in a few words, with the kinds of resources in place of their addresses."""
        if self.protected:
            return f"**refused**: {_kinds(self.protected)} would go"
        if self.refusal:
            return f"**refused** by {_kinds([self.refusal])}"
        parts = [
            f"{word} {_kinds(address for address, action in self.actions.items() if action == name)}"
            for name, word in _WORDS.items()
            if name in self.actions.values()
        ]
        if self.warning:
            parts.append(f"warns (`{self.warning}`)")
        return "; ".join(parts) or "nothing"


def outcomes(lake: LocalLake, folder: Path) -> list[Outcome]:
    """Plan every case against an applied lake.

    Args:
        lake: The lake; it has the factories `genoa`, with a camera, and `lyon`, which has data.
        folder: An empty folder for the roots that are planned.
    """
    cases = read_cases()
    variables = base_variables(lake, folder)
    named = named_values(variables, folder)
    lakes = _packed(cases)
    calls: dict[str, dict[str, Any]] = {"unchanged": variables}
    for number, together in enumerate(lakes):
        changed: dict[str, Any] = variables
        for case in together:
            changed = case.applied_to(changed, named)
        calls[f"lake_{number}"] = changed
    root = protected_root(folder / "root", lake.terraform, calls, [FACTORY], variables["retired_factories"])
    events = root.plan_events("-refresh=false", "-lock=false")
    found = {f"lake_{number}": [Outcome(case) for case in together] for number, together in enumerate(lakes)}
    read_events(events, found)
    return sorted((each for together in found.values() for each in together), key=lambda each: cases.index(each.case))


def _packed(cases: Sequence[Case]) -> list[list[Case]]:
    """Cases that touch different parts of a lake share one: a lake more is a hundred resources more."""
    lakes: list[list[Case]] = []
    for case in cases:
        place = next((together for together in lakes if all(_compatible(case, other) for other in together)), None)
        if place is None:
            lakes.append([case])
        else:
            place.append(case)
    return lakes


def _compatible(one: Case, other: Case) -> bool:
    if one.group and one.group == other.group:
        return True
    return one.scope is not None and other.scope is not None and not one.scope.overlaps(other.scope)


def read_events(events: Iterable[dict[str, Any]], found: dict[str, list[Outcome]]) -> None:
    """Give each change and diagnostic of a plan to the outcome that it belongs to.

    Raises:
        ChangesError: When something belongs to none, or a message that a case expects is missing.
    """
    expected = {id(each): each for together in found.values() for each in together if each.case.message}
    for event in events:
        if event["type"] == "planned_change":
            action = event["change"]["action"]
            if action in _WORDS:
                address = event["change"]["resource"]["addr"]
                for outcome in _owners(found, address):
                    outcome.actions[_below(address)] = action
        elif event["type"] == "diagnostic":
            diagnostic = event["diagnostic"]
            if (gone := _PROTECTED.search(diagnostic["detail"])) is not None:
                for outcome in _owners(found, gone[1]):
                    outcome.protected.add(_below(gone[1]))
            else:
                _note(_claimed(diagnostic, expected), diagnostic)
    if expected:
        missing = "; ".join(each.case.message for each in expected.values())
        raise ChangesError(f"no plan says: {missing}")


def _claimed(diagnostic: dict[str, Any], expected: dict[int, Outcome]) -> Outcome:
    words = " ".join(str(diagnostic["detail"]).split())
    for key, outcome in expected.items():
        if outcome.case.message in words:
            return expected.pop(key)
    raise ChangesError(f"no case accounts for {diagnostic['severity']}: {diagnostic['summary']}: {words}")


def _note(outcome: Outcome, diagnostic: dict[str, Any]) -> None:
    context = str(diagnostic["snippet"]["context"])
    names = re.findall(r'"([^"]+)"', context)
    if diagnostic["severity"] == "error":
        outcome.refusal = ".".join(names)
    else:
        outcome.warning = names[0]


def _owners(found: dict[str, list[Outcome]], address: str) -> list[Outcome]:
    """The case that accounts for a change, or all of its group."""
    below = _below(address)
    owners = [
        each
        for each in found.get(address.split(".")[1], [])
        if each.case.scope is None or each.case.scope.holds(below)
    ]
    if not owners or (len(owners) > 1 and len({each.case.group or id(each) for each in owners}) > 1):
        raise ChangesError(f"no case accounts for a change of {address}")
    return owners


def _below(address: str) -> str:
    return address.split(".", 2)[2]


def _kinds(addresses: Iterable[str]) -> str:
    """Types and names of resources, each once, without the modules and keys that they have."""
    kinds = sorted({".".join(re.sub(r'\["[^"]*"\]', "", address).split(".")[-2:]) for address in addresses})
    if len(kinds) > _MANY:
        return f"resources of {len(kinds)} kinds"
    return ", ".join(f"`{kind}`" for kind in kinds)
