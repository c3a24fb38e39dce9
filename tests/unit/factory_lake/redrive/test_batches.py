"""Batches of samples: a rejected one goes back whole, and each of its samples is predicted alone."""

import hashlib
import json
import time
from collections import Counter
from pathlib import Path

import pytest

from factory_lake.gateway.batches import join, split
from factory_lake.redrive import findings as outcomes
from factory_lake.redrive.findings import Findings
from factory_lake.redrive.objects import Options
from factory_lake.redrive.prediction import Prediction
from factory_lake.redrive.restore import Restorer
from factory_lake.redrive.sender import MOST_RECORD_BYTES
from factory_lake.redrive.skipped import RangeRedrive
from tests.support.fixture_lake import FixtureLake, day_of
from tests.unit.factory_lake.redrive.plant import ARRIVAL, DAY, ENVIRONMENT, LANE, Plant, sample

KEY = f"{ARRIVAL}/line-1/5c2f7a10"
BAD = sample(0, success=1)
LATE = sample(9, timestamp=ARRIVAL - 86_400_000)


def line(number: int, gateway: str = "line-1", arrival_ms: int = ARRIVAL) -> bytes:
    return sample(number)[:-1] + f',"_received_at":{arrival_ms},"_gateway":"{gateway}"}}\n'.encode()


def log(plant: Plant, payload: bytes, rule: str, gateway: str = "line-1") -> None:
    """The function's line about a record that it rejected."""
    said = {
        "message": "record rejected",
        "received_at": ARRIVAL,
        "gateway": gateway,
        "sha256": hashlib.sha256(payload).hexdigest(),
        "rule": rule,
    }
    plant.logs.put_log_events(
        logGroupName=LANE.log_group,
        logStreamName="1",
        logEvents=[{"timestamp": ARRIVAL + 300, "message": json.dumps(said)}],
    )


def test_a_batch_that_could_not_be_split_goes_back_whole_with_its_first_arrival(plant: Plant) -> None:
    batch = b'{ "samples" : [' + sample(1) + b" ,\n" + BAD + b"] }"
    log(plant, batch, "BATCH_NOT_SPLIT", "line-3")
    plant.fail(batch)
    findings = plant.redrive()
    assert plant.taken() == Counter({(str(ARRIVAL), "line-3", batch): 1})
    assert [(one.rule, count) for one, count in findings.counts.items()] == [("BATCH_NOT_SPLIT", 1)]


def test_a_sample_that_was_put_back_and_rejected_comes_back_alone(plant: Plant) -> None:
    """It lies in errors/ with its own bytes, and its log line has the arrival of its batch."""
    log(plant, BAD, "NOT_A_BOOLEAN")
    plant.fail(BAD, arrival_ms=ARRIVAL + 250)
    plant.redrive()
    assert plant.taken() == Counter({(str(ARRIVAL), "line-1", BAD): 1})


@pytest.mark.parametrize("prefix", ["", "$aws/rules/lake__krakow__measurements/"])
def test_a_document_of_the_error_action_with_the_topic_in_either_spelling(plant: Plant, prefix: str) -> None:
    batch = join([sample(1), sample(2)])
    key = plant.error_action(batch, ARRIVAL + 7, "line-2")
    document = json.loads(plant.s3.get_object(Bucket=LANE.bucket, Key=key)["Body"].read())
    document["topic"] = prefix + document["topic"]
    plant.s3.put_object(Bucket=LANE.bucket, Key=key, Body=json.dumps(document).encode())
    plant.redrive()
    assert plant.taken() == Counter({(str(ARRIVAL + 7), "line-2", batch): 1})


@pytest.mark.parametrize("kind", ["format-conversion-failed", "partitioning-failed"])
def test_the_lines_of_a_record_become_a_batch_again(plant: Plant, kind: str) -> None:
    plant.fail(line(1) + line(2) + line(3), line(4), kind=kind)
    findings = plant.redrive()
    assert plant.taken() == Counter(
        {
            (str(ARRIVAL), "line-1", join([sample(1), sample(2), sample(3)])): 1,
            (str(ARRIVAL), "line-1", sample(4)): 1,
        }
    )
    assert findings.total(outcomes.REDRIVEN) == 2


