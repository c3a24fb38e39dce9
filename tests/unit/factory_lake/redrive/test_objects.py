"""Error objects, redriven: what with, how often, and what a crash at any call leaves."""

import base64
import json
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from factory_lake.output import emit
from factory_lake.reconcile.redriven import Redriven, record_key
from factory_lake.redrive import findings as outcomes
from factory_lake.redrive.errors import SendError
from factory_lake.redrive.lines import list_objects, read_lines
from factory_lake.redrive.objects import TAKE_OVER_MS, Options
from factory_lake.redrive.prediction import Prediction
from tests.unit.factory_lake.redrive.plant import ARRIVAL, DAY, ENVIRONMENT, LANE, TODAY, Plant, sample

BAD = b'{"deviceID": ""}'


def test_a_rejected_message_comes_back_with_its_bytes_its_first_arrival_and_its_gateway(plant: Plant) -> None:
    plant.reject(BAD, b"\xff not even UTF-8", gateway="line-2")
    findings = plant.redrive()
    assert plant.taken() == Counter(
        {(str(ARRIVAL), "line-2", BAD): 1, (str(ARRIVAL), "line-2", b"\xff not even UTF-8"): 1}
    )
    assert {(one.rule, one.outcome) for one in findings.counts} == {
        ("BLANK_STRING", "redriven"),
        ("NOT_UTF8", "redriven"),
    }


def test_equal_bytes_of_several_gateways_go_back_to_each(plant: Plant) -> None:
    for number, gateway in enumerate(("line-1", "line-2", "line-1")):
        plant.reject(BAD, gateway=gateway, arrival_ms=ARRIVAL + 10 * number)
    plant.redrive()
    assert {(stamp, gateway) for stamp, gateway, _ in plant.taken()} == {
        (str(ARRIVAL), "line-1"),
        (str(ARRIVAL + 10), "line-2"),
        (str(ARRIVAL + 20), "line-1"),
    }


def test_a_message_that_is_rejected_again_is_redriven_again_with_its_first_arrival(plant: Plant) -> None:
    plant.reject(BAD)
    plant.redrive()
    # An hour later the function saw the same bytes and envelope, and refused them once more.
    line = plant.logs.filter_log_events(logGroupName=LANE.log_group, filterPattern='"record rejected"')
    later = ARRIVAL + 3_600_000
    plant.logs.put_log_events(
        logGroupName=LANE.log_group,
        logStreamName="1",
        logEvents=[{"timestamp": later + 300, "message": line["events"][0]["message"]}],
    )
    plant.fail(BAD, arrival_ms=later + 250)
    plant.redrive()
    assert plant.taken() == Counter({(str(ARRIVAL), "line-1", BAD): 2})


def test_what_the_function_never_answered_for_is_known_to_the_data_stream(plant: Plant) -> None:
    key = f"{ARRIVAL}/line-7/5c2f7a10"
    plant.kinesis.put_record(StreamName=LANE.stream, Data=sample(1), PartitionKey=key)
    (there,) = plant.stream()
    plant.fail(sample(1), arrival_ms=there.arrival_ms)
    plant.redrive()
    assert plant.taken() == Counter({(str(ARRIVAL), "line-7", sample(1)): 2})


def test_a_message_of_an_unknown_gateway_waits_until_an_option_names_it(plant: Plant) -> None:
    plant.fail(sample(1))
    plant.reject(BAD, gateway=None)
    assert plant.redrive().total(outcomes.NO_GATEWAY) == 2
    assert plant.taken() == Counter()
    findings = plant.redrive(Options(apply=True, gateway="line-1"))
    assert findings.total(outcomes.REDRIVEN) == 2
    # The stream's own time of arrival is the best that there is.
    assert plant.taken() == Counter(
        {(str(ARRIVAL + 250), "line-1", sample(1)): 1, (str(ARRIVAL + 250), "line-1", BAD): 1}
    )


def test_documents_of_the_error_action(plant: Plant) -> None:
    plant.error_action(sample(1), ARRIVAL + 7, "line-2")
    plant.redrive()
    assert plant.taken() == Counter({(str(ARRIVAL + 7), "line-2", sample(1)): 1})


