import json
import struct
from collections import Counter
from itertools import islice, pairwise

import pytest

from factory_lake.gateway import malformed, plant
from factory_lake.gateway.identities import Lane, Source
from factory_lake.gateway.plant import CLEAN, Message

START_MS = 1_772_600_000_000
PRESS = Source("krakow", "line-1", "measurements")
SETUP = Source("krakow", "line-1", "configuration")
KEYS = {
    "datatype",
    "description",
    "deviceID",
    "deviceName",
    "metadata",
    "registerId",
    "success",
    "tagName",
    "timestamp",
    "value",
}


def some(source: Source = PRESS, seed: int = 1, number: int = 3000) -> list[Message]:
    return list(islice(plant.messages(source, seed, START_MS, 100), number))


def clean(source: Source = PRESS, number: int = 3000) -> list[dict[str, object]]:
    return [json.loads(message.payload) for message in some(source, number=number) if message.kind == CLEAN]


@pytest.mark.parametrize("source", [PRESS, SETUP])
def test_the_same_seed_is_the_same_plant(source: Source) -> None:
    assert some(source, seed=7) == some(source, seed=7)
    assert some(source, seed=7) != some(source, seed=8)


def test_a_plant_stays_the_same_from_release_to_release() -> None:
    """The first sample of seed 1, spelled out: whoever changes it changes every recorded run."""
    (first,) = some(number=1)
    assert first.payload.decode() == (
        '{"datatype":"float64","description":"Hydraulic oil, return line, °C",'
        '"deviceID":"0bdd6173-b5a7-51eb-9f7a-f45b7459c3de","deviceName":"Press 1","metadata":{},'
        '"registerId":"c7bcff30-ff82-51c7-8e9c-50547ef82ba6","success":true,"tagName":"oil_temperature",'
        '"timestamp":1772600000000,"value":44.184}'
    )


def test_gateways_have_machines_of_their_own() -> None:
    ids = [
        {tag.register_id for tag in plant.tags(Source(factory, gateway, "measurements"), 1)}
        for factory, gateway in (("krakow", "line-1"), ("krakow", "line-2"), ("lyon", "line-1"))
    ]
    assert not ids[0] & ids[1]
    assert not ids[0] & ids[2]


def test_clean_samples_are_loopedge_messages() -> None:
    for fields in clean():
        assert set(fields) == KEYS
        assert list(fields) == sorted(fields, key=str.lower)


def test_all_datatypes_with_values_of_their_type() -> None:
    ranges = {f"int{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)}
    ranges |= {f"uint{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)}
    seen: Counter[str] = Counter()
    for fields in clean(number=6000):
        datatype, value = str(fields["datatype"]), fields["value"]
        seen[datatype] += 1
        if datatype in ranges:
            assert type(value) is int
            assert ranges[datatype][0] <= value <= ranges[datatype][1]
        elif datatype == "float64":
            assert type(value) is float
        elif datatype == "float32":
            assert value == struct.unpack("<f", struct.pack("<f", value))[0]
        else:
            assert type(value) is {"bool": bool, "bit": bool, "string": str}[datatype]
    assert set(seen) == {*ranges, "float32", "float64", "bool", "bit", "string"}


def test_mostly_decimals_and_every_second_description_empty() -> None:
    samples = clean()
    decimals = sum(str(fields["datatype"]).startswith("float") for fields in samples) / len(samples)
    empty = sum(fields["description"] == "" for fields in samples) / len(samples)
    assert 0.55 < decimals < 0.65
    assert 0.35 < empty < 0.65


def test_signals_move_like_machines() -> None:
    """Temperatures drift by little steps, counters do not fall, but at the end of their register."""
    series: dict[str, list[float]] = {}
    for fields in clean(number=6000):
        if isinstance(fields["value"], int | float):
            series.setdefault(str(fields["tagName"]), []).append(fields["value"])
    temperature = series["oil_temperature"]
    steps = [abs(after - before) for before, after in pairwise(temperature)]
    assert max(steps) < 2
    assert max(temperature) - min(temperature) > 1
    strokes = series["strokes"]
    assert strokes == sorted(strokes)
    gas = series["gas_total"]
    falls = [before for before, after in pairwise(gas) if after < before]
    assert len(falls) <= 1
    assert all(before > 2**32 - 100 for before in falls)


def test_time_goes_on_by_the_interval() -> None:
    stamps = [fields["timestamp"] for fields in clean(number=12)]
    assert stamps[:9] == [START_MS + 100 * number for number in range(9)]


@pytest.mark.parametrize(
    ("lane", "kinds"),
    [("measurements", malformed.MALFORMED_MEASUREMENTS), ("configuration", malformed.MALFORMED_CONFIGURATION)],
)
def test_some_hundred_messages_hold_every_case(lane: Lane, kinds: tuple[malformed.MalformedCase, ...]) -> None:
    seen = Counter(message.kind for message in some(Source("krakow", "line-1", lane), number=500))
    assert set(seen) == {CLEAN, *(kind.name for kind in kinds)}
    assert seen[CLEAN] >= 250


def one(kind: str) -> bytes:
    return next(message.payload for message in some() if message.kind == kind)


def test_what_the_cases_are() -> None:
    """A few kinds looked at closely, since everything behind relies on their being what they are called."""
    assert any(text != text.strip() for text in json.loads(one("padded")).values() if isinstance(text, str))
    assert json.loads(one("empty description"))["description"].strip() == ""
    assert json.loads(one("stale"))["success"] is False
    assert json.loads(one("from yesterday"))["timestamp"] < START_MS
    assert json.loads(one("clock at zero"))["timestamp"] < 10**9
    assert json.loads(one("big counter"))["value"] == 2**53 + 1
    assert json.loads(one("biggest counter"))["value"] == 2**64 - 1
    assert set(json.loads(one("unknown keys"))) > KEYS
    assert b"\r\n" in one("on several lines")
    with pytest.raises(UnicodeDecodeError):
        one("not UTF-8").decode()
    for kind in ("cut off", "binary"):
        with pytest.raises((json.JSONDecodeError, UnicodeDecodeError)):
            json.loads(one(kind))
    twice: list[str] = []
    json.loads(one("key twice"), object_pairs_hook=lambda pairs: twice.extend(key for key, _ in pairs))
    assert twice.count("value") == 2


def test_a_repeated_sample_is_the_last_clean_one() -> None:
    messages = some()
    for before, message in pairwise(messages):
        if message.kind == "repeated":
            assert message.payload == before.payload
            break
    else:
        pytest.fail("no repeated sample")


def test_configuration_updates_are_nested_objects() -> None:
    updates = clean(SETUP, number=100)
    assert all(isinstance(update["changed"], dict) and update["changed"] for update in updates)
    assert len({str(update["device"]) for update in updates}) > 1