@pytest.mark.parametrize(
    "data",
    [
        line(1) + line(2, "line-2"),
        line(1) + line(2, arrival_ms=ARRIVAL + 1),
        sample(1) + b"\n" + line(2),
        b"secret\n" + line(2),
        line(1) + b"\n" + line(2),
    ],
    ids=["other gateway", "other arrival", "no envelope", "not JSON", "empty line"],
)
def test_lines_that_are_not_of_one_record_are_held(plant: Plant, data: bytes) -> None:
    plant.fail(data, kind="format-conversion-failed")
    assert plant.redrive().total(outcomes.NOT_RESTORED) == 1
    assert plant.taken() == Counter()


def test_a_batch_of_lines_gives_the_same_lines(plant: Plant) -> None:
    """What the transform makes of the restored samples is what it made of the first ones."""
    prediction = Prediction(ENVIRONMENT)
    samples = [sample(1, unit=" kPa "), sample(2, value="text"), sample(3, value=2**53 + 1)]
    lines = [one.line or b"" for one in prediction.verdicts(join(samples), KEY, 0)]
    restored = Restorer().restore("measurements", b"".join(lines))
    assert restored is not None
    assert [one.line for one in prediction.verdicts(restored.payload, KEY, 0)] == lines


def test_each_sample_of_a_batch_is_predicted_alone() -> None:
    prediction = Prediction(ENVIRONMENT)
    batch = join([sample(1), BAD, b"5", LATE])
    verdicts = prediction.verdicts(batch, KEY, 0)
    assert [one.payload for one in verdicts] == split(batch)
    assert [one.rule for one in verdicts] == [None, "NOT_A_BOOLEAN", "NOT_AN_OBJECT", None]
    assert [one for part in split(batch) or () for one in prediction.verdicts(part, KEY, 0)] == verdicts


def test_a_batch_is_held_when_none_of_its_samples_would_be_taken(plant: Plant) -> None:
    plant.prediction = Prediction(ENVIRONMENT)
    for batch in (join([BAD, sample(1)]), join([BAD, BAD]), b"[]", join([BAD])):
        log(plant, batch, "BATCH_NOT_SPLIT")
        plant.fail(batch)
    findings = plant.redrive()
    assert [data for _, _, data in plant.taken()] == [join([BAD, sample(1)])]
    assert findings.total(outcomes.REFUSED_AGAIN) == 3


