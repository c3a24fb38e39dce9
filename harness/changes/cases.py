"""The changes that are tried, as cases.toml lists them."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FACTORY = "genoa"
CAMERA = "gate"
_FILE = Path(__file__).parent / "cases.toml"
_AWAY = "@nothing"


@dataclass(frozen=True)
class Scope:
    """A part of a lake.

    Attributes:
        module: Beginning of its addresses.
        lane: The key of its resources; empty for all.
    """

    module: str
    lane: str = ""

    def holds(self, address: str) -> bool:
        """Whether it has a resource, by its address below the lake."""
        key = f'["{self.lane}' if self.lane else ""
        return address.startswith(self.module) and key in address.removeprefix(self.module)

    def overlaps(self, other: Scope) -> bool:
        """Whether a resource can be in both."""
        return self.module == other.module and (not self.lane or not other.lane or self.lane == other.lane)


_SCOPES: dict[str, Scope | None] = {
    "factories[*].gateways": Scope(f'module.factory_pipeline["{FACTORY}"].'),
    "csr_dir": Scope(f'module.factory_pipeline["{FACTORY}"].'),
    "kms_keys.streams": Scope(f'module.factory_pipeline["{FACTORY}"].'),
    "factories[*].cameras": Scope(f'module.video_archiver["{FACTORY}"].'),
    "factories[*].video": Scope(f'module.video_archiver["{FACTORY}"].'),
    "factories[*].alarms.messages": Scope(f'module.factory_pipeline["{FACTORY}"].'),
    "factories[*].alarms.video": Scope(f'module.video_archiver["{FACTORY}"].'),
    # Another bucket or database concerns whoever writes there.
    "storage.existing_buckets": None,
    "athena.existing_database": None,
    "storage.": Scope("module.storage."),
    "athena.": Scope("module.glue_catalog."),
    "schema_dir": Scope("module.glue_catalog."),
}


@dataclass(frozen=True)
class Case:
    """One change of one input.

    Attributes:
        inputs: Paths of what changes, as `inputs.py` names them.
        before: What it was, in words.
        after: What it becomes, in words.
        meaning: What becomes of data, in words.
        target: Keys and attribute names down to the value in a lake's variables.
        value: The new value; a text that begins with `@` is looked up, and `@nothing` takes the entry away.
        message: Words of the one error or warning of the plan; empty when there is none.
        group: Cases of one group are planned together, and each gets what the plan says of all.
        csr_dir: A folder of requests that the change needs, as a name to look up; empty for the usual one.
    """

    inputs: tuple[str, ...]
    before: str
    after: str
    meaning: str
    target: tuple[str, ...]
    value: object
    message: str
    group: str
    csr_dir: str

    @property
    def scope(self) -> Scope | None:
        """What of a lake the change may touch; None for anything."""
        path = self.inputs[0]
        if path.startswith("factories[*].lanes"):
            return Scope(f'module.factory_pipeline["{FACTORY}"].', self.target[3])
        return next((scope for start, scope in _SCOPES.items() if path.startswith(start)), None)

    def applied_to(self, variables: Mapping[str, Any], named: Mapping[str, object]) -> dict[str, Any]:
        """A lake's variables with the change."""
        changed = copy.deepcopy(dict(variables))
        if self.csr_dir:
            changed["csr_dir"] = named[self.csr_dir]
        within: Any = changed
        for step in self.target[:-1]:
            within = within.setdefault(step, {})
        if self.value == _AWAY:
            del within[self.target[-1]]
        else:
            within[self.target[-1]] = _looked_up(self.value, named)
        return changed


def read_cases() -> tuple[Case, ...]:
    """All of them, in the order of the file."""
    entries = tomllib.loads(_FILE.read_text(encoding="utf-8"))["case"]
    return tuple(_case(case) for entry in entries for case in _each(entry))


def _each(entry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The cases of an entry, which share what is outside of its list `each`."""
    if "each" not in entry:
        yield entry
    for one in entry.get("each", ()):
        yield {**entry, **one, "input": entry["input"] + one["input"]}


def _case(entry: Mapping[str, Any]) -> Case:
    inputs = entry["input"] if isinstance(entry["input"], list) else [entry["input"]]
    keys = {
        "factories": FACTORY,
        "lanes": entry.get("lane", "measurements"),
        "cameras": CAMERA,
        "buckets": entry.get("bucket", "measurements"),
    }
    steps: list[str] = []
    for part in str(entry.get("set", inputs[0])).split("."):
        name = part.removesuffix("[*]")
        steps += [name, keys[name]] if part != name else [name]
    if "key" in entry:
        steps[-1] = entry["key"]
    return Case(
        inputs=tuple(inputs),
        before=entry["from"],
        after=str(entry["to"]).lower() if isinstance(entry["to"], bool) else str(entry["to"]),
        meaning=entry["meaning"],
        target=tuple(steps),
        value=entry.get("value", entry["to"]),
        message=entry.get("message", ""),
        group=entry.get("group", ""),
        csr_dir=entry.get("csr_dir", ""),
    )


def _looked_up(value: object, named: Mapping[str, object]) -> object:
    return named[value] if isinstance(value, str) and value.startswith("@") else value
