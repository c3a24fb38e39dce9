"""A simulated plant: what the LoopEdge of one gateway would send, message by message.

Everything follows from the seed, the gateway's name and the start time; nothing here reads a clock. Most
messages are clean. Each tenth is one of the things that real plants send (`factory_lake.gateway.malformed`),
all kinds in turn, so that a few hundred messages hold every kind.

The message is LoopEdge's flat JSON object: datatype, description (often empty), deviceID, deviceName,
metadata, registerId, success, tagName, timestamp (epoch ms) and value.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, cycle
from random import Random
from typing import Any

from factory_lake.gateway.identities import Source
from factory_lake.gateway.malformed import MALFORMED_CONFIGURATION, MALFORMED_MEASUREMENTS, MalformedCase, spell
from factory_lake.gateway.signals import Counter, Drift, Flag, Level, Signal, Texts

CLEAN = "clean"

# Names of devices and registers are made from their place in the plant, so they are the same in every run.
_NAMESPACE = uuid.UUID("7d3a5bb2-6a0c-5f0e-9a41-3c6f7be0a1d5")
# How often each sort of register is read, in percent: most of a plant's samples are decimal numbers.
_SORTS: Mapping[str, int] = {"decimal": 60, "boolean": 15, "text": 15, "integer": 10}
_SORT_OF: Mapping[str, str] = {
    "float32": "decimal",
    "float64": "decimal",
    "bool": "boolean",
    "bit": "boolean",
    "string": "text",
}


@dataclass(frozen=True)
class Message:
    """One message of the plant."""

    payload: bytes
    kind: str  # `clean`, or the case that it is of
    accepted: bool  # whether the lake is to take it into its table; otherwise it belongs to the rejected ones


@dataclass(frozen=True)
class Tag:
    """One register of one machine."""

    device_id: str
    device_name: str
    register_id: str
    name: str
    datatype: str  # LoopEdge's name for the register's type
    description: str  # text about it; LoopEdge sends "" without one
    signal: Signal

    def message(self, timestamp: int, rng: Random) -> dict[str, Any]:
        """The tag's next sample as LoopEdge describes it."""
        return {
            "datatype": self.datatype,
            "description": self.description,
            "deviceID": self.device_id,
            "deviceName": self.device_name,
            "metadata": {},
            "registerId": self.register_id,
            "success": True,
            "tagName": self.name,
            "timestamp": timestamp,
            "value": self.signal.step(rng),
        }


def messages(source: Source, seed: int, start_ms: int, interval_ms: float) -> Iterator[Message]:
    """What a gateway sends on one lane, without end."""
    samples, kinds, turn = (
        (_samples, MALFORMED_MEASUREMENTS, 10)
        if source.lane == "measurements"
        # Configuration is rare, so every second update is malformed: few messages must hold all kinds.
        else (_updates, MALFORMED_CONFIGURATION, 2)
    )
    rng = _randomness(seed, source)
    malformed = _in_turn(rng, kinds)
    times = (start_ms + round(number * interval_ms) for number in count())
    previous: bytes | None = None
    for number, fields in enumerate(samples(source, seed, rng, times), start=1):
        if previous is None or number % turn:
            previous = spell(fields)
            yield Message(previous, CLEAN, accepted=True)
        else:
            kind = next(malformed)
            yield Message(kind.make(rng, fields, previous), kind.name, kind.accepted)


def tags(source: Source, seed: int) -> list[Tag]:
    """The registers that a gateway reads, with their signals at the beginning."""
    rng = _randomness(seed, source.factory, source.gateway, "machines")
    return [tag for machine in _machines(rng) for tag in _tags_of(source, *machine)]


def _samples(source: Source, seed: int, rng: Random, times: Iterator[int]) -> Iterator[Mapping[str, Any]]:
    by_sort: dict[str, list[Tag]] = {sort: [] for sort in _SORTS}
    for tag in tags(source, seed):
        by_sort[_SORT_OF.get(tag.datatype, "integer")].append(tag)
    turns = {sort: cycle(alike) for sort, alike in by_sort.items()}
    for timestamp in times:
        (sort,) = rng.choices(list(_SORTS), list(_SORTS.values()))
        yield next(turns[sort]).message(timestamp, rng)


def _updates(source: Source, seed: int, rng: Random, times: Iterator[int]) -> Iterator[Mapping[str, Any]]:
    machines = sorted({tag.device_name for tag in tags(source, seed)})
    for number, timestamp in enumerate(times):
        yield _update(rng, machines[number % len(machines)], number, timestamp)


def _randomness(*parts: object) -> Random:
    """The same numbers for the same parts, on every machine and every Python."""
    return Random("/".join(str(part) for part in parts))  # noqa: S311  # repeatable, not secret


def _in_turn(rng: Random, kinds: Sequence[MalformedCase]) -> Iterator[MalformedCase]:
    while True:
        yield from rng.sample(kinds, len(kinds))


