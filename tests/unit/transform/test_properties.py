"""What holds for any message at all.

PROPERTY_EXAMPLES sets how many messages each property is tried with.
"""

from __future__ import annotations

import base64
import json
import os
import re
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.unit.transform import oracle, strategies
from tests.unit.transform.support import ARRIVAL, Lane, event, record

examples = hypothesis_settings(
    max_examples=int(os.environ.get("PROPERTY_EXAMPLES", "100")),
    deadline=None,  # a slow machine must not make a property fail
    suppress_health_check=[HealthCheck.too_slow],
)
POLICIES = st.sampled_from(["reject", "null", "keep"])
LANES = {
    (lane, policy): Lane(lane, blank_strings=policy)
    for lane in ("measurements", "configuration")
    for policy in ("reject", "null", "keep")
}
MESSAGES = st.one_of(
    strategies.samples(),
    strategies.VALUES,
    strategies.objects(strategies.VALUES),
    st.text(max_size=30),
    strategies.samples().flatmap(lambda text: st.integers(0, len(text)).map(lambda end: text[:end])),
).map(lambda text: text.encode("utf-8", "surrogatepass"))
PAYLOADS = st.one_of(MESSAGES, st.binary(max_size=40))


def bytes_of(answer: Any) -> bytes:
    """Decode the data of an answer."""
    return base64.b64decode(answer["data"])


def checked_line(answer: Any, payload: bytes) -> oracle.Members | None:
    """Check the form of an answer; return the members of its line, or None for a rejection."""
    if answer["result"] == "ProcessingFailed":
        assert set(answer) == {"recordId", "result", "data"}
        assert bytes_of(answer) == payload
        return None
    assert answer["result"] == "Ok"
    line = bytes_of(answer).decode()
    assert line[-1] == "\n"
    assert "\n" not in line[:-1]
    assert "\r" not in line
    assert re.search(rf'[{{,]\s*"_received_at":{ARRIVAL},"_gateway":"line-1"}}\n\Z', line)
    members = oracle.parse(line)
    assert isinstance(members, oracle.Members)
    del members[-2:]
    return members


@examples
@given(PAYLOADS, POLICIES)
def test_a_sample_is_read_as_a_second_reading_of_the_contract_reads_it(payload: bytes, policy: str) -> None:
    (answer,) = LANES["measurements", policy].answers(payload)
    members = checked_line(answer, payload)
    try:
        expected, keys = oracle.measurement(payload, ARRIVAL, policy)
    except oracle.InvalidError:
        assert members is None
        return
    assert members is not None, "a valid message was rejected"
    if members and members[-1][0] == "attributes":
        members[-1] = ("attributes", oracle.parse(members[-1][1]))
    assert members == expected
    assert answer["metadata"] == {"partitionKeys": keys}


@examples
@given(PAYLOADS, POLICIES)
def test_a_configuration_is_read_as_a_second_reading_of_the_contract_reads_it(payload: bytes, policy: str) -> None:
    (answer,) = LANES["configuration", policy].answers(payload)
    members = checked_line(answer, payload)
    try:
        expected = oracle.message(payload, policy, description=False)
    except oracle.InvalidError:
        assert members is None
        return
    assert members == expected, "a valid message was rejected or changed"
    assert answer["metadata"] == {"partitionKeys": oracle.date(ARRIVAL)}


@examples
@given(st.lists(PAYLOADS, max_size=6), st.sampled_from(["measurements", "configuration"]), st.randoms())
def test_each_record_is_answered_once_and_alike_in_any_batch(payloads: list[bytes], lane: str, rng: Any) -> None:
    shared = LANES[lane, "reject"]
    alone = [Lane(lane).answers(payload)[0] for payload in payloads]
    order = list(range(len(payloads)))
    rng.shuffle(order)
    records = [record(payloads[number], number) for number in order]
    answers = shared.transform.answer(event(records))["records"]
    assert [answer["recordId"] for answer in answers] == [made["recordId"] for made in records]
    for number, answer in zip(order, answers):  # noqa: B905 - Python 3.8 has no strict zip
        assert {**answer, "recordId": ""} == {**alone[number], "recordId": ""}


@examples
@given(PAYLOADS)
def test_a_log_line_never_holds_a_value(payload: bytes) -> None:
    """A value is marked, so that it can be found wherever it turns up."""
    lane = Lane()
    marked = payload.replace(b"x", b"SECRETx")
    lane.answers(marked)
    for line in lane.rejections:
        assert "SECRET" not in json.dumps({**line, "field": None})
        assert line["field"] is None or len(line["field"]) <= 64