@pytest.mark.parametrize("kind", ["format-conversion-failed", "partitioning-failed", "activePartitionExceeded"])
def test_lines_of_the_transform_and_originals_behind_it(plant: Plant, kind: str) -> None:
    line = sample(1)[:-1] + f',"_received_at":{ARRIVAL},"_gateway":"line-1"}}\n'.encode()
    key = f"{ARRIVAL + 1}/line-2/5c2f7a10"
    plant.kinesis.put_record(StreamName=LANE.stream, Data=sample(2), PartitionKey=key)
    (there,) = plant.stream()
    plant.fail(line, sample(2), kind=kind, arrival_ms=there.arrival_ms)
    plant.redrive()
    assert plant.taken() == Counter(
        {(str(ARRIVAL), "line-1", sample(1)): 1, (str(ARRIVAL + 1), "line-2", sample(2)): 2}
    )


@pytest.mark.parametrize("filed", ["partitioning-failed", "activePartitionExceeded"])
@pytest.mark.parametrize("asked", ["partitioning-failed", "activePartitionExceeded"])
def test_a_type_is_asked_for_by_either_of_its_names(plant: Plant, filed: str, asked: str) -> None:
    line = sample(1)[:-1] + f',"_received_at":{ARRIVAL},"_gateway":"line-1"}}\n'.encode()
    plant.fail(line, kind=filed)
    plant.reject(BAD)
    findings = plant.redrive(Options(kinds=frozenset({asked})))
    assert {one.kind: count for one, count in findings.counts.items()} == {filed: 1}


@pytest.mark.parametrize("spelling", ["errorCode", "lastErrorCode", "ErrorCode"])
def test_the_reason_is_read_however_firehose_spells_its_key(plant: Plant, spelling: str) -> None:
    document = {
        "arrivalTimestamp": ARRIVAL,
        spelling: "DataFormatConversion.MalformedData",
        "rawData": base64.b64encode(sample(1)[:-1]).decode(),
    }
    plant.put(f"format-conversion-failed/{DAY}", json.dumps(document).encode())
    (finding,) = plant.redrive(Options(gateway="line-1")).counts
    assert finding.rule == "DataFormatConversion.MalformedData"


def test_a_dry_run_changes_nothing(plant: Plant) -> None:
    plant.reject(BAD)
    findings = plant.redrive(Options())
    assert findings.total(outcomes.WOULD_REDRIVE) == 1
    assert plant.stream() == []
    assert plant.s3.list_objects_v2(Bucket=LANE.bucket)["KeyCount"] == 1


def test_a_second_run_puts_nothing_back_and_does_not_read_the_object(plant: Plant) -> None:
    key = plant.reject(BAD, BAD)
    plant.redrive()
    before = plant.taken()
    read: list[str] = []
    plant.s3.meta.events.register(
        "before-parameter-build.s3.GetObject", lambda params, **_: read.append(params["Key"])
    )
    findings = plant.redrive()
    assert plant.taken() == before
    assert findings.total(outcomes.BEFORE) == 2
    assert read == [record_key(key)]


def test_what_would_be_refused_again_is_held_until_it_would_not(plant: Plant) -> None:
    plant.prediction = Prediction(ENVIRONMENT)
    plant.reject(sample(1, tagName=""), sample(2, unit=""))
    findings = plant.redrive()
    assert findings.total(outcomes.REFUSED_AGAIN) == 2
    plant.prediction = Prediction({**ENVIRONMENT, "BLANK_STRINGS": "null"})
    findings = plant.redrive()
    assert {(one.rule, one.outcome): count for one, count in findings.counts.items()} == {
        ("BLANK_STRING", outcomes.REDRIVEN): 1,
        ("REQUIRED", outcomes.REFUSED_AGAIN): 1,
    }
    assert [data for _, _, data in plant.taken()] == [sample(2, unit="")]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (Options(kinds=frozenset({"iot-rule"})), {b"iot"}),
        (Options(from_day=TODAY + timedelta(1)), set()),
        (Options(to_day=TODAY - timedelta(1)), set()),
        (Options(from_day=TODAY, to_day=TODAY), {BAD, b"iot"}),
        (Options(limit=1), {b"iot"}),
    ],
)
def test_filters(plant: Plant, options: Options, expected: set[bytes]) -> None:
    plant.reject(BAD)
    plant.error_action(b"iot")
    plant.redrive(replace(options, apply=True))
    assert {data for _, _, data in plant.taken()} == expected


