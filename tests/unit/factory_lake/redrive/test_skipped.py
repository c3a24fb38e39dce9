"""A range of a data stream: what lies in no table and no error object is redriven, once."""

import time
from collections import Counter
from dataclasses import replace

import pytest

from factory_lake.redrive import findings as outcomes
from factory_lake.redrive.errors import DamagedError
from factory_lake.redrive.findings import Findings
from factory_lake.redrive.objects import Options
from factory_lake.redrive.prediction import Prediction
from factory_lake.redrive.skipped import RangeRedrive
from tests.unit.factory_lake.redrive.plant import LANE, Plant

PREDICTION = Prediction({"FACTORY": "krakow", "LANE": "configuration"})
_HOUR = 3_600_000


@pytest.fixture
def skipping(plant: Plant) -> "Skipping":
    return Skipping(plant)


class Skipping:
    """A configuration lane, whose table's lines can be written by hand."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.from_ms = time.time_ns() // 1_000_000 - _HOUR
        self.objects = 0

    def receive(self, payload: bytes, key: str) -> None:
        self.plant.kinesis.put_record(StreamName=LANE.stream, Data=payload, PartitionKey=key)

    def deliver(self, payload: bytes, key: str) -> None:
        (verdict,) = PREDICTION.verdicts(payload, key, 0)
        assert verdict.line is not None
        assert verdict.day is not None
        year, month, day = verdict.day
        self.objects += 1
        name = f"factory=krakow/year={year}/month={month:02}/day={day:02}/{self.objects}"
        self.plant.s3.put_object(Bucket=LANE.bucket, Key=name, Body=verdict.line)

    def reject(self, *payloads: bytes) -> None:
        key = self.plant.fail(*payloads)
        body = self.plant.s3.get_object(Bucket=LANE.bucket, Key=key)["Body"].read()
        self.plant.s3.delete_object(Bucket=LANE.bucket, Key=key)
        self.plant.s3.put_object(Bucket=LANE.bucket, Key=key.replace("measurements", "configuration"), Body=body)

    def redrive(self, to_ms: int, options: Options | None = None) -> Findings:
        findings = Findings()
        parts = replace(self.plant.parts(), lane="configuration")
        redrive = RangeRedrive(
            self.plant.s3, parts, PREDICTION, options or Options(apply=True), findings, self.plant.clock.sleep
        )
        redrive.redrive(self.from_ms, to_ms)
        return findings

    def keys(self) -> Counter[tuple[str, bytes]]:
        return Counter((one.partition_key, one.data) for one in self.plant.stream())

    def now(self) -> int:
        """The end of a range that holds all that was received, and nothing that is redriven afterwards."""
        newest = max(one.arrival_ms for one in self.plant.stream())
        while time.time_ns() // 1_000_000 <= newest + 1:
            time.sleep(0.001)  # until the clock has moved on, a millisecond or two
        return newest + 1


def _key(number: int, gateway: str = "line-1") -> str:
    return f"{time.time_ns() // 1_000_000}/{gateway}/{number}"


def test_what_is_in_a_table_or_in_errors_stays_and_the_rest_is_redriven_with_its_own_key(skipping: Skipping) -> None:
    keys = [_key(number) for number in range(5)]
    payloads = [b'{"n": 0}', b'{"n": 1}', b"no JSON", b"no JSON at all", b'{"n": 4}']
    for payload, key in zip(payloads, keys, strict=True):
        skipping.receive(payload, key)
    skipping.deliver(payloads[0], keys[0])
    skipping.reject(payloads[2], payloads[4])
    to_ms = skipping.now()

    counted = skipping.redrive(to_ms, Options())
    assert counted.total(outcomes.WOULD_REDRIVE) == 2
    assert len(skipping.plant.stream()) == 5
    findings = skipping.redrive(to_ms)

    assert (findings.total(outcomes.REDRIVEN), findings.total(outcomes.IN_PLACE)) == (2, 3)
    expected = Counter(zip(keys, payloads, strict=True)) + Counter({(keys[1], payloads[1]), (keys[3], payloads[3])})
    assert skipping.keys() == expected
    again = skipping.redrive(to_ms)
    assert (again.total(outcomes.REDRIVEN), again.total(outcomes.BEFORE)) == (0, 2)
    assert skipping.keys() == expected


def test_a_row_stands_for_one_record(skipping: Skipping) -> None:
    same = _key(1)
    for number in range(3):
        skipping.receive(b"{}", f"{same}{number}")
    skipping.deliver(b"{}", same)
    findings = skipping.redrive(skipping.now())
    assert (findings.total(outcomes.REDRIVEN), findings.total(outcomes.IN_PLACE)) == (2, 1)


def test_a_row_of_another_arrival_or_gateway_stands_for_no_record(skipping: Skipping) -> None:
    key = _key(1)
    skipping.receive(b"{}", key)
    skipping.deliver(b"{}", key.replace("line-1", "line-2"))
    skipping.deliver(b"{}", f"1{key[1:].replace(key[1:3], '00', 1)}")
    assert skipping.redrive(skipping.now()).total(outcomes.REDRIVEN) == 1


def test_a_limit_and_the_run_after_it(skipping: Skipping) -> None:
    for number in range(5):
        skipping.receive(b"{}", _key(number))
    to_ms = skipping.now()
    done = [skipping.redrive(to_ms, Options(apply=True, limit=2)).total(outcomes.REDRIVEN) for _ in range(4)]
    assert done == [2, 2, 1, 0]
    assert set(skipping.keys().values()) == {2}


def test_records_without_an_envelope_wait_for_a_gateway_and_keep_their_arrival(skipping: Skipping) -> None:
    skipping.receive(b"{}", "put-by-hand")
    (there,) = skipping.plant.stream()
    to_ms = skipping.now()
    assert skipping.redrive(to_ms).total(outcomes.NO_GATEWAY) == 1
    options = Options(apply=True, gateway="line-9")
    assert [skipping.redrive(to_ms, options).total(outcomes.REDRIVEN) for _ in range(2)] == [1, 0]
    _, redriven = sorted(skipping.plant.stream(), key=lambda one: one.arrival_ms)
    assert redriven.partition_key.startswith(f"{there.arrival_ms}/line-9/")


def test_an_object_that_cannot_be_read_ends_the_run_before_anything_is_redrive(skipping: Skipping) -> None:
    key = _key(1)
    skipping.receive(b"{}", key)
    skipping.deliver(b"{}", key)
    (item,) = skipping.plant.s3.list_objects_v2(Bucket=LANE.bucket)["Contents"]
    skipping.plant.s3.put_object(Bucket=LANE.bucket, Key=item["Key"], Body=b"secret")
    with pytest.raises(DamagedError, match=f"^s3://{LANE.bucket}/{item['Key']}: must be a stored object$"):
        skipping.redrive(skipping.now())
    assert len(skipping.plant.stream()) == 1
