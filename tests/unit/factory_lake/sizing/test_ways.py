"""Batches have the sizes that senders give them, and the ways to send are priced, compared and refused rightly."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from factory_lake.cli import main
from factory_lake.sizing import capacity, cost
from factory_lake.sizing.plant import BATCH_BYTES, Factory, Plant, read_plant
from factory_lake.sizing.rows import Row
from factory_lake.sizing.ways import Comparison, Way, compare
from scripts.sizingdocs import EXAMPLE, EXAMPLE_PRICES
from tests.unit.factory_lake.sizing.plants import EXACT, ON_DEMAND, factory_of, used_by

PRICES = cost.read_prices(EXAMPLE_PRICES)
#: As the example was before there were batches: three streams on-demand, one with a shard.
MIXED = {"krakow": "lanes.measurements.stream.on_demand = true", "lyon": ON_DEMAND}


def _batch(samples: int, size: int) -> int:
    """Bytes of a batch, as senders write it."""
    return len(json.dumps({"samples": ["x" * (size - 2)] * samples}, separators=(",", ":")))


def _compare(*factories: Factory, **assumed: float) -> Comparison:
    return compare(Plant(factories, replace(EXACT, **assumed)), PRICES)


def _way(
    made: Comparison, samples: int, *, basic_ingest: bool = False, on_demand: bool = False, hours: int = 72
) -> Way:
    kinds = (samples, basic_ingest, on_demand, hours)
    (way,) = (way for way in made.ways if (way.samples, way.basic_ingest, way.on_demand, way.hours) == kinds)
    return way


@pytest.mark.parametrize(("samples", "size"), [(2, 350), (14, 350), (100, 350), (3, 5000)])
def test_a_batch_has_the_bytes_of_its_samples_and_its_frame(tmp_path: Path, samples: int, size: int) -> None:
    lane = factory_of(tmp_path, f"samples_per_publish = {samples}", tags=1000, message_bytes=size).measurements
    assert lane.size == _batch(samples, size)
    assert lane.messages == pytest.approx(1000 / samples)


def test_one_sample_goes_as_it_is(tmp_path: Path) -> None:
    """As before there were batches, also where batches are allowed and nothing else comes in time."""
    for more in ("", "samples_per_publish = 14\nbatch_seconds = 0.001"):
        lane = factory_of(tmp_path, more, tags=100, message_bytes=350).measurements
        assert (lane.samples_per_publish, lane.size, lane.messages) == (1, 350, 100)


def test_a_batch_is_sent_when_it_has_waited_and_full_ones_while_a_gateway_catches_up(tmp_path: Path) -> None:
    lane = factory_of(tmp_path, "samples_per_publish = 100\nbatch_seconds = 0.5", tags=80).measurements
    assert (lane.samples_per_publish, lane.most_samples) == (40, 100)


def test_a_batch_ends_before_120_kb(tmp_path: Path) -> None:
    lane = factory_of(tmp_path, "samples_per_publish = 1000", tags=9999, message_bytes=350).measurements
    assert _batch(lane.most_samples, 350) <= BATCH_BYTES < _batch(lane.most_samples + 1, 350)


def test_configuration_is_never_batched(tmp_path: Path) -> None:
    factory = factory_of(tmp_path, "samples_per_publish = 14\nbasic_ingest = true", configuration_per_hour=360_000)
    assert factory.configuration.messages == 100
    assert factory.configuration.sending.basic_ingest


def test_batches_that_are_advised_are_enough_and_no_more(tmp_path: Path) -> None:
    def publishes(samples: int) -> Row:
        factory = factory_of(tmp_path, f"samples_per_publish = {samples}", tags=730)
        return next(capacity.connection_rows(factory, EXACT))

    advised = re.match(r"samples_per_publish = (\d+), or share", publishes(1).remedy)
    assert advised is not None
    assert publishes(int(advised[1])).used <= 1 < publishes(int(advised[1]) - 1).used


def test_no_batch_is_advised_that_its_bytes_forbid(tmp_path: Path) -> None:
    row = next(capacity.connection_rows(factory_of(tmp_path, tags=400, message_bytes=50_000), EXACT))
    assert row.remedy == "share its tags among 4 gateways (now 1)"


def test_samples_that_are_put_back_are_paid_for_and_carried_once_more(tmp_path: Path) -> None:
    """A tenth of 100 samples a second: ten records a second, each counted alone; AWS IoT sees none of them."""
    factory = factory_of(
        tmp_path, f"samples_per_publish = 10\n{ON_DEMAND}", configuration_per_hour=0, message_bytes=500
    )
    none, some = (used_by(factory, replace(EXACT, put_back_share=share)) for share in (0, 0.1))
    added = {price: some[price] - none[price] for price in some if some[price] != none[price]}
    records = 10 * cost.SECONDS
    assert added.pop("kinesis_on_demand_gb_in") == pytest.approx(records * 1024 / 1e9)
    assert added.pop("kinesis_on_demand_gb_out") == pytest.approx(records * 500 / 1e9)
    assert added.pop("firehose_gb") == pytest.approx(records * 5120 / 1e9)
    assert {price.split("_")[0] for price in added} == {"kinesis", "firehose", "lambda"}
    rows = {
        row.what: row.asked for row in capacity.stream_rows(factory.measurements, replace(EXACT, put_back_share=0.1))
    }
    assert rows["measurements: records/s"] == pytest.approx(100 / 10 + 10)
    assert rows["measurements: bytes/s with keys"] == pytest.approx(10 * (_batch(10, 500) + 83) + 10 * (500 + 83))


def test_samples_that_come_alone_are_never_put_back(tmp_path: Path) -> None:
    lane = factory_of(tmp_path).measurements
    assert lane.put_back(replace(EXACT, put_back_share=0.1)) == 0


def test_the_bill_of_the_example_falls_step_by_step(tmp_path: Path) -> None:
    """With on-demand streams but one: 1,260 USD, 630 over Basic Ingest, 245 in batches, 200 both; 149 with shards."""
    content = EXAMPLE.read_text(encoding="utf-8")
    path = tmp_path / "plant.toml"

    def messages(*, samples: int, basic_ingest: bool, shards: bool = False) -> float:
        sent = re.sub("samples_per_publish = 14", f"samples_per_publish = {samples}", content)
        sent = re.sub("basic_ingest = true", f"basic_ingest = {str(basic_ingest).lower()}", sent)
        for name, streams in MIXED.items() if not shards else ():
            sent = sent.replace(f"[factories.{name}]\n", f"[factories.{name}]\n{streams}\n")
        path.write_text(sent.replace("put_back_share = 0.001", "put_back_share = 0"))
        return cost.bill(read_plant(path), PRICES).messages

    assert messages(samples=1, basic_ingest=False) == pytest.approx(1260.64, abs=0.005)
    assert messages(samples=1, basic_ingest=True) == pytest.approx(629.91, abs=0.005)
    assert round(messages(samples=14, basic_ingest=False)) == 245
    assert round(messages(samples=14, basic_ingest=True)) == 200
    assert round(messages(samples=14, basic_ingest=True, shards=True)) == 149


def test_the_cheapest_way_of_the_example_is_what_its_file_says() -> None:
    made = compare(read_plant(EXAMPLE), PRICES)
    cheapest = made.cheapest
    assert cheapest is not None
    assert (cheapest.samples, cheapest.basic_ingest, cheapest.on_demand, cheapest.hours) == (14, True, False, 72)
    assert cheapest.amount == pytest.approx(made.stated.messages)
    fitting = [way.amount for way in made.ways if not way.shortages]
    assert min(fitting) <= cheapest.amount <= 1.01 * min(fitting)


def test_each_way_is_priced_as_a_plant_whose_file_says_so(tmp_path: Path) -> None:
    made = _compare(factory_of(tmp_path))
    for way in made.ways:
        stream = f"on_demand = {str(way.on_demand).lower()}, retention_hours = {way.hours}"
        factory = factory_of(
            tmp_path,
            f"samples_per_publish = {way.samples}\nbasic_ingest = {str(way.basic_ingest).lower()}\n"
            f"lanes.measurements.stream = {{ {stream} }}\nlanes.configuration.stream = {{ {stream} }}",
        )
        bill = cost.bill(Plant((factory,), EXACT), PRICES)
        assert (way.amount, way.by_million) == (bill.messages, bill.by_million), way


def test_basic_ingest_saves_the_messages_and_nothing_else(tmp_path: Path) -> None:
    made = _compare(factory_of(tmp_path, configuration_per_hour=0))
    million = 100 * cost.SECONDS / 1e6
    for samples, saved in ((1, million), (5, million / 5 * 2)):  # 5 of 1000 bytes and the topic pass 5 KB
        dear, cheap = (_way(made, samples, basic_ingest=basic) for basic in (False, True))
        assert dear.amount - cheap.amount == pytest.approx(saved * PRICES.by_unit["iot_million_messages"])


def test_shards_are_as_many_as_a_way_needs(tmp_path: Path) -> None:
    """2,500 samples a second of 100 bytes: three shards for so many records, one for their bytes in batches."""
    made = _compare(factory_of(tmp_path, gateways=25, message_bytes=100))
    assert [_way(made, samples).loads[0].streams for samples in (1, 5)] == ["3 shards", "1 shard"]


def test_a_way_that_asks_too_much_says_of_what(tmp_path: Path) -> None:
    made = _compare(factory_of(tmp_path, tags=180, message_bytes=350))
    assert _way(made, 1).shortages
    assert not _way(made, 5).shortages
    assert "Does not fit with 1 sample a publish: publishes/s of a gateway: 180 asked, 100 possible (krakow)." in (
        list(made.notes)
    )


def test_a_repair_takes_no_longer_than_messages_are_kept(tmp_path: Path) -> None:
    factory = factory_of(tmp_path)
    kept = {hours: _compare(factory, repair_hours=hours).cheapest for hours in (24, 25, 72, 100)}
    assert {hours: way and way.hours for hours, way in kept.items()} == {24: 24, 25: 72, 72: 72, 100: 100}


def test_on_demand_streams_are_enough_for_25_factories(tmp_path: Path) -> None:
    factory = factory_of(tmp_path, tags=10)
    for many, fits in ((25, True), (26, False)):
        made = _compare(*[factory] * many)
        assert (not _way(made, 1, on_demand=True).shortages) is fits
        assert not _way(made, 1).shortages
    assert "Does not fit with on-demand streams: Kinesis: on-demand data streams: 52 asked, 50 possible." in list(
        made.notes
    )


@pytest.mark.parametrize("nothing", ["gateways", "tags", "message_bytes"])
def test_a_plant_that_sends_nothing_is_compared(tmp_path: Path, nothing: str) -> None:
    none = {nothing: 0.0, "tags": 0.0} if nothing == "message_bytes" else {nothing: 0.0}
    made = _compare(factory_of(tmp_path, "", **none))
    assert {way.by_million for way in made.ways} == {0}


@pytest.mark.parametrize("width", [80, 120])
def test_it_fits_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["sizing", "ways", str(EXAMPLE), str(EXAMPLE_PRICES)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    assert sum(line.startswith("-----") for line in lines) == 3, "tables, not records"


def test_every_way_is_a_row_of_the_machine_readable_forms(capsys: pytest.CaptureFixture[str]) -> None:
    made = compare(read_plant(EXAMPLE), PRICES)
    assert main(["sizing", "ways", str(EXAMPLE), str(EXAMPLE_PRICES), "--format", "json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [row["USD"] for row in printed["ways"]] == [way.amount for way in made.ways]
    assert sum(row["cheapest"] for row in printed["ways"]) == 1
    assert {row["factory"] for row in printed["loads"]} == {"krakow", "lyon"}
    assert main(["sizing", "ways", str(EXAMPLE), str(EXAMPLE_PRICES), "--format", "csv"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(made.ways)


def test_a_plant_that_no_way_fits_is_told_by_the_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    large = tmp_path / "large.toml"
    large.write_text(re.sub(r"^tags = \d+", "tags = 100000", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert main(["sizing", "ways", str(large), str(EXAMPLE_PRICES)]) == 1
    assert "No way fits." in capsys.readouterr().out
