"""What holds for any message at all.

PROPERTY_EXAMPLES sets how many messages each property is tried with.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from harness.fuzz.mutations import mutate
from tests.unit.transform import oracle, strategies
from tests.unit.transform.support import ARRIVAL, DAY, KEY, TAKEN, Lane, event, record, sample, spell

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
    assume(oracle.elements(payload) is None)
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


ELEMENTS = st.one_of(
    strategies.samples(),
    st.sampled_from([spell(sample(value=number, timestamp=TAKEN - age)) for number in (1, 2.5) for age in (0, DAY)]),
    strategies.VALUES,
    st.sampled_from(['{"samples":[1,{}]}', "[[],2]", "[]", '"},{"', '{"a":[{},{}]}']),
)
FORMS = st.sampled_from(['{"samples":[@]}', "[@]", '{"samples": [@]}', " [\n@ ]\r\n", '{"s\\u0061mples" :[@] }'])


@st.composite
def batches(draw: Callable[..., Any]) -> bytes:
    """Spell a batch, mostly one that is JSON."""
    between = draw(st.sampled_from([",", ", ", " ,\n"]))
    spelled = draw(FORMS).replace("@", between.join(draw(st.lists(ELEMENTS, max_size=6))))
    payload: bytes = spelled.encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 3)) == 0:
        payload = mutate(draw(st.randoms()), payload, spell(sample()).encode())
    return payload


@examples
@given(batches(), POLICIES, st.sampled_from([KEY, f"{ARRIVAL}/line-2/x", "no envelope", None]))
def test_a_batch_comes_to_the_ends_of_its_samples_sent_alone(payload: bytes, policy: str, key: str | None) -> None:
    lane = LANES["measurements", policy]
    elements = oracle.elements(payload)
    if elements is None:
        calls = len(lane.stream.calls)
        lane.answers(payload, key=key)
        assert len(lane.stream.calls) == calls
        return
    end = lane.settled(payload, key=key)
    if not elements:
        assert [reason[:2] for reason in end.rejected] == [(payload, "EMPTY_BATCH")]
        return
    alone = Lane(blank_strings=policy).settled(*elements, key=key)
    if len(elements) == 1 and end.rejected:  # as it came; nested, it is no batch
        assert [reason[0] for reason in end.rejected] == [payload]
        assert not end.delivered
        assert alone.rejected or oracle.elements(elements[0].encode("utf-8", "surrogatepass"))
        return
    assert end.delivered == alone.delivered
    assert end.rejected == alone.rejected


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
