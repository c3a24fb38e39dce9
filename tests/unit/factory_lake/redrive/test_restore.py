"""A message goes through the transform, its line through the restorer, and back to the same line."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_lake.gateway.identities import LANES, Lane
from factory_lake.redrive.origins import Origin, envelope, partition_key
from factory_lake.redrive.restore import Restorer
from tests.unit.transform import strategies
from tests.unit.transform.support import ARRIVAL, SCHEMAS, record, spell, with_value
from tests.unit.transform.support import sample as message
from transform.batch import Transform
from transform.report import Report
from transform.settings import Settings

_TRANSFORMS = {
    (lane, blanks): Transform(
        made := Settings(factory="krakow", lane=lane, blank_strings=blanks), SCHEMAS, Report(made, lambda _: None)
    )
    for lane in LANES
    for blanks in ("reject", "null", "keep")
}
_RESTORER = Restorer()


def _line(lane: Lane, blanks: str, payload: bytes, key: str) -> bytes | None:
    (answer,) = _TRANSFORMS[lane, blanks].answer({"records": [record(payload, key=key)]})["records"]
    return base64.b64decode(answer["data"]) if answer["result"] == "Ok" else None


def _there_and_back(lane: Lane, blanks: str, payload: bytes, gateway: str = "line-1") -> None:
    key = partition_key(Origin(ARRIVAL, gateway), "5c2f7a10")
    line = _line(lane, blanks, payload, key)
    if line is None:
        return
    restored = _RESTORER.restore(lane, line)
    assert restored is not None
    assert (restored.received_ms, restored.gateway) == (ARRIVAL, gateway)
    again = partition_key(Origin(restored.received_ms, restored.gateway), "another")
    assert envelope(again, 0) == envelope(key, 0)
    assert _line(lane, blanks, restored.payload, again) == line


@settings(max_examples=100, deadline=None)
@given(strategies.samples(), st.sampled_from(["reject", "null", "keep"]))
def test_any_sample(message: str, blanks: str) -> None:
    _there_and_back("measurements", blanks, message.encode("utf-8", "surrogatepass"))


@settings(max_examples=100, deadline=None)
@given(strategies.objects(strategies.VALUES), st.sampled_from(["reject", "null", "keep"]))
def test_any_configuration(message: str, blanks: str) -> None:
    _there_and_back("configuration", blanks, message.encode("utf-8", "surrogatepass"))


@settings(max_examples=50, deadline=None)
@given(st.text(min_size=1).filter(lambda text: "/" not in text))
def test_any_gateway(gateway: str) -> None:
    try:
        gateway.encode()
    except UnicodeEncodeError:
        return
    _there_and_back("measurements", "reject", spell(message()).encode(), gateway)
    _there_and_back("configuration", "reject", b"{}", gateway)


@pytest.mark.parametrize(
    "message",
    [
        with_value("12345678901234567890"),
        with_value("true"),
        with_value('"RUNNING"'),
        with_value('"12.5"'),
        spell({**message(), "value_text": "x", "attributes": {"a": [1]}, "gateway": "g"}),
        spell({**message(), "unit": '\u20ac\U0001f600\\"\n', "metadata": {"a": 1}}),
        spell({**message(), "note": ',"_received_at":1773039900000,"_gateway":"x"}'}),
        "{ " + spell(message())[1:-1] + ' , "extra" : 1.50 }',
    ],
)
def test_what_a_line_renames(message: str) -> None:
    _there_and_back("measurements", "reject", message.encode())


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize(
    "data",
    [
        b'{"a":{"_received_at":1773039900000}}',
        b'{"a":",\\"_received_at\\":1773039900000}"}',
        b'{"a":"b,\\"_received_at":1773039900000}',
        b'{"_gateway":"line-1"}',
        b'{"_received_at":17}',
        b"not JSON",
        b"",
    ],
)
def test_what_is_no_line_is_left_alone(lane: Lane, data: bytes) -> None:
    assert _RESTORER.restore(lane, data) is None


def test_a_configuration_comes_back_byte_for_byte() -> None:
    message = '{ "b": 1.50, "a": {"é": "\\u00e9"} }'.encode()
    line = _line("configuration", "reject", message, f"{ARRIVAL}/line-1/x")
    assert line is not None
    restored = _RESTORER.restore("configuration", line)
    assert restored is not None
    assert restored.payload == message


@pytest.mark.parametrize("gateway", [None, "", "a/b"])
def test_an_envelope_that_the_transform_would_read_otherwise_is_refused(gateway: str | None) -> None:
    with pytest.raises(ValueError, match="cannot hold this gateway"):
        partition_key(Origin(ARRIVAL, gateway), "token")