def test_a_limit_stops_inside_an_object_and_the_next_run_goes_on_there(plant: Plant) -> None:
    plant.most_records = 2
    payloads = [b"bad %d" % number for number in range(7)]
    plant.reject(*payloads)
    for expected in (3, 6, 7, 7):
        plant.redrive(Options(apply=True, limit=3))
        assert sum(plant.taken().values()) == expected
    assert plant.taken() == Counter((str(ARRIVAL), "line-1", payload) for payload in payloads)


def test_a_damaged_object_is_named_and_the_others_go_on(plant: Plant) -> None:
    damaged = plant.put(f"processing-failed/{DAY}", b'{"arrivalTimestamp": 1, "rawData": "secret!"}\n')
    plant.reject(BAD)
    findings = plant.redrive()
    assert findings.problems == [
        f"s3://{LANE.bucket}/{damaged} line 0: must be a document of a processing-failed error (Error)"
    ]
    assert findings.total(outcomes.REDRIVEN) == 1


def test_good_lines_before_a_damaged_one_are_redriven_once(plant: Plant) -> None:
    plant.most_records = 1
    key = plant.reject(BAD)
    body = plant.s3.get_object(Bucket=LANE.bucket, Key=key)["Body"].read()
    damaged = plant.put(f"processing-failed/{DAY}", body + b"{}\n")
    plant.s3.delete_object(Bucket=LANE.bucket, Key=key)
    for _ in range(2):
        assert [damaged in problem for problem in plant.redrive().problems] == [True]
        assert sum(plant.taken().values()) == 1


def test_what_the_stream_does_not_take_is_sent_again_until_it_does(plant: Plant) -> None:
    payloads = [b"bad %d" % number for number in range(6)]
    plant.reject(*payloads)
    throttled = 0

    def refuse_some(parsed: dict[str, Any], **_: Any) -> None:
        """Says of the first record that it was throttled, three times."""
        nonlocal throttled
        if throttled < 3:
            throttled += 1
            parsed["Records"][0] = {"ErrorCode": "ProvisionedThroughputExceededException"}

    plant.kinesis.meta.events.register("after-call.kinesis.PutRecords", refuse_some)
    assert plant.redrive().total(outcomes.REDRIVEN) == 6
    # Moto had taken each of them before the answer was changed: what was sent again is there twice.
    assert sum(plant.taken().values()) == 6 + 3
    assert len(plant.clock.slept) >= 3


def test_a_stream_that_takes_no_more_ends_the_run_and_nothing_is_taken_for_sent(plant: Plant) -> None:
    plant.reject(BAD)
    plant.kinesis.delete_stream(StreamName=LANE.stream)
    plant.kinesis.create_stream(StreamName="other", ShardCount=1)
    with pytest.raises(SendError, match=f"{LANE.stream}: ResourceNotFoundException"):
        plant.redrive()
    plant.kinesis.create_stream(StreamName=LANE.stream, ShardCount=1)
    assert plant.redrive().total(outcomes.REDRIVEN) == 1
    assert sum(plant.taken().values()) == 1


@pytest.mark.parametrize("taken", [True, False])
def test_a_lost_answer_is_settled_by_a_look_into_the_stream(plant: Plant, taken: bool) -> None:
    plant.reject(BAD, b"bad")
    lost = iter([True])

    def lose(**_: Any) -> None:
        if next(lost, False):
            raise ReadTimeoutError(endpoint_url="kinesis")

    plant.kinesis.meta.events.register(f"{'after' if taken else 'before'}-call.kinesis.PutRecords", lose)
    assert plant.redrive().total(outcomes.REDRIVEN) == 2
    assert set(plant.taken().values()) == {1}