def test_what_is_beyond_a_record_of_the_data_stream_is_held(plant: Plant) -> None:
    batch = join([sample(number) for number in range(MOST_RECORD_BYTES // 200)])
    assert len(batch) > MOST_RECORD_BYTES
    log(plant, batch, "BATCH_NOT_SPLIT")
    plant.fail(batch)
    assert plant.redrive().total(outcomes.TOO_LARGE) == 1


def test_the_rate_counts_a_batch_by_the_kib(plant: Plant) -> None:
    """A shard takes a MiB a second, so 64 KiB are as much as 64 messages."""
    plant.most_records = 100
    batch = join([b'{"a":"' + b"x" * (64 * 1024 - 100) + b'"}', b"{}"])
    for number in range(6):
        log(plant, batch + b" " * number, "BATCH_NOT_SPLIT")
    plant.fail(*(batch + b" " * number for number in range(6)))
    plant.redrive()
    assert len(plant.stream()) == 6
    assert plant.clock.now == pytest.approx(5 * 0.64)


class Skipping:
    """A measurements lane: what came on its data stream, and what of it lies in the lake."""

    def __init__(self, plant: Plant, lake: FixtureLake) -> None:
        self.plant = plant
        self.lake = lake
        self.now_ms = time.time_ns() // 1_000_000
        self.prediction = Prediction(ENVIRONMENT)

    def receive(self, payload: bytes, key: str) -> None:
        self.plant.kinesis.put_record(StreamName=LANE.stream, Data=payload, PartitionKey=key)
        self._tick()

    def deliver(self, *samples: bytes, copies: int = 1) -> None:
        for verdict in (one for part in samples for one in self.prediction.verdicts(part, KEY, 0)):
            assert verdict.line is not None
            row = json.loads(verdict.line)
            columns = {
                "device_id": row["deviceID"],
                "device_name": row["deviceName"],
                "register_id": row["registerId"],
                "tag_name": row["tagName"],
                "datatype": row["datatype"],
                "description": row["description"],
                "ts": row["timestamp"],
                "success": row["success"],
                "value": row["value"],
                "value_text": None,
                "attributes": None,
                "received_at": row["_received_at"],
                "gateway": row["_gateway"],
            }
            self.lake.store_rows(*[columns] * copies, day=day_of(row["timestamp"]))

    def redrive(self, to_ms: int | None = None) -> Findings:
        self._tick()
        findings = Findings()
        redrive = RangeRedrive(
            self.plant.s3,
            self.plant.parts(),
            self.prediction,
            Options(apply=True),
            findings,
            self.plant.clock.sleep,
        )
        redrive.redrive(self.now_ms - 3_600_000, to_ms or self.end_ms())
        return findings

    def end_ms(self) -> int:
        return max(one.arrival_ms for one in self.plant.stream()) + 1

    def taken(self) -> Counter[bytes]:
        return Counter(one.data for one in self.plant.stream())

    def _tick(self) -> None:
        """Let a millisecond pass, by which arrivals are told apart."""
        then = time.time_ns() // 1_000_000
        while time.time_ns() // 1_000_000 <= then + 1:
            time.sleep(0.001)


@pytest.fixture
def skipping(plant: Plant, tmp_path: Path) -> Skipping:
    return Skipping(plant, FixtureLake(plant.s3, tmp_path))


BATCH = join([sample(1), BAD, LATE, sample(2)])


def counted(findings: Findings) -> dict[str, int]:
    return {one.outcome: count for one, count in findings.counts.items()}


def test_a_batch_that_was_skipped_goes_back_once(skipping: Skipping) -> None:
    skipping.receive(BATCH, KEY)
    assert counted(skipping.redrive()) == {outcomes.REDRIVEN: 1}
    assert skipping.taken() == {BATCH: 2}


def test_a_batch_whose_samples_all_lie_in_the_lake_stays(skipping: Skipping) -> None:
    skipping.receive(BATCH, KEY)
    skipping.receive(BAD, f"{KEY}-1")
    skipping.receive(LATE, f"{KEY}-2")
    skipping.deliver(sample(1), sample(2), LATE)
    skipping.lake.store_failures(BAD, day=DAY)
    assert counted(skipping.redrive()) == {outcomes.IN_PLACE: 3}


def test_a_put_back_that_was_skipped_goes_back_without_its_batch(skipping: Skipping) -> None:
    """The delivery stream ended between the two: the batch was read, and what it put back was not."""
    skipping.receive(BATCH, KEY)
    skipping.receive(BAD, f"{KEY}-1")
    skipping.receive(LATE, f"{KEY}-2")
    skipping.deliver(sample(1), sample(2))
    assert counted(skipping.redrive()) == {outcomes.IN_PLACE: 1, outcomes.REDRIVEN: 2}
    assert skipping.taken() == {BATCH: 1, BAD: 2, LATE: 2}


def test_several_late_samples_are_put_back_together_and_judged_together(skipping: Skipping) -> None:
    late = [sample(number, timestamp=ARRIVAL - 86_400_000) for number in (7, 8)]
    skipping.receive(join([sample(1), *late, sample(2), sample(3)]), KEY)
    skipping.receive(join(late), f"{KEY}-1")
    skipping.deliver(sample(1), sample(2), sample(3), late[0])
    assert counted(skipping.redrive()) == {outcomes.IN_PLACE: 1, outcomes.REDRIVEN: 1}
    assert skipping.taken()[join(late)] == 2


def test_a_batch_of_which_one_sample_is_nowhere_goes_back(skipping: Skipping) -> None:
    """Nothing was put back of it, so it was not read, and its other samples lie there from elsewhere."""
    skipping.receive(BATCH, KEY)
    skipping.deliver(sample(1), sample(2), LATE)
    assert counted(skipping.redrive()) == {outcomes.REDRIVEN: 1}


def test_a_batch_that_lies_in_errors_as_a_whole_stays(skipping: Skipping) -> None:
    skipping.receive(BATCH, KEY)
    skipping.lake.store_failures(BATCH, day=DAY)
    assert counted(skipping.redrive()) == {outcomes.IN_PLACE: 1}


def test_a_record_of_another_arrival_is_no_put_back(skipping: Skipping) -> None:
    skipping.receive(BATCH, KEY)
    skipping.receive(LATE, f"{ARRIVAL + 1}/line-1/x")
    skipping.deliver(sample(1), sample(2))
    skipping.lake.store_failures(BAD, day=DAY)
    assert skipping.redrive().total(outcomes.REDRIVEN) == 2
    assert skipping.taken()[BATCH] == 2


def test_a_run_that_is_repeated_redrives_nothing_twice(skipping: Skipping) -> None:
    skipping.receive(BATCH, KEY)
    to_ms = skipping.end_ms()
    assert counted(skipping.redrive(to_ms)) == {outcomes.REDRIVEN: 1}
    assert counted(skipping.redrive(to_ms)) == {outcomes.BEFORE: 1}
