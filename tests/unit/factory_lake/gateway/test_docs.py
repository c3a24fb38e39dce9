"""The page about gateways: the files of its examples are read as it says."""

import re
from pathlib import Path

from factory_lake.gateway.batches import split
from factory_lake.gateway.files import Defaults, read_csv, read_jsonl
from factory_lake.gateway.identities import LANES, Source
from factory_lake.reconcile.expectation import Rules, expected

PAGE = Path(__file__).resolve().parents[4] / "docs" / "gateways.md"
ARRIVED_MS = 1_772_600_000_000
LAKE = Defaults(
    [
        Source(factory, gateway, lane)
        for factory, gateway in (("krakow", "line-1"), ("krakow", "line-2"), ("lyon", "press-shop"))
        for lane in LANES
    ]
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_example_of_a_batch_is_one() -> None:
    batch, *_ = blocks("json")
    assert len(split(batch.encode()) or ()) == 2


def test_the_example_of_a_message_is_taken() -> None:
    _, message, _ = blocks("json")
    assert expected(message.replace("\n", "").encode(), "measurements", ARRIVED_MS, Rules())


def test_the_example_of_json_lines_is_read_as_the_page_says() -> None:
    *_, lines = blocks("json")
    first, second, third, fourth = read_jsonl(PAGE, lines.encode(), LAKE)
    assert [str(one.source) for one in (first, second, third)] == [
        "krakow/line-1/measurements",
        "krakow/line-2/measurements",
        "lyon/press-shop/configuration",
    ]
    for message in (first, second, third):
        assert expected(message.payload, message.source.lane, ARRIVED_MS, Rules())
    assert fourth.payload == b"not JSON"


def test_the_example_of_csv_becomes_samples_that_are_taken() -> None:
    (content,) = blocks("csv")
    samples = list(read_csv(Path("furnace.csv"), content.encode(), LAKE))
    assert len(samples) == 2
    for sample in samples:
        assert expected(sample.payload, "measurements", ARRIVED_MS, Rules())