def test_rate(plant: Plant) -> None:
    plant.most_records = 2
    plant.reject(*(b"bad %d" % number for number in range(10)))
    plant.redrive()
    assert plant.clock.now == pytest.approx(4.0)  # five batches of a second's records, the first at once


class _Crash(BaseException):
    """The end of the process at one of its calls to AWS."""


def test_a_crash_at_any_call_repeats_nothing_and_loses_nothing(plant: Plant) -> None:
    """Every call of a run, before it is made and after it had its effect."""
    plant.most_records = 2
    payloads = [b"bad %d" % number for number in range(3)]
    calls = _calls_of_a_run(plant, payloads)
    for phase in ("before-call", "after-call"):
        for call in range(calls + 1):
            key = plant.reject(*payloads)
            before = plant.taken()
            assert _crashes(plant, phase, call) == (call < calls)
            later = time.time_ns() // 1_000_000 + TAKE_OVER_MS + 1
            findings = plant.redrive(run="second", clock_ms=lambda later=later: later)  # type: ignore[misc]
            assert findings.problems == []
            assert findings.in_doubt == 0
            taken = plant.taken() - before
            assert taken == Counter((str(ARRIVAL), "line-1", payload) for payload in payloads), (phase, call)
            for stored in (key, record_key(key)):
                plant.s3.delete_object(Bucket=LANE.bucket, Key=stored)


def _calls_of_a_run(plant: Plant, payloads: list[bytes]) -> int:
    """How many calls a run makes that nothing stops."""
    key = plant.reject(*payloads)
    made: Counter[str] = Counter()

    def count(event_name: str, **_: Any) -> None:
        made[event_name] += 1

    for client in (plant.s3, plant.kinesis, plant.logs):
        client.meta.events.register("before-call", count)
    plant.redrive()
    for client in (plant.s3, plant.kinesis, plant.logs):
        client.meta.events.unregister("before-call", count)
    for stored in (key, record_key(key)):
        plant.s3.delete_object(Bucket=LANE.bucket, Key=stored)
    assert made["before-call.kinesis.PutRecords"] > 1
    return made.total()


def _crashes(plant: Plant, phase: str, call: int) -> bool:
    """Redrive, and crash at this call, if the run makes so many."""
    made = 0

    def crash(**_: Any) -> None:
        nonlocal made
        if made >= call:  # a process that is gone makes no call in its clean-up either
            raise _Crash
        made += 1

    clients = (plant.s3, plant.kinesis, plant.logs)
    for client in clients:
        client.meta.events.register(phase, crash)
    try:
        plant.redrive()
    except _Crash:
        return True
    finally:
        for client in clients:
            client.meta.events.unregister(phase, crash)
    return False


def test_a_pending_batch_of_a_run_that_may_be_alive_is_left_alone(plant: Plant) -> None:
    key = plant.reject(BAD)
    now = ARRIVAL
    _crashes(plant, "before-call.kinesis.PutRecords", 0)
    record = Redriven.from_bytes(plant.s3.get_object(Bucket=LANE.bucket, Key=record_key(key))["Body"].read())
    assert list(record.pending) == [0]
    now = record.alive_ms
    findings = plant.redrive(clock_ms=lambda: now + TAKE_OVER_MS - 1)
    assert [one for one in findings.problems if key in one and "sent a batch a moment ago" in one]
    assert plant.stream() == []
    assert plant.redrive(clock_ms=lambda: now + TAKE_OVER_MS).total(outcomes.REDRIVEN) == 1


