"""Batches of samples: each sample comes to the end that it would come to alone."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.support.data_stream import Clock, FakeDataStream, client_error
from tests.unit.transform.support import ARRIVAL, DAY, LINE_SUFFIX, TAKEN, Lane, event, record, sample, spell
from transform.planning import MAX_REJECTED
from transform.put_back import NEEDED_MS
from transform.response import MAX_BYTES as LARGEST_ANSWER

TODAY = ("2026", "03", "09")
#: An instant of the day before the tests' messages.
YESTERDAY = TAKEN - DAY

GOOD, OTHER = spell(sample()), spell(sample(value=1.25, metadata={}))
BAD = spell(sample(deviceName=" "))
#: What never goes on as it came, so that no batch of it is converted by one call.
CHANGING = spell(sample(deviceName=" Press 1", unit=" C"))


def batch(*elements: str, form: str = '{"samples":[@]}', between: str = ",") -> str:
    """Spell a batch."""
    return form.replace("@", between.join(elements))


def learned(lane: Lane, *messages: str) -> None:
    """Let a lane see messages until it knows how they are spelled."""
    for each in messages or (GOOD, OTHER, CHANGING):
        lane.answers(each, each, each, each)


def lines(answer: Any) -> list[str]:
    """The lines of an answer."""
    return base64.b64decode(answer["data"]).decode().splitlines(keepends=True)


def put_back(lane: Lane) -> list[str]:
    """What was put back, as text."""
    return [data.decode() for _, data in lane.stream.taken]


def alone(*messages: str, key: str | None = None, **settings: Any) -> Any:
    """Where messages come to an end that are sent alone."""
    return Lane(**settings).settled(*messages, **({} if key is None else {"key": key}))


def assert_as_alone(lane: Lane, payload: str, elements: list[str]) -> None:
    """Check that the elements of a batch come to the same ends as alone."""
    end, expected = lane.settled(payload), alone(*elements)
    assert end.delivered == expected.delivered
    assert end.rejected == expected.rejected


@pytest.fixture(params=["new", "learned"])
def lane(request: pytest.FixtureRequest) -> Lane:
    """A lane that knows no spelling, and one that does."""
    made = Lane()
    if request.param == "learned":
        learned(made)
    return made


FORMS = ['{"samples":[@]}', "[@]", ' {"samples" : [ @ ] } ', "\t[\n@\r\n]\n", '{"s\\u0061mples":[@]}']


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("between", [",", ", ", " ,\r\n\t"])
def test_each_sample_is_a_line_in_the_order_of_the_batch(lane: Lane, form: str, between: str) -> None:
    (answer,) = lane.answers(batch(GOOD, OTHER, GOOD, form=form, between=between))
    assert lines(answer) == [
        GOOD[:-1] + LINE_SUFFIX,
        OTHER.replace('"metadata":{},', "").replace(',"metadata":{}', "")[:-1] + LINE_SUFFIX,
        GOOD[:-1] + LINE_SUFFIX,
    ]
    assert tuple(answer["metadata"]["partitionKeys"].values()) == TODAY
    assert lane.stream.taken == []


def test_line_breaks_within_a_sample_do_not_make_two_lines(lane: Lane) -> None:
    broken = json.dumps(sample(), indent=1)
    (answer,) = lane.answers(batch(GOOD, broken))
    assert [json.loads(line)["value"] for line in lines(answer)] == [36.5, 36.5]


@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_bad_sample_is_put_back_alone_wherever_it_is(lane: Lane, place: int) -> None:
    elements = [GOOD] * 4
    elements.insert(place, BAD)
    (answer,) = lane.answers(batch(*elements))
    assert len(lines(answer)) == 4
    assert put_back(lane) == [BAD]
    assert lane.rejections == []


def test_when_all_samples_are_bad_the_record_is_dropped(lane: Lane) -> None:
    elements = [BAD, BAD.replace("Press", "x"), spell(sample(value=[]))]
    (answer,) = lane.answers(batch(*elements))
    assert answer == {"recordId": answer["recordId"], "result": "Dropped"}
    assert put_back(lane) == elements
    assert_as_alone(Lane(), batch(*elements), elements)


def test_when_all_samples_are_of_one_other_day_none_is_put_back(lane: Lane) -> None:
    (answer,) = lane.answers(batch(*[spell(sample(timestamp=YESTERDAY))] * 3))
    assert tuple(answer["metadata"]["partitionKeys"].values()) == ("2026", "03", "08")
    assert lane.stream.taken == []


@pytest.mark.parametrize("order", ["TTY", "TYT", "YTT", "YYT", "YTY", "TYY"])
def test_around_midnight_the_day_of_most_samples_goes_on(lane: Lane, order: str) -> None:
    taken = {"T": TAKEN, "Y": YESTERDAY}
    elements = [spell(sample(timestamp=taken[day], value=number)) for number, day in enumerate(order)]
    most = max("TY", key=order.count)
    (answer,) = lane.answers(batch(*elements))
    assert [json.loads(line)["timestamp"] for line in lines(answer)] == [taken[most]] * 2
    assert put_back(lane) == [element for element, day in zip(elements, order) if day != most]  # noqa: B905
    assert_as_alone(lane, batch(*elements), elements)


def test_each_other_day_is_one_batch() -> None:
    lane = Lane()
    days = [0, 1, 0, 2, 0, 1, 3, 2]
    elements = [spell(sample(timestamp=TAKEN - day * DAY, value=number)) for number, day in enumerate(days)]
    (answer,) = lane.answers(batch(*elements))
    assert [json.loads(line)["value"] for line in lines(answer)] == [0, 2, 4]
    assert put_back(lane) == [batch(elements[1], elements[5]), batch(elements[3], elements[7]), elements[6]]
    assert lane.metrics[-1]["SamplesPutBack"] == 5
    assert_as_alone(Lane(), batch(*elements), elements)


@pytest.mark.parametrize(
    "odd",
    [
        *("[]", "[1,2]", "5", "-0.10e5", "null", "true", '"x"', '""', '"},{"', "{}", '{"samples":[1]}', "[[]]"),
        *(f"[{GOOD}]", batch(GOOD, GOOD), batch(GOOD, BAD), '{"samples":[]}', "[" * 200 + "]" * 200),
        *('{"a":1,"a":2}', '["\\ud800"]', '{"_gateway":1}', spell(sample(timestamp=1)), spell(sample(note="},{"))),
        *(spell(sample(tags=[{"a": 1}, {"b": 2}])), spell(sample(tags=["}, {"], metadata=None)), '"\ufeff"'),
    ],
)
def test_an_element_of_any_kind_fares_as_it_would_alone(lane: Lane, odd: str) -> None:
    for elements in ([odd, GOOD], [GOOD, odd], [GOOD, odd, GOOD], [odd, odd]):
        assert_as_alone(lane, batch(*elements), elements)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("element", "broken"),
    [
        *((GOOD, None), (OTHER, None), (BAD, ("BLANK_STRING", "deviceName")), ("5", ("NOT_AN_OBJECT", None))),
        *(("null", ("NOT_AN_OBJECT", None)), ("[]", ("NOT_AN_OBJECT", None)), (f"[{GOOD}]", ("NOT_AN_OBJECT", None))),
        *((batch(GOOD), ("REQUIRED", "deviceID")), (batch(GOOD, BAD), ("BLANK_STRING", "samples.deviceName"))),
    ],
)
def test_a_batch_of_one_is_never_put_back(lane: Lane, form: str, element: str, broken: object) -> None:
    payload = batch(element, form=form)
    if broken is None:
        assert lane.line(payload) == Lane().line(element)
    else:
        assert lane.broken(payload) == broken
    assert lane.stream.calls == []


@pytest.mark.parametrize("age", [-DAY - 1, -DAY, 0, 400 * DAY, 400 * DAY + 1])
@pytest.mark.parametrize("arrival", [ARRIVAL, 10**12])
def test_the_window_holds_for_each_sample(lane: Lane, age: int, arrival: int) -> None:
    elements = [spell(sample(timestamp=arrival - age)), spell(sample(timestamp=arrival))]
    for both in (elements, elements[::-1], elements[:1] * 2):
        end = lane.settled(batch(*both), key=f"{arrival}/line-1/x")
        expected = alone(*both, key=f"{arrival}/line-1/x")
        assert (end.delivered, end.rejected) == (expected.delivered, expected.rejected)


@pytest.mark.parametrize("payload", ["[]", '{"samples":[]}', ' { "samples" : [ \n ] } ', "[ ]"])
def test_an_empty_batch_is_rejected(lane: Lane, payload: str) -> None:
    assert lane.broken(payload) == ("EMPTY_BATCH", None)


@pytest.mark.parametrize(
    ("payload", "rule"),
    [
        ('{"samples":5}', "REQUIRED"),
        (f'{{"samples":[{GOOD}],"more":1}}', "REQUIRED"),
        (f'{{"more":1,"samples":[{GOOD}]}}', "REQUIRED"),
        (f'{{"Samples":[{GOOD}]}}', "REQUIRED"),
        (f'{{" samples":[{GOOD}]}}', "REQUIRED"),
        (f'{{"samples":[{GOOD}],"samples":[{GOOD}]}}', "DUPLICATE_KEY"),
    ],
)
def test_what_only_resembles_a_batch_is_an_ordinary_message(lane: Lane, payload: str, rule: str) -> None:
    assert lane.rule(payload) == rule


def test_a_sample_may_have_a_key_samples(lane: Lane) -> None:
    assert lane.row('{"samples":[1,2],' + GOOD[1:])["attributes"] == '{"samples":[1,2]}'


NOT_JSON = [
    *(
        f"[{GOOD},]",
        f"[,{GOOD}]",
        f"[{GOOD},,{GOOD}]",
        f"[{GOOD}{GOOD}]",
        f"[{GOOD} {GOOD}]",
        f"[{GOOD}",
        f"[{GOOD},",
        f"[{GOOD[:-9]}",
    ),
    *(
        f"[{GOOD}]]",
        f"[{GOOD}]x",
        f"[{GOOD}}}",
        f"[{GOOD}],[{GOOD}]",
        f"[{GOOD},{GOOD},, {GOOD}]",
        f"[{GOOD}, ,{GOOD}]",
    ),
    *(
        f'{{"samples":[{GOOD},{GOOD[:40]}',
        f'{{"samples":[{GOOD}]',
        f'{{"samples":[{GOOD}]}}}}',
        f'{{"samples":[{GOOD}}}',
    ),
    *(f'{{"samples":[{GOOD}],}}', f"{{'samples':[{GOOD}]}}", f"[{GOOD},NaN]", f'[{GOOD},{{"a":01}}]', f"[{GOOD},{{]]"),
    *(
        f'[{GOOD},"\n"]',
        f"[{GOOD},\ufeff{GOOD}]",
        f'[{GOOD},"a":1]',
        f"[{GOOD};{GOOD}]",
        f"{GOOD},{GOOD}",
        f"[{GOOD},}}]",
    ),
    *(f'[{GOOD},{{"a":[1}}]]', f"[{GOOD},[1}}]", f"[{GOOD}\u00a0,{GOOD}]", f"[{GOOD},{{,{GOOD}]", f"[{GOOD},{{}},]"),
]


@pytest.mark.parametrize("payload", NOT_JSON)
def test_a_batch_that_is_not_json_is_rejected_as_it_came(lane: Lane, payload: str) -> None:
    for each in (payload, payload.replace(GOOD, f"{GOOD},{OTHER}"), payload.replace(GOOD, CHANGING)):
        assert lane.broken(each) == ("NOT_JSON", None)
    assert lane.stream.calls == []


@pytest.mark.parametrize(
    ("payload", "rule"),
    [
        (b"\xef\xbb\xbf[" + GOOD.encode() + b"]", "BYTE_ORDER_MARK"),
        (b"[" + GOOD.encode() + b',"\xff"]', "NOT_UTF8"),
        (b"[" + GOOD.encode() + b',"\xed\xa0\x80"]', "NOT_UTF8"),
    ],
)
def test_a_batch_that_is_not_text_is_rejected_as_it_came(lane: Lane, payload: bytes, rule: str) -> None:
    assert lane.broken(payload) == (rule, None)


@pytest.mark.parametrize("form", FORMS[:2])
@pytest.mark.parametrize("between", [",", ", "])
@pytest.mark.parametrize(
    "text",
    [
        *("},{", "}, {", "x},{y", "x}, {y", "}", "{", "}]}", "]", ",", "ź},{ż", " }, { ", "x\u2003", "\U0001f600},{"),
        *('"},{"', "\\},{", '\\"}, {\\"', "\n},{\n", "\t", '},{"datatype":'),
    ],
)
def test_what_stands_between_samples_may_stand_in_a_text(form: str, between: str, text: str) -> None:
    """The samples of such a batch have a known spelling, and something changes in each of them."""
    lane = Lane()
    for key in ("value", "deviceName", "description", "unit"):
        texts = ["x ", text, " y", 'with "quotes"']
        elements = [spell(sample(**{"metadata": {}, "value": "RUNNING", "unit": "C", key: each})) for each in texts]
        learned(lane, elements[0], elements[3])
        for batched in (elements, elements[:2], elements[1::-1], [*elements[:2], BAD], [*elements, GOOD]):
            assert_as_alone(lane, batch(*batched, form=form, between=between), batched)


def test_depth_counts_within_the_element(lane: Lane) -> None:
    deepest, deeper = (spell(sample(note="@")).replace('"@"', "[" * n + "]" * n) for n in (99, 100))
    (answer,) = lane.answers(batch(GOOD, deepest, deeper))
    assert len(lines(answer)) == 2
    assert put_back(lane) == [deeper]
    assert lane.rule(deeper) == "NESTED_TOO_DEEP"


def test_an_element_may_be_deeper_than_the_stack(lane: Lane) -> None:
    deep = "[" * 50_000 + "]" * 50_000
    (answer,) = lane.answers(batch(GOOD, deep, '{"a":' * 9_000 + "1" + "}" * 9_000))
    assert len(lines(answer)) == 1
    assert len(put_back(lane)) == 2
    assert lane.rule(batch(GOOD, deep[1:])) == "NOT_JSON"


def test_a_configuration_that_is_an_array_stays_invalid() -> None:
    lane = Lane("configuration")
    assert lane.rule(f"[{GOOD}]") == "NOT_AN_OBJECT"
    assert lane.row('{"samples":[1]}') == {"samples": [1]}


def test_the_smallest_samples_fill_a_message(lane: Lane) -> None:
    smallest = spell(sample(description=..., deviceID="d", deviceName="n", registerId="r", tagName="t", datatype="f"))
    elements = [smallest] * ((131_072 - 14) // (len(smallest) + 1))
    assert len(elements) > 800
    (answer,) = lane.answers(batch(*elements))
    assert lines(answer) == [smallest[:-1] + LINE_SUFFIX] * len(elements)


def test_the_largest_samples_fill_a_message(lane: Lane) -> None:
    """A quote in an attribute is spelled with four characters in the line, so it may grow beyond its message."""
    largest = spell(sample(note='"' * 30_000))
    elements = [largest, GOOD, largest]
    (answer,) = lane.answers(batch(*elements))
    assert len(lines(answer)) == 3


def test_lines_beyond_a_records_limit_are_put_back_as_a_batch() -> None:
    lane = Lane()
    growing = spell(sample(note='"' * 60_000))
    elements = [growing.replace("Press 1", f"Press {number}") for number in range(10)]
    (answer,) = lane.answers(batch(*elements))
    assert len(base64.b64decode(answer["data"])) <= 1_000 * 1_024
    went_on = len(lines(answer))
    assert put_back(lane) == [batch(*elements[went_on:])]
    assert_as_alone(lane, batch(*elements), elements)


def test_what_is_put_back_is_within_a_records_limit() -> None:
    """Redrive may bring a record that is larger than a message can be."""
    lane = Lane()
    elements = [GOOD] * 6 + [spell(sample(timestamp=YESTERDAY, note="x" * 400_000, value=n)) for n in range(5)]
    lane.answers(batch(*elements))
    assert [len(json.loads(text).get("samples", [1])) for text in put_back(lane)] == [2, 2, 1]
    assert_as_alone(Lane(), batch(*elements), elements)


@pytest.mark.parametrize("element", ["1", '{"a":1}', BAD])
def test_an_array_of_anything_but_samples_is_rejected_as_it_came(lane: Lane, element: str) -> None:
    """An event of 6 MB has room for two million numbers: they would exhaust the function's memory and time."""
    assert lane.broken(batch(GOOD, *[element] * (MAX_REJECTED + 1))) == ("BATCH_NOT_SPLIT", None)
    assert lane.broken(batch(*[element] * (MAX_REJECTED + 1), form="[@")) == ("NOT_JSON", None)
    (answer,) = lane.answers(batch(GOOD, *[element] * MAX_REJECTED))
    assert (answer["result"], put_back(lane)) == ("Ok", [element] * MAX_REJECTED)