def _tags_of(source: Source, device_name: str, registers: Sequence[tuple[str, str, str, Signal]]) -> Iterator[Tag]:
    place = f"{source.factory}/{source.gateway}/{device_name}"
    device_id = str(uuid.uuid5(_NAMESPACE, place))
    for name, datatype, description, signal in registers:
        register_id = str(uuid.uuid5(_NAMESPACE, f"{place}/{name}"))
        yield Tag(device_id, device_name, register_id, name, datatype, description, signal)


def _machines(rng: Random) -> Iterator[tuple[str, Sequence[tuple[str, str, str, Signal]]]]:
    yield (
        "Press 1",
        (
            ("oil_temperature", "float64", "Hydraulic oil, return line, °C", Drift(rng.uniform(44, 52), 0.15, 0.05)),
            ("ram_force", "float32", "", Drift(rng.uniform(600, 900), 12, 4, pull=0.2, digits=1, single=True)),
            ("ram_position", "int16", "Tenths of a millimetre", Level(-50, 9000, 4000, 900)),
            ("strokes", "uint64", "", Counter(rng.randrange(10**6, 10**7), 3)),
            ("guard_closed", "bool", "", Flag(True)),
            ("state", "string", "", Texts(("RUN", "IDLE", "SETUP", "FAULT"))),
            ("recipe", "string", "Recipe in force", Texts(("A-100", "A-120", "Blech 1,5 mm", "Tôle 2 mm"), 0.05)),
        ),
    )
    yield (
        "Furnace 2",
        (
            ("zone_1_temperature", "float64", "Zone 1, °C", Drift(rng.uniform(840, 860), 0.8, 0.3, digits=2)),
            ("zone_2_temperature", "float64", "", Drift(rng.uniform(880, 905), 0.9, 0.3, digits=2)),
            ("oxygen", "float32", "Rest oxygen, %", Drift(3.1, 0.05, 0.02, digits=2, single=True)),
            ("burner_stage", "uint8", "", Level(0, 6, 3, 1)),
            ("gas_total", "uint32", "Gas meter, litres", Counter(2**32 - rng.randrange(5000), 40, modulus=2**32)),
            ("flame", "bit", "Flame relay", Flag(True, 0.01)),
            ("alarm", "string", "", Texts(("none", "zone 2: over 905 °C", "Brûleur: pas de flamme", "炉门打开"), 0.2)),
        ),
    )
    yield (
        "Packer 3",
        (
            ("belt_speed", "float64", "", Drift(rng.uniform(0.8, 1.2), 0.01, 0.003, digits=4)),
            ("motor_current", "float32", "A", Drift(7.5, 0.2, 0.1, digits=2, single=True)),
            ("speed_setpoint", "int32", "Packs an hour", Level(600, 2400, 1800, 120)),
            ("packs", "int64", "", Counter(rng.randrange(10**5, 10**6), 5)),
            ("infeed_blocked", "bool", "", Flag(False)),
            ("product", "string", "", Texts(("Gwiazdki 250 g", "Żurek 0,5 l", "Éclair 6 szt.", "Standard"), 0.05)),
        ),
    )
    yield (
        "Utilities",
        (
            ("air_pressure", "float64", "Compressed air, bar", Drift(7.2, 0.03, 0.01)),
            ("dew_point", "float32", "°C", Drift(-21.0, 0.2, 0.1, digits=1, single=True)),
            ("cooling_valve", "uint16", "", Level(0, 1000, 400, 50)),
            ("ambient", "int8", "°C", Level(-20, 45, 19, 1)),
            ("active_energy", "int64", "Main meter, mWh", Counter(9 * 10**15 - rng.randrange(10**6), 5000)),
            ("dryer_on", "bool", "", Flag(True)),
            ("shift", "string", "", Texts(("early", "late", "night"), 0.02)),
        ),
    )


def _update(rng: Random, machine: str, number: int, timestamp: int) -> dict[str, Any]:
    """A configuration update. LoopEdge does not publish a shape for these: any JSON object will do."""
    changed: dict[str, Any]
    if number % 3 == 0:
        changed = {
            "recipe": {
                "name": f"A-{rng.randrange(100, 200)}",
                "revision": number + 1,
                "steps": [{"position": step, "force": round(rng.uniform(300, 900), 1)} for step in range(3)],
            }
        }
    elif number % 3 == 1:
        changed = {
            "limits": {
                "temperature": {"low": 15, "high": rng.randrange(60, 90)},
                "pressure": {"low": None, "high": round(rng.uniform(6, 9), 2)},
            }
        }
    else:
        changed = {
            "polling": {"interval_ms": rng.choice((100, 250, 1000)), "tags": ["state", "strokes"], "enabled": True}
        }
    return {"event": "configuration", "device": machine, "changedAt": timestamp, "changed": changed}