def test_a_pending_batch_that_the_stream_has_forgotten_is_said_to_be_in_doubt(plant: Plant) -> None:
    plant.reject(BAD)
    _crashes(plant, "before-call.kinesis.PutRecords", 0)
    days = 3 * 86_400_000
    findings = plant.redrive(clock_ms=lambda: time.time_ns() // 1_000_000 + days)
    assert findings.in_doubt == 1
    assert findings.total(outcomes.REDRIVEN) == 1


@pytest.mark.parametrize("done_before", [0, 1])
def test_of_two_runs_on_one_object_the_later_one_stops_before_it_sends(plant: Plant, done_before: int) -> None:
    key = plant.reject(BAD, b"bad")
    if done_before:
        plant.redrive(Options(apply=True, limit=done_before))
    raced = iter([True])

    def race(**_: Any) -> None:
        """Another run takes the object between this one's look and its write."""
        if next(raced, False):
            plant.redrive(run="other")

    plant.logs.meta.events.register("before-call.logs.FilterLogEvents", race)
    findings = plant.redrive(run="first")
    assert [one for one in findings.problems if key in one and "run other" in one]
    assert sum(plant.taken().values()) == 2


def test_a_write_whose_answer_was_lost_counts_as_done(plant: Plant) -> None:
    plant.reject(BAD)
    lost = iter([True])

    def lose(**_: Any) -> None:
        if next(lost, False):
            raise ReadTimeoutError(endpoint_url="s3")

    plant.s3.meta.events.register("after-call.s3.PutObject", lose)
    attempts: list[object] = []
    plant.s3.meta.events.register("request-created.s3.PutObject", lambda **_: attempts.append(1))
    try:
        findings = plant.redrive()
    except ReadTimeoutError:
        # boto3 raises what happens behind a call; the next run meets the record that was written.
        findings = plant.redrive(clock_ms=lambda: time.time_ns() // 1_000_000 + TAKE_OVER_MS + 1)
    assert findings.problems == []
    assert sum(plant.taken().values()) == 1


def test_an_object_of_several_pieces_and_documents_on_one_line(plant: Plant) -> None:
    payloads = [b"bad %d" % number for number in range(3)]
    key = plant.fail(*payloads)
    body = plant.s3.get_object(Bucket=LANE.bucket, Key=key)["Body"].read()
    for spelled in (body, body.replace(b"\n", b""), body.replace(b"\n", b"\r\n\n")):
        plant.s3.put_object(Bucket=LANE.bucket, Key=key, Body=spelled)
        (source,) = list_objects(plant.s3, LANE.bucket, LANE.factory, LANE.lane)
        for piece in (50, 100_000):
            lines = list(read_lines(plant.s3, source, piece))
            assert [(line.number, line.data) for line in lines] == list(enumerate(payloads))


def test_messages_never_stand_in_what_is_written_or_printed(plant: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    secret = b"the secret recipe"
    plant.reject(secret)
    key = plant.fail(secret)
    findings = plant.redrive()
    emit("table", findings.table(), notes=findings.notes(applied=True))
    stored = plant.s3.get_object(Bucket=LANE.bucket, Key=record_key(key))["Body"].read()
    shown = capsys.readouterr().out + json.dumps(findings.to_json()) + stored.decode()
    assert "secret" not in shown


def test_many_documents_of_the_error_action_go_at_once_and_each_once(plant: Plant) -> None:
    payloads = [b"%03d" % number + b"x" * number for number in range(40)]
    for payload in payloads:
        plant.error_action(payload)
    for done in (25, 40, 40):
        plant.redrive(Options(apply=True, limit=25))
        assert sum(plant.taken().values()) == done
    assert plant.taken() == Counter((str(ARRIVAL), "line-1", payload) for payload in payloads)


def test_the_log_line_of_an_earlier_rejection_says_nothing_of_a_later_message(plant: Plant) -> None:
    plant.reject(BAD, gateway="line-1")
    plant.kinesis.put_record(StreamName=LANE.stream, Data=BAD, PartitionKey=f"{ARRIVAL + 9}/line-7/x")
    (there,) = plant.stream()  # an hour after the rejection
    plant.fail(BAD, arrival_ms=there.arrival_ms)
    plant.redrive()
    assert plant.taken() == Counter({(str(ARRIVAL), "line-1", BAD): 1, (str(ARRIVAL + 9), "line-7", BAD): 2})
