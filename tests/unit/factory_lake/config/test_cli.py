"""`factory-lake config` over a bucket: what it finds, and how little it reads for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from factory_lake.cli import main
from factory_lake.config.stored import StoredMessages, day_of
from tests.unit.factory_lake.fixtures import aws_in_memory

BUCKET = "lake-configuration"
OUTPUTS = {
    "buckets": {"configuration": BUCKET},
    "gateways": {"krakow": {"line-1": {}, "line-2": {}}, "lyon": {"press-shop": {}}},
    "left_behind": {"genoa": {}},
}


def _ms(moment: str) -> int:
    return round(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() * 1000)


MESSAGES = [
    ("krakow", "line-2", "2025-11-02 08:00:00.000", '{"speed":1}'),
    ("krakow", "line-1", "2026-03-01 08:00:00.000", '{"recipe":"a","limits":{"high":80}}'),
    ("krakow", "line-1", "2026-03-08 23:59:59.999", '{"recipe":"a","limits":{"high":80}}'),
    ("krakow", "line-1", "2026-03-09 00:00:00.000", '{"recipe":"b","limits":{"high":80,"low":1.50}}'),
    ("krakow", "line-1", "2026-03-09 10:00:00.000", '{"recipe":"c"}'),
    ("krakow", None, "2026-03-09 07:00:00.000", '{"by":"hand"}'),
    ("lyon", "press-shop", "2026-03-09 09:00:00.000", "{}"),
    ("genoa", "old", "2026-02-01 09:00:00.000", '{"retired":true}'),
]


@pytest.fixture
def s3() -> Iterator[Any]:
    with aws_in_memory():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        put(client, MESSAGES)
        yield client


def put(client: Any, messages: Sequence[tuple[str, str | None, str, str]]) -> None:
    """Store each message as an object of its own."""
    for number, (factory, gateway, moment, message) in enumerate(messages):
        comma = "" if message == "{}" else ","
        sender = f',"_gateway":"{gateway}"' if gateway else ""
        line = f'{message[:-1]}{comma}"_received_at":{_ms(moment)}{sender}}}\n'
        day = f"year={moment[:4]}/month={moment[5:7]}/day={moment[8:10]}"
        client.put_object(Bucket=BUCKET, Key=f"factory={factory}/{day}/delivery-{number}", Body=line.encode())


Run = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def run(s3: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command and gives its rows."""
    (tmp_path / "outputs.json").write_text(json.dumps(OUTPUTS))

    def command(*words: str) -> list[dict[str, Any]]:
        assert main(["config", *words, "--lake", str(tmp_path / "outputs.json"), "--format", "json"]) == 0
        rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
        return rows

    return command


def test_show_gives_the_last_message_of_each_gateway_until_the_moment(run: Run) -> None:
    found = run("show", "--at", "2026-03-09T09:30:00Z")
    assert [(one["factory"], one["gateway"], one["received_at"], one["message"]) for one in found] == [
        ("genoa", "old", "2026-02-01 09:00:00.000", '{"retired":true}'),
        ("krakow", None, "2026-03-09 07:00:00.000", '{"by":"hand"}'),
        ("krakow", "line-1", "2026-03-09 00:00:00.000", '{"recipe":"b","limits":{"high":80,"low":1.50}}'),
        ("krakow", "line-2", "2025-11-02 08:00:00.000", '{"speed":1}'),
        ("lyon", "press-shop", "2026-03-09 09:00:00.000", "{}"),
    ]


@pytest.mark.parametrize(
    ("moment", "recipe"),
    [
        ("2026-03-08T23:59:59.999Z", "a"),
        ("2026-03-09T00:00:00Z", "b"),
        ("2026-03-09T09:59:59.999Z", "b"),
        ("2026-03-09T11:00:00+01:00", "c"),
    ],
)
def test_a_message_is_in_force_from_its_millisecond_on(run: Run, moment: str, recipe: str) -> None:
    (found,) = run("show", "--at", moment, "--factory", "krakow", "--gateway", "line-1")
    assert json.loads(found["message"])["recipe"] == recipe


def test_a_search_ends_where_each_gateway_has_a_message(s3: Any) -> None:
    stored = StoredMessages(s3, BUCKET)
    at_ms = _ms("2026-03-09 12:00:00")
    stored.until("krakow", at_ms, datetime(2020, 1, 1, tzinfo=UTC).date(), ["line-1"])
    assert stored.objects_read == 3
    stored.until("krakow", at_ms, datetime(2020, 1, 1, tzinfo=UTC).date(), ["line-1", "line-2"])
    assert stored.objects_read == 6


