"""Two readings of the rules, the transform function's and the reconciliation's, come to the same result."""

import base64
import contextlib
import io
import json
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_lake.gateway import plant
from factory_lake.gateway.identities import LANES, Lane, Source
from factory_lake.reconcile.expectation import BlankStrings, Content, Line, Rules, expected
from factory_lake.reconcile.lossless_json import NotTakenError, canonical
from factory_lake.reconcile.stored import row_of_line, without_envelope
from transform.batch import Transform
from transform.events import FirehoseEvent, FirehoseRecord
from transform.settings import Settings

ARRIVED_MS = 1_772_600_000_000
DAY_MS = 86_400_000


def transformed(payload: bytes, lane: Lane, blanks: BlankStrings = "reject", past_days: int = 400) -> Content | None:
    """What the transform function makes of a payload; None when it rejects it."""
    transform = Transform(Settings(factory="krakow", lane=lane, blank_strings=blanks, past_days=past_days))
    record: FirehoseRecord = {
        "recordId": "1",
        "approximateArrivalTimestamp": ARRIVED_MS,
        "data": base64.b64encode(payload).decode(),
        "kinesisRecordMetadata": {"partitionKey": f"{ARRIVED_MS}/line-1/x"},
    }
    event: FirehoseEvent = {"records": [record]}
    with contextlib.redirect_stdout(io.StringIO()):
        (answer,) = transform.answer(event)["records"]
    if answer["result"] != "Ok":
        assert answer["result"] == "ProcessingFailed"
        assert base64.b64decode(answer["data"]) == payload
        return None
    line, gateway, received_ms = without_envelope(base64.b64decode(answer["data"]).decode().removesuffix("\n"))
    assert (gateway, received_ms) == ("line-1", ARRIVED_MS)
    return Line(canonical(line)) if lane == "configuration" else row_of_line(line)


def wanted(payload: bytes, lane: Lane, blanks: BlankStrings = "reject", past_days: int = 400) -> Content | None:
    """What the reconciliation expects of a payload; None when it must be rejected."""
    try:
        return expected(payload, lane, ARRIVED_MS, Rules(past_days, blank_strings={lane: blanks}))
    except NotTakenError:
        return None


@pytest.mark.parametrize("lane", LANES)
def test_on_the_plant(lane: Lane) -> None:
    source = Source("krakow", "line-1", lane)
    messages = list(islice(plant.messages(source, 3, ARRIVED_MS, 10), 2000))
    for message in messages:
        content = wanted(message.payload, lane)
        assert (content is not None) == message.accepted, message.kind
        assert transformed(message.payload, lane) == content, message.kind


SAMPLE: dict[str, Any] = {
    "datatype": "float64",
    "description": "",
    "deviceID": "d",
    "deviceName": "n",
    "metadata": {},
    "registerId": "r",
    "success": True,
    "tagName": "t",
    "timestamp": ARRIVED_MS,
    "value": 1.5,
}

_texts = st.one_of(
    st.text(max_size=6), st.sampled_from(["", " ", "\u3000", "\x1c", "\u200b", " x ", "\ud800", "0042"])
)
_numbers = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0, -0.0, 2**53, 2**53 + 1, -(2**53), -(2**53) - 1]),
)
_scalars = st.one_of(st.none(), st.booleans(), _numbers, _texts)
_values = st.recursive(
    _scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_texts, inner, max_size=3)),
    max_leaves=6,
)
_times = st.one_of(
    st.sampled_from(
        [ARRIVED_MS - 400 * DAY_MS + shift for shift in (-1, 0)] + [ARRIVED_MS + DAY_MS + shift for shift in (0, 1)]
    ),
    _values,
)
_keys = st.one_of(
    st.sampled_from(
        [*SAMPLE, "Value", "year", "attributes", "value_text", "_gateway", "_received_at", "received_at", ""]
    ),
    _texts,
)


@st.composite
def samples(draw: st.DrawFn) -> bytes:
    """A LoopEdge sample with some of its members changed, taken out or added, in any order."""
    fields = dict(SAMPLE)
    for key in draw(st.lists(_keys, max_size=3)):
        if draw(st.booleans()) and key in fields and key != "value":
            del fields[key]
        else:
            fields[key] = draw(_times if key == "timestamp" else _values)
    members = draw(st.permutations(list(fields.items())))
    return json.dumps(dict(members), ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")


_blanks: st.SearchStrategy[BlankStrings] = st.sampled_from(["reject", "null", "keep"])


@settings(max_examples=300, deadline=None)
@given(payload=samples(), blanks=_blanks)
def test_on_any_sample(payload: bytes, blanks: BlankStrings) -> None:
    assert transformed(payload, "measurements", blanks) == wanted(payload, "measurements", blanks)


@settings(max_examples=300, deadline=None)
@given(
    payload=st.one_of(
        st.builds(lambda value: json.dumps(value).encode("utf-8", "surrogatepass"), _values), st.binary(max_size=12)
    ),
    blanks=_blanks,
)
def test_on_any_configuration(payload: bytes, blanks: BlankStrings) -> None:
    assert transformed(payload, "configuration", blanks) == wanted(payload, "configuration", blanks)


NUMBERS = [
    "-0",
    "-0.0",
    "1E20",
    "1e20",
    "9007199254740992",
    "9007199254740993",
    "1" * 400,
    "1e-400",
    "-1.50E-7",
    "1e308",
]


@pytest.mark.parametrize("spelling", [*NUMBERS, "1e309", "01", "+1", ".5", "1.", "0x1", "Infinity"])
def test_on_spellings_of_numbers(spelling: str) -> None:
    payload = json.dumps({**SAMPLE, "value": 0}).replace('"value": 0', f'"value": {spelling}').encode()
    assert transformed(payload, "measurements") == wanted(payload, "measurements")


@pytest.mark.parametrize(
    ("moment", "taken"),
    [
        (10**12, True),
        (10**12 - 1, False),
        (946_684_800_000, False),
        (987_654_321, False),
        (0, False),
        (-1, False),
        (1 - 10**12, False),
    ],
)
def test_on_times_that_the_delivery_stream_takes_for_seconds(moment: int, taken: bool) -> None:
    payload = json.dumps({**SAMPLE, "timestamp": moment}).encode()
    content = wanted(payload, "measurements", past_days=36_500)
    assert transformed(payload, "measurements", past_days=36_500) == content
    assert (content is not None) == taken


@pytest.mark.parametrize("levels", [99, 100, 101, 5000])
@pytest.mark.parametrize("lane", LANES)
def test_on_depth(lane: Lane, levels: int) -> None:
    """The message's own object is the first level."""
    payload = (
        json.dumps({**SAMPLE, "description": "d"})[:-1].encode()
        + b',"x":'
        + b"[" * (levels - 1)
        + b"]" * (levels - 1)
        + b"}"
    )
    assert transformed(payload, lane) == wanted(payload, lane)
    assert (wanted(payload, lane) is None) == (levels > 100)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b"{}",
        b'{"a":1}x',
        b'{"a":"\x01"}',
        b"\xef\xbb\xbf{}",
        b"{}\n",
        b" \r\n\t{ }",
        b'{"a":"\\x"}',
    ],
)
@pytest.mark.parametrize("lane", LANES)
def test_on_odd_payloads(lane: Lane, payload: bytes) -> None:
    assert transformed(payload, lane) == wanted(payload, lane)