def test_an_element_that_no_record_can_hold_costs_the_batch() -> None:
    lane = Lane()
    assert lane.rule(batch(GOOD, '"' + "x" * 1_024_000 + '"')) == "BATCH_NOT_SPLIT"
    assert lane.stream.calls == []


@pytest.mark.parametrize("arrival", [999_999_999_999, 9_223_372_036_855])
def test_a_batch_whose_arrival_is_no_time_is_rejected_as_it_came(arrival: int) -> None:
    lane = Lane()
    assert lane.broken(batch(GOOD, BAD), key=f"{arrival}/line-1/x")[1] == "_received_at"
    assert lane.stream.calls == []


# Keys


def test_a_put_back_keeps_arrival_and_gateway_and_a_repetition_has_the_same_key() -> None:
    keys = []
    for _ in range(2):
        lane = Lane()
        lane.answers(batch(GOOD, BAD, BAD, spell(sample(timestamp=YESTERDAY))))
        keys.append([key for key, _ in lane.stream.taken])
    assert keys[0] == keys[1]
    assert len(set(keys[0])) == 3
    assert all(key.startswith(f"{ARRIVAL}/line-1/") and len(key) == len(f"{ARRIVAL}/line-1/") + 36 for key in keys[0])


def test_the_same_batch_in_two_records_has_two_keys() -> None:
    lane = Lane()
    lane.answers(batch(GOOD, BAD), batch(GOOD, BAD))
    assert len({key for key, _ in lane.stream.taken}) == 2