def test_days_are_those_with_objects_newest_first(s3: Any) -> None:
    days = StoredMessages(s3, BUCKET).days("krakow", day_of(0), day_of(_ms("2026-03-08 00:00:00")))
    assert [str(day) for day in days] == ["2026-03-08", "2026-03-01", "2025-11-02"]


def test_a_gateway_without_a_message_in_the_days_searched_is_named(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--at", "2026-03-09T09:30:00Z", "--factory", "krakow", "--days", "20"]
    assert {one["gateway"] for one in run("show", *words)} == {None, "line-1"}
    assert main(["config", "show", *words, "--lake", str(tmp_path / "outputs.json")]) == 0
    assert "No message since 2026-02-17 until then: krakow/line-2" in capsys.readouterr().out


def test_diff_gives_paths_with_old_and_new_values(run: Run) -> None:
    words = ["--factory", "krakow", "--gateway", "line-1"]
    found = run("diff", "--from", "2026-03-05T00:00:00Z", "--to", "2026-03-09T00:00:00Z", *words)
    assert [(one["change"], one["path"], one["old"], one["new"]) for one in found] == [
        ("changed", "$.recipe", '"a"', '"b"'),
        ("added", "$.limits.low", None, "1.50"),
    ]
    found = run("diff", "--from", "2026-03-09T00:00:00Z", "--to", "2026-03-10T00:00:00Z", *words)
    assert [(one["change"], one["path"]) for one in found] == [("changed", "$.recipe"), ("removed", "$.limits")]


def test_history_lists_intervals_and_what_they_changed(run: Run) -> None:
    words = ["--from", "2026-03-05T00:00:00Z", "--to", "2026-03-10T00:00:00Z", "--gateway", "line-1"]
    found = run("history", "--factory", "krakow", *words)
    assert [
        (one["valid_from"], one["valid_until"], one["added"], one["removed"], one["changed"]) for one in found
    ] == [
        ("2026-03-01 08:00:00.000", "2026-03-09 00:00:00.000", None, None, None),
        ("2026-03-09 00:00:00.000", "2026-03-09 10:00:00.000", 1, 0, 1),
        ("2026-03-09 10:00:00.000", None, 0, 1, 1),
    ]


def test_merge_reads_messages_as_changes_of_those_before(run: Run, s3: Any) -> None:
    patches = ['{"a":1,"b":{"c":2,"d":3}}', '{"b":{"c":null}}', '{"e":1.50}']
    put(
        s3,
        [("lyon", "press-shop", f"202{at}-01-01 00:00:00.000", patch) for at, patch in enumerate(patches, start=3)],
    )
    words = ["--factory", "lyon", "--merge"]
    assert run("show", "--at", "2026-03-09T00:00:00Z", *words)[0]["message"] == '{"a":1,"b":{"d":3},"e":1.50}'
    assert run("show", "--at", "2024-06-01T00:00:00Z", *words)[0]["message"] == '{"a":1,"b":{"d":3}}'


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "--factory", "paris"), "--factory must be one of genoa, krakow, lyon, got 'paris'"),
        (("show", "--at", "yesterday"), "must be a time like 2026-03-09T07:05:00Z, got 'yesterday'"),
        (
            ("diff", "--from", "2026-03-09T00:00:00Z", "--to", "2026-03-09T00:00:00Z"),
            "--from, --to: --from must be before --to",
        ),
    ],
)
def test_mistakes_are_named(
    s3: Any, words: Sequence[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "outputs.json").write_text(json.dumps(OUTPUTS))
    assert main(["config", *words, "--lake", str(tmp_path / "outputs.json")]) == 2
    assert said in capsys.readouterr().err


def test_a_line_without_arrival_is_named(s3: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "outputs.json").write_text(json.dumps(OUTPUTS))
    s3.put_object(Bucket=BUCKET, Key="factory=lyon/year=2026/month=03/day=09/x", Body=b'{"a":1}\n')
    assert main(["config", "show", "--at", "2026-03-09T12:00:00Z", "--lake", str(tmp_path / "outputs.json")]) == 2
    assert "day=09/x#0 must be a line that ends with _received_at" in capsys.readouterr().err


def test_what_the_canary_sent_is_no_configuration(run: Run, s3: Any) -> None:
    put(s3, [("lyon", "press-shop", "2026-03-09 09:30:00.000", '{"_canary":"1"}')])
    (found,) = run("show", "--at", "2026-03-09T10:00:00Z", "--factory", "lyon")
    assert found["message"] == "{}"
    assert (
        len(run("history", "--from", "2026-03-09T00:00:00Z", "--to", "2026-03-10T00:00:00Z", "--factory", "lyon")) == 1
    )