def test_a_record_without_a_gateway_keeps_its_arrival() -> None:
    """A key with an empty gateway says so; the copies are then equal in every column."""
    lane = Lane()
    elements = [GOOD, BAD, spell(sample(timestamp=YESTERDAY))]
    end = lane.settled(batch(*elements), key="no envelope")
    assert all(key.startswith(f"{ARRIVAL + 250}//") for key, _ in lane.stream.taken)
    expected = alone(*elements, key="no envelope")
    assert (end.delivered, end.rejected) == (expected.delivered, expected.rejected)


def test_a_key_is_within_the_limit_of_the_stream() -> None:
    lane = Lane()
    gateway = "g" * 240
    end = lane.settled(batch(GOOD, BAD), key=f"{ARRIVAL}/{gateway}/x")
    assert [len(key) for key, _ in lane.stream.taken] == [256]
    assert [reason[-1] for reason in end.rejected] == [gateway]


# Faults of the stream


def assert_not_split(lane: Lane, payload: str) -> None:
    """Check that a batch goes back as it came."""
    assert lane.broken(payload) == ("BATCH_NOT_SPLIT", None)


def test_the_client_is_made_at_the_first_put_and_once() -> None:
    lane = Lane()
    lane.answers(batch(GOOD, GOOD))
    assert lane.stream.clients == 0
    lane.answers(batch(GOOD, BAD))
    lane.answers(batch(GOOD, BAD))
    assert lane.stream.clients == 1


def test_puts_of_an_event_share_calls() -> None:
    lane = Lane()
    lane.answers(*[batch(GOOD, *[BAD] * 300)] * 4)
    assert lane.stream.calls == [500, 500, 200]
    large = spell(sample(note="x" * 400_000, deviceName=" "))
    lane.answers(*[batch(GOOD, large, large)] * 7)
    assert lane.stream.calls[3:] == [13, 1]


def test_only_what_failed_is_put_again() -> None:
    lane = Lane()
    lane.stream.faults = [{0, 2}, {1}]
    bad = [BAD.replace("36.5", str(number)) for number in range(4)]
    (answer,) = lane.answers(batch(GOOD, *bad))
    assert answer["result"] == "Ok"
    assert lane.stream.calls == [4, 2, 1]
    assert sorted(put_back(lane)) == bad
    assert lane.stream.clock.slept == sorted(lane.stream.clock.slept)


@pytest.mark.parametrize(
    "fault",
    [
        client_error("ProvisionedThroughputExceededException"),
        client_error("KMSThrottlingException"),
        client_error("InternalFailure", 500),
        client_error("ServiceUnavailable", 503),
    ],
)
def test_a_call_that_is_throttled_is_made_again(fault: Exception) -> None:
    lane = Lane()
    lane.stream.faults = [fault, fault]
    (answer,) = lane.answers(batch(GOOD, BAD))
    assert (answer["result"], put_back(lane)) == ("Ok", [BAD])


def test_what_stays_throttled_is_rejected_before_the_deadline() -> None:
    lane = Lane(stream=FakeDataStream(Clock(60_000)))
    lane.stream.faults = [{0}] * 1_000
    assert_not_split(lane, batch(GOOD, BAD))
    assert lane.stream.clock.left > 0
    assert len(lane.stream.calls) > 10


@pytest.mark.parametrize(
    "name", ["EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "ConnectionClosedError", "SSLError"]
)
def test_a_call_that_does_not_reach_the_stream_is_made_again(name: str) -> None:
    from botocore import exceptions

    lane = Lane()
    error: Exception = getattr(exceptions, name)(endpoint_url="https://kinesis", error="x")
    lane.stream.faults = [error, error]
    (answer,) = lane.answers(batch(GOOD, BAD))
    assert (answer["result"], put_back(lane)) == ("Ok", [BAD])


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException", "ValidationException"])
def test_what_no_other_try_would_mend_is_tried_once(code: str) -> None:
    lane = Lane()
    lane.stream.faults = [client_error(code)] * 2
    assert_not_split(lane, batch(GOOD, BAD))
    assert lane.stream.calls == [1]
    (line,) = [line for line in lane.printed if line.get("message") == "put-back failed"]
    assert line["error"] == code


def test_an_answer_that_is_lost_makes_equal_copies() -> None:
    from botocore.exceptions import ReadTimeoutError

    lane = Lane()
    lane.stream.takes_before_error = True
    lane.stream.faults = [ReadTimeoutError(endpoint_url="https://kinesis")]
    (answer,) = lane.answers(batch(GOOD, BAD))
    assert answer["result"] == "Ok"
    first, second = lane.stream.taken
    assert first == second


@pytest.mark.parametrize("failure", [RuntimeError("x"), ImportError("x")])
def test_a_failure_that_nobody_expects_costs_the_batches_only(failure: Exception) -> None:
    lane = Lane()
    lane.stream.faults = [failure]
    answers = lane.answers(GOOD, batch(GOOD, BAD), batch(GOOD, GOOD))
    assert [answer["result"] for answer in answers] == ["Ok", "ProcessingFailed", "Ok"]
    assert lane.rejections[0]["rule"] == "BATCH_NOT_SPLIT"


def test_an_answer_that_comes_late_leaves_no_time_for_another_call() -> None:
    lane = Lane(stream=FakeDataStream(Clock(20_000)))
    lane.stream.call_ms = 12_000
    lane.stream.faults = [{0}]
    assert_not_split(lane, batch(GOOD, BAD))
    assert lane.stream.calls == [1]
    assert lane.stream.clock.left == 8_000


def test_a_deadline_that_came_while_splitting_leaves_everything_in_place() -> None:
    lane = Lane(stream=FakeDataStream(Clock(NEEDED_MS - 1)))
    answers = lane.answers(GOOD, batch(GOOD, BAD), batch(GOOD, GOOD))
    assert [answer["result"] for answer in answers] == ["Ok", "ProcessingFailed", "Ok"]
    assert lane.stream.calls == []


def test_records_with_least_to_put_back_come_first() -> None:
    """The deadline then costs the one with most, and not the others."""
    lane = Lane(stream=FakeDataStream(Clock(NEEDED_MS + 50)))
    lane.stream.call_ms = 51
    answers = lane.answers(batch(GOOD, *[BAD] * 600), batch(GOOD, BAD))
    assert [answer["result"] for answer in answers] == ["ProcessingFailed", "Ok"]


def test_a_transform_without_a_stream_puts_nothing_back() -> None:
    """So redrive asks what would become of a message."""
    lane = Lane()
    lane.transform._make_stream = None
    assert_not_split(lane, batch(GOOD, BAD))
    assert lane.answers(batch(GOOD, GOOD))[0]["result"] == "Ok"


# Answers and metrics


def test_an_answer_near_the_limit_puts_nothing_back_of_what_it_gives_back() -> None:
    lane = Lane()
    payload = batch(*[GOOD] * 3, spell(sample(note='"' * 100_000)), BAD)
    answers = lane.answers(*[payload] * 20)
    assert len(json.dumps({"records": answers})) <= LARGEST_ANSWER
    accepted = [answer["result"] for answer in answers].count("Ok")
    assert 0 < accepted < 20
    assert {line["rule"] for line in lane.rejections} == {"RESPONSE_TOO_LARGE"}
    assert put_back(lane) == [BAD] * accepted
    assert lane.metrics[0]["SamplesRejected"] == 5 * (20 - accepted)


def test_there_is_room_for_batches_that_cannot_be_put_back() -> None:
    """A record of which little goes on is larger as it came than as its answer."""
    lane = Lane()
    lane.stream.faults = [client_error("AccessDeniedException")]
    mixed = batch(GOOD, *[spell(sample(deviceName=" ", note="x" * 90_000))] * 4)
    growing = spell(sample(note='"' * 190_000))
    answers = lane.answers(*[mixed] * 8, *[growing] * 3)
    assert len(json.dumps({"records": answers})) <= LARGEST_ANSWER
    assert [answer["result"] for answer in answers[:8]] == ["ProcessingFailed"] * 8


def test_records_and_samples_are_counted() -> None:
    lane = Lane()
    other_day = spell(sample(timestamp=YESTERDAY))
    lane.answers(GOOD, BAD, "x", batch(GOOD, GOOD, BAD, other_day), batch(BAD, BAD), batch(BAD), "[]")
    names = ("RecordsReceived", "RecordsAccepted", "RecordsRejected", "SamplesReceived", "SamplesRejected")
    total = lane.metrics[0]
    assert [total[name] for name in (*names, "SamplesPutBack")] == [7, 3, 4, 7, 4, 4]


def test_the_samples_of_a_batch_that_goes_back_are_rejected() -> None:
    lane = Lane()
    lane.stream.faults = [client_error("AccessDeniedException")]
    lane.answers(batch(GOOD, GOOD, BAD), GOOD)
    total, by_rule = lane.metrics
    assert (total["SamplesReceived"], total["SamplesRejected"], total["SamplesPutBack"]) == (4, 3, 0)
    assert (by_rule["Rule"], by_rule["RecordsRejected"]) == ("BATCH_NOT_SPLIT", 1)


def test_an_error_within_one_sample_costs_that_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    lane = Lane()
    read = type(lane.transform._lane).read  # type: ignore[union-attr]

    def failing(self: Any, text: str, *rest: Any) -> Any:
        if "break" in text:
            raise MemoryError
        return read(self, text, *rest)

    monkeypatch.setattr(type(lane.transform._lane), "read", failing)
    broken = spell(sample(unit="break"))  # so that no learned spelling spares it the slow path
    end = lane.settled(batch(GOOD, broken, GOOD))
    assert len(put_back(lane)) == 1
    assert sum(end.delivered.values()) == 2
    assert [reason[1] for reason in end.rejected] == ["INTERNAL_ERROR"]


def test_the_end_of_a_redriven_batch_is_that_of_its_samples(lane: Lane) -> None:
    """A batch that could not be split comes again with the key that it came with."""
    elements = [GOOD, BAD, spell(sample(timestamp=YESTERDAY))]
    lane.stream.faults = [client_error("AccessDeniedException")]
    (answer,) = lane.answers(batch(*elements))
    assert answer["result"] == "ProcessingFailed"
    assert_as_alone(lane, base64.b64decode(answer["data"]).decode(), elements)


def test_a_late_redrive_is_judged_by_the_first_arrival() -> None:
    lane = Lane(past_days=0)
    elements = [spell(sample(timestamp=ARRIVAL)), spell(sample(timestamp=ARRIVAL - 1))]
    made = record(batch(*elements))
    made["approximateArrivalTimestamp"] += 30 * DAY
    (answer,) = lane.transform.answer(event([made]))["records"]
    assert len(lines(answer)) == 1
    assert put_back(lane) == elements[1:]
