"""Sums are right at the limits, remedies are enough and no more, and the pages show what the tool prints."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clip_fetch.report import UNITS
from clip_fetch.report import Report as ClipReport
from clip_fetch.settings import Settings as ClipSettings
from factory_lake.cli import main
from factory_lake.sizing import capacity, cost, modules, quotas
from factory_lake.sizing.capacity import rows_of
from factory_lake.sizing.defaults import defaults_of
from factory_lake.sizing.errors import PlantError, PriceError, SizingError
from factory_lake.sizing.numbers import percent, text
from factory_lake.sizing.plant import CLIP_FRAGMENTS, CLIP_MB, Assumed, Factory, Plant, read_plant
from factory_lake.sizing.rows import Row
from scripts.sizingdocs import DOCS, EXAMPLE, EXAMPLE_PRICES, rendered
from tests.unit.factory_lake.sizing.plants import EXACT, ON_DEMAND, factory_of, used_by
from transform.report import Counts, Report
from transform.settings import Settings


def _row(factory: Factory, what: str, assumed: Assumed = EXACT) -> Row:
    (row,) = (row for row in rows_of(factory, assumed) if row.what == what)
    return row


def test_defaults_are_read_from_the_type(tmp_path: Path) -> None:
    folder = tmp_path / "modules" / "thing"
    folder.mkdir(parents=True)
    (folder / "variables.tf").write_text("""
variable "parts" {
  description = "Its parts."
  type = map(object({
    plain  = optional(number, 0.5)
    words  = optional(string, "rate(5 minutes), or never")
    none   = optional(number)
    needed = string
    group = optional(object({
      yes  = optional(bool, true)
      many = optional(list(object({ length = number })), [])
    }), {})
    bare = optional(object({ length = optional(number, 3) }))
  }))
}

variable "name" {
  description = "Its name."
  type        = string
}
""")
    assert defaults_of("thing", "parts", tmp_path) == {
        "plain": 0.5,
        "words": "rate(5 minutes), or never",
        "none": None,
        "needed": None,
        "group": {"yes": True, "many": []},
        "bare": None,
    }
    with pytest.raises(KeyError, match="name has no settings"):
        defaults_of("thing", "name", tmp_path)


def test_a_lane_emits_as_many_metrics_as_are_paid_for() -> None:
    lines: list[str] = []
    settings = Settings.from_env({"FACTORY": "krakow", "LANE": "measurements", "STREAM_NAME": "lake"})
    Report(settings, lines.append).counted(Counts(3))
    emitted = [json.loads(line)["_aws"]["CloudWatchMetrics"] for line in lines]
    assert sum(len(definition["Metrics"]) for definitions in emitted for definition in definitions) == (
        cost.LANE_METRICS
    )


def test_a_camera_emits_as_many_metrics_as_are_paid_for() -> None:
    """Once for the camera and once for all cameras of the factory."""
    lines: list[str] = []
    settings = ClipSettings(factory="krakow", bucket="clips", stream_prefix="lake_krakow_")
    ClipReport(settings, "run", lines.append).camera_metrics("press-1", dict.fromkeys(UNITS, 1.0))
    (definition,) = json.loads(lines[0])["_aws"]["CloudWatchMetrics"]
    assert len(definition["Metrics"]) == cost.CAMERA_METRICS
    assert definition["Dimensions"] == [["Factory", "Camera"], ["Factory"]]


def test_the_partition_key_is_as_long_as_the_rules_template_can_make_it() -> None:
    """`1772600000000/<gateway>/<UUID>`, with the longest ID that a gateway may have."""
    rules = (DOCS.parent / "modules" / "factory_pipeline" / "topic_rules.tf").read_text(encoding="utf-8")
    (template,) = re.findall(r'partition_key = "(.*)"', rules)
    made = template.replace("$${timestamp()}", "1772600000000").replace("$${topic(3)}", "g" * 32)
    assert len(made.replace("$${newuuid()}", "123e4567-e89b-42d3-a456-426614174000")) == capacity.KEY_BYTES


def test_a_topic_is_counted_as_long_as_names_can_make_it() -> None:
    """Behind the rule's name, with lake, factory and gateway of 32 characters each."""
    module = DOCS.parent / "modules" / "factory_pipeline"
    (rule,) = re.findall(r'replace\("(\$\{var.name\}.*?)",', (module / "main.tf").read_text(encoding="utf-8"))
    (topic,) = re.findall(r'basic_ingest_topic = "(.*)"', (module / "gateways.tf").read_text(encoding="utf-8"))
    made = topic.replace("${settings.rule_name}", rule).replace("${lane}", "configuration")
    for name in ("${var.name}", "${var.factory}", "${gateway}"):
        made = made.replace(name, "n" * 32)
    assert "${" not in made
    assert len(made) == cost.TOPIC_BYTES


def _connections(connects_per_day: float, gateways: int, tmp_path: Path) -> tuple[float, float]:
    """What connections cost in a month, their alarm included, and how many objects they become."""
    prices = cost.read_prices(EXAMPLE_PRICES)
    factory = factory_of(tmp_path, gateways=gateways)
    uses = cost.connection_uses(factory, Assumed(connects_per_day=connects_per_day), prices.meters)
    (objects,) = (1000 * use.quantity for use in uses if use.price == "s3_thousand_puts")
    alarms = modules.CONNECTIONS_ALARMS * prices.by_unit["alarms"]
    return alarms + sum(use.quantity * prices.by_unit[use.price] for use in uses), objects


def test_connections_cost_next_to_nothing_while_nobody_connects(tmp_path: Path) -> None:
    usd, objects = _connections(0, 20, tmp_path)
    assert usd == pytest.approx(0.10)
    assert objects == 0
    assert _connections(24, 20, tmp_path)[0] < 1


def test_a_client_that_connects_each_second_has_a_bounded_bill_and_no_more_objects(tmp_path: Path) -> None:
    """The worst that AWS takes, of both client IDs of a gateway: 96 objects a day, and so many dollars a month."""
    usd, objects = _connections(86_400, 1, tmp_path)
    assert objects == pytest.approx(96 * cost.DAYS)
    assert usd < 8
    assert _connections(86_400, 20, tmp_path)[1] == objects


def test_an_event_is_counted_as_long_as_names_can_make_it() -> None:
    client_id = f"{'f' * 32}-{'g' * 32}-configuration"
    event = {
        "clientId": client_id,
        "timestamp": 1772600000000,
        "eventType": "disconnected",
        "clientInitiatedDisconnect": False,
        "sessionIdentifier": "123e4567-e89b-42d3-a456-426614174000",
        "principalIdentifier": "0" * 64,
        "disconnectReason": "CUSTOMAUTH_TTL_EXPIRATION",
        "ipAddress": "2001:0db8:85a3:0000:0000:8a2e:0370:7334",
        "versionNumber": 10**12,
        "gateway": "g" * 32,
        "lane": "configuration",
    }
    assert len(json.dumps(event)) <= cost.EVENT_BYTES
    assert len(f"$aws/events/presence/disconnected/{client_id}") <= cost.EVENT_TOPIC_BYTES


def test_connections_are_written_as_often_as_the_module_says() -> None:
    module = (DOCS.parent / "modules" / "factory_pipeline" / "connections.tf").read_text(encoding="utf-8")
    assert re.findall(r"buffer_seconds = (\d+)", module) == [str(modules.CONNECTIONS_SECONDS)]


@pytest.mark.parametrize(("tags", "fits"), [(100, True), (101, False)])
def test_a_connection_takes_a_hundred_publishes_a_second(tmp_path: Path, tags: int, fits: bool) -> None:
    assert (_row(factory_of(tmp_path, tags=tags), "publishes/s of a gateway").used <= 1) is fits


def test_headroom_counts_against_the_limit(tmp_path: Path) -> None:
    row = _row(factory_of(tmp_path, tags=80), "publishes/s of a gateway", replace(EXACT, headroom=1.5))
    assert row.asked == pytest.approx(120)


def test_gateways_that_are_advised_are_enough_and_no_more(tmp_path: Path) -> None:
    """700 messages a second from one gateway: seven are needed, where no batch may wait."""
    row = _row(factory_of(tmp_path, "batch_seconds = 0", tags=700), "publishes/s of a gateway")
    assert row.remedy == "share its tags among 7 gateways (now 1)"
    for gateways, fits in ((6, False), (7, True)):
        shared = factory_of(tmp_path, tags=700 / gateways, gateways=gateways)
        assert (_row(shared, "publishes/s of a gateway").used <= 1) is fits


@pytest.mark.parametrize(
    ("what", "setting", "more", "rates"),
    [
        ("measurements: records/s", "lanes.measurements.stream.shards", "", {"tags": 3500, "message_bytes": 10}),
        (
            "measurements: bytes/s with keys",
            "lanes.measurements.stream.shards",
            "",
            {"tags": 350, "message_bytes": 1e4},
        ),
        ("seconds of an archiver's run", "video.shards", "cameras = { count = 500, mbit_per_second = 4 }", {}),
    ],
)
def test_shards_that_are_advised_are_enough_and_no_more(
    tmp_path: Path, what: str, setting: str, more: str, rates: dict[str, float]
) -> None:
    def with_shards(shards: int) -> Row:
        return _row(factory_of(tmp_path, f"{setting} = {shards}\n{more}", **rates), what)

    advised = re.fullmatch(rf"{re.escape(setting)} = (\d+)", with_shards(1).remedy)
    assert advised is not None
    assert with_shards(int(advised[1])).used <= 1 < with_shards(int(advised[1]) - 1).used


def test_a_shard_takes_a_thousand_records_and_a_megabyte_a_second(tmp_path: Path) -> None:
    """1,000 messages of 917 bytes and keys of 83 are both at once."""
    factory = factory_of(
        tmp_path, "lanes.measurements.stream.shards = 1", tags=1000, message_bytes=1000 - capacity.KEY_BYTES
    )
    assert _row(factory, "measurements: records/s").used == 1
    assert _row(factory, "measurements: bytes/s with keys").used == 1


def test_a_camera_that_one_thread_cannot_follow_is_not_helped_by_shards(tmp_path: Path) -> None:
    more = "cameras = { count = 1, mbit_per_second = 4, fragment_seconds = 1 }\nvideo = { clip_seconds = 1 }"
    row = _row(factory_of(tmp_path, more), "seconds of an archiver's run")
    assert row.used > 1
    assert row.remedy.startswith("make clips longer")


def test_what_was_kept_through_an_outage_is_sent_in_what_a_connection_has_left(tmp_path: Path) -> None:
    """Eight hours at 80 a second, with 20 a second to spare: 32 hours."""
    factory = factory_of(tmp_path, tags=80)
    assumed = replace(EXACT, outage_hours=8)
    assert _row(factory, "hours that a sample may be late", assumed).asked == pytest.approx(8 + 8 * 80 / 20)
    assert any("has caught up 32 h later" in line for line in capacity.expectations_of(factory, assumed))


@pytest.mark.parametrize(
    ("samples", "most", "hours", "limit"),
    [
        (1, 100, 5 + 1 / 3, "publishes"),
        (14, 100 * 14, 8 * 40 / (1400 - 40), "publishes"),
        (100, 512 * 1024 / 35_113 * 100, 8 * 40 / (512 * 1024 / 35_113 * 100 - 40), "bytes"),
    ],
)
def test_batches_catch_up_in_minutes(tmp_path: Path, samples: int, most: float, hours: float, limit: str) -> None:
    """A gateway that sends 40 samples a second and was cut off for 8 hours."""
    factory = factory_of(tmp_path, f"samples_per_publish = {samples}", tags=40, message_bytes=350)
    catch = capacity.catch_up(factory.measurements, replace(EXACT, outage_hours=8, put_back_share=0))
    assert catch.limit == limit
    assert (catch.most, catch.hours) == pytest.approx((most, hours))


def test_gateways_catch_up_no_faster_than_their_stream_takes_it(tmp_path: Path) -> None:
    """Five gateways with batches of 10 KB: less than 100 publishes a second of each."""
    factory = factory_of(tmp_path, "samples_per_publish = 10", gateways=5, tags=20)
    assumed = replace(EXACT, put_back_share=0)
    catch = capacity.catch_up(factory.measurements, assumed)
    records = 1e6 / (10 * 1001 - 1 + 14 + capacity.KEY_BYTES)
    assert catch.limit == "shards"
    assert catch.most == pytest.approx(10 * records / 5)
    lines = capacity.expectations_of(factory, assumed)
    assert any(f"must keep to {text(records / 5)} publishes/s" in line for line in lines)


def test_a_gateway_at_its_limit_never_catches_up(tmp_path: Path) -> None:
    rows = rows_of(factory_of(tmp_path, tags=100), EXACT)
    assert not any(row.what.startswith("hours that a sample") for row in rows)


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        ("clip_seconds = 60", 60),
        ("clip_seconds = 600", CLIP_FRAGMENTS * 2),  # fragments of 2 s by default
        ("clip_seconds = 300", 300),
    ],
)
def test_clips_are_as_long_as_fragments_let_them_be(tmp_path: Path, settings: str, seconds: float) -> None:
    more = f"cameras = {{ count = 1, mbit_per_second = 1 }}\nvideo = {{ {settings} }}"
    video = factory_of(tmp_path, more).video
    assert video is not None
    assert video.clip_seconds == seconds


def test_clips_are_as_long_as_their_size_lets_them_be(tmp_path: Path) -> None:
    more = "cameras = { count = 1, mbit_per_second = 8 }\nvideo = { clip_seconds = 300 }"
    factory = factory_of(tmp_path, more)
    assert factory.video is not None
    assert factory.video.clip_mb == pytest.approx(CLIP_MB)
    assert _row(factory, "MB of a clip").used > 1


@pytest.mark.parametrize(
    ("lane", "kb", "ratio", "stays"),
    [
        ("configuration", 100, 1, True),
        ("configuration", 1000, 1, False),
        ("measurements", 1, 10, False),  # 30 MB of messages in 300 s are 3 MB of Parquet, or 30 KB
        ("measurements", 1, 1000, True),
    ],
)
def test_objects_too_small_to_be_moved_are_named(
    tmp_path: Path, lane: str, kb: float, ratio: float, stays: bool
) -> None:
    factory = factory_of(tmp_path, configuration_bytes=kb * 1000, configuration_per_hour=12)
    lines = capacity.expectations_of(factory, replace(EXACT, json_per_parquet=ratio))
    assert any(line.startswith(f"{lane}: its objects") and "under 128 KB" in line for line in lines) is stays


def _quota(what: str, *factories: Factory, assumed: Assumed = EXACT) -> Row:
    (row,) = (row for row in quotas.rows_of(Plant(factories, assumed)) if row.what.startswith(what))
    return row


@pytest.mark.parametrize(
    ("what", "most"), [("Kinesis: on-demand data streams", 25), ("CloudWatch: Metrics Insights alarms", 33)]
)
def test_so_many_factories_fit_into_an_accounts_quota(tmp_path: Path, what: str, most: int) -> None:
    factory = factory_of(tmp_path, ON_DEMAND)
    assert _quota(what, *[factory] * most).used <= 1
    assert _quota(what, *[factory] * (most + 1)).used > 1


def test_a_new_account_cannot_run_what_a_lane_that_catches_up_calls(tmp_path: Path) -> None:
    """Four shards, five calls each, of a lane with a backlog; one a shard of the other lane."""
    row = _quota("Lambda: executions at once", factory := factory_of(tmp_path, ON_DEMAND))
    assert (row.asked, row.limit) == (5 * 4 + 4, 10)
    assert "raised (Service Quotas) to 24; " in row.remedy
    raised = replace(EXACT, concurrent_executions=24)
    assert _quota("Lambda: executions at once", factory, assumed=raised).used == 1


def test_a_lane_calls_no_more_than_it_reserves_and_has_batches(tmp_path: Path) -> None:
    more = "lanes.measurements.transform.reserved_concurrency = 3"
    assert _quota("Lambda: executions at once", factory_of(tmp_path, more)).asked == 3 + 1


@pytest.mark.parametrize(("quota", "fits"), [(1000, True), (103, True), (102, False), (10, False)])
def test_a_hundred_executions_have_to_stay_unreserved(tmp_path: Path, quota: int, fits: bool) -> None:
    what = "Lambda: executions that are reserved"
    assumed = replace(EXACT, concurrent_executions=quota)
    reserves = factory_of(tmp_path, "lanes.measurements.transform.reserved_concurrency = 3")
    assert (_quota(what, reserves, assumed=assumed).used <= 1) is fits
    nothing = Plant((factory_of(tmp_path),), assumed)
    assert not any(row.what.startswith(what) for row in quotas.rows_of(nothing))


def test_every_quota_that_is_too_small_is_told(tmp_path: Path) -> None:
    factories = tuple([factory_of(tmp_path, ON_DEMAND)] * 60)
    report = capacity.report(Plant(factories, replace(EXACT, concurrent_executions=1e6)))
    short = re.findall(r"^\*\*Too little:\*\* (\w[^:]*: [^:]+): ", report, re.MULTILINE)
    assert short == [
        "Kinesis: on-demand data streams",
        "Firehose: delivery streams",
        "CloudWatch: Metrics Insights alarms",
    ]


def test_the_pages_count_as_the_modules_do(tmp_path: Path) -> None:
    plain = factory_of(tmp_path)
    filming = factory_of(tmp_path, "cameras = { count = 0, mbit_per_second = 1 }")
    deploy, page = ((DOCS / name).read_text(encoding="utf-8") for name in ("deploy.md", "capacity.md"))
    assert (
        f"{modules.alarms(plain)} alarms, {modules.alarms(filming) - modules.alarms(plain)} more with video, and "
        f"{modules.CAMERA_ALARMS} for each camera"
    ) in " ".join(deploy.split())
    numbers = {2: "Two", 3: "Three", 6: "Six", 8: "Eight", 9: "nine"}
    too_many = quotas.INSIGHT_ALARMS // modules.INSIGHT_ALARMS + 1
    for statement in (
        f"{numbers[modules.INSIGHT_ALARMS]} a factory, so the {too_many}th fails",
        f"{numbers[modules.roles(plain)]} a factory, {numbers[modules.roles(filming)]} with video",
        f"delivery streams | 100 to 5,000 by region | {numbers[modules.delivery_streams(plain)]} a factory",
        f"topic rules | {quotas.TOPIC_RULES:,} | {numbers[modules.LANE_RULES]} a factory",
    ):
        assert statement in page, statement


def test_alarms_are_paid_for_as_the_modules_make_them(tmp_path: Path) -> None:
    factory = factory_of(tmp_path, "cameras = { count = 3, mbit_per_second = 1 }")
    assert used_by(factory)["alarms"] == modules.alarms(factory)
    assert f"{modules.alarms(factory)} alarms watch it" in " ".join(capacity.expectations_of(factory, EXACT))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "factories must name at least one factory, got none"),
        ("[factories]", "factories must name at least one factory, got none"),
        ("factories = 3", "factories must name at least one factory, got none"),
        ("[factories]\nkrakow = 3", "factories.krakow must be a table, got 3"),
        ("no TOML", ".*plant.toml must be TOML: .*"),
        ("[factories.a]\ngateway = 1", "factories.a must have no other keys than .*, got gateway"),
        ("[factories.a]\ngateways = -1", "factories.a.gateways must be a number, 0 or more, got -1"),
        ("[assumed]\nheadrom = 2", "assumed must have no other keys than .*, got headrom"),
        ('[assumed]\nheadroom = "2"', "assumed.headroom must be a number, 0 or more, got '2'"),
    ],
)
def test_a_plant_that_cannot_be_is_refused(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "plant.toml"
    path.write_text(content)
    with pytest.raises(SizingError, match=f"^{complaint}$"):
        read_plant(path)


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ("samples_per_publish = 0", r"factories.krakow.samples_per_publish must be a whole number, 1 or more, got 0"),
        ("samples_per_publish = 1.5", r".*samples_per_publish must be a whole number, 1 or more, got 1.5"),
        ("samples_per_publish = true", r".*samples_per_publish must be a whole number, 1 or more, got True"),
        ("batch_seconds = -1", r".*batch_seconds must be a number, 0 or more, got -1"),
        ("batch_seconds = inf", r".*batch_seconds must be a number, 0 or more, got inf"),
        ("batch_seconds = nan", r".*batch_seconds must be a number, 0 or more, got nan"),
        ("basic_ingest = 1", r".*basic_ingest must be true or false, got 1"),
        ("lanes.measurements.stream.shards = 0", r".*stream.shards must be a whole number, 1 or more, got 0"),
        ('lanes.measurements.stream.shards = "2"', r".*stream.shards must be a whole number, 1 or more, got '2'"),
        ("lanes.measurements.stream.on_demand = 1", r".*stream.on_demand must be true or false, got 1"),
        (
            "lanes.measurements.stream = { shards = 2, on_demand = true }",
            r".*measurements.stream.shards must be left out with on_demand = true, got 2",
        ),
        ("lanes.measurement = {}", r"factories.krakow.lanes must have .*, got measurement"),
        ("lanes.measurements.stream = { shard = 1 }", r".*lanes.measurements.stream must have .*, got shard"),
        ("cameras = { count = 1 }", r"factories.krakow.cameras.mbit_per_second must be a number, .*, got None"),
        ("cameras = { count = 1, mbit_per_second = 0 }", r".*mbit_per_second must be more than 0, got 0"),
    ],
)
def test_a_setting_that_the_modules_do_not_have_is_refused(tmp_path: Path, more: str, complaint: str) -> None:
    with pytest.raises(PlantError, match=f"^{complaint}$"):
        factory_of(tmp_path, more)


@pytest.mark.parametrize("topic", [0, cost.TOPIC_BYTES])
@pytest.mark.parametrize(("size", "units"), [(200, 1), (5120, 1), (5121, 2)])
def test_a_message_is_counted_in_whole_steps(tmp_path: Path, size: int, units: int, topic: int) -> None:
    """AWS IoT counts the topic as well."""
    one = used_by(factory_of(tmp_path, message_bytes=1, configuration_per_hour=0))
    many = used_by(factory_of(tmp_path, message_bytes=size - topic, configuration_per_hour=0))
    iot = ("iot_million_messages", "iot_million_rules", "iot_million_actions")
    for price in iot if topic else ("firehose_gb", "firehose_conversion_gb"):
        assert many[price] == pytest.approx(units * one[price])


def test_a_stream_is_paid_for_either_by_shards_or_on_demand(tmp_path: Path) -> None:
    both = "lanes.measurements.stream.shards = 3\nlanes.configuration.stream.shards = 1"
    provisioned, on_demand = used_by(factory_of(tmp_path, both)), used_by(factory_of(tmp_path, ON_DEMAND))
    assert provisioned["kinesis_shard_hours"] == 4 * cost.HOURS
    assert provisioned["kinesis_extended_shard_hours"] == 4 * cost.HOURS, "72 hours are more than a day"
    assert on_demand["kinesis_on_demand_stream_hours"] == 2 * cost.HOURS
    assert not any(price.startswith("kinesis_on_demand") for price in provisioned)
    assert not any("shard" in price or "put" in price for price in on_demand if price.startswith("kinesis"))


def test_video_is_paid_for_by_what_the_cameras_send(tmp_path: Path) -> None:
    """Two cameras, half of the day, at 8 Mbit/s: 1 MB/s on average; kept 73 hours, a tenth of a month."""
    uses = used_by(
        factory_of(tmp_path, "cameras = { count = 2, mbit_per_second = 8, hours_per_day = 12, retention_hours = 73 }")
    )
    gb = cost.SECONDS / 1000
    assert uses["video_gb_in"] == uses["video_gb_out"] == pytest.approx(gb)
    assert uses["video_gb_months_kept"] == pytest.approx(gb / 10)


def test_every_price_is_of_some_use_and_every_use_has_a_price(tmp_path: Path) -> None:
    cameras = "cameras = { count = 1, mbit_per_second = 1 }"
    on_demand = "lanes.measurements.stream.on_demand = true"
    used = {use.price for use in cost.uses_of_queries(EXACT)} | set(
        used_by(factory_of(tmp_path, f"{cameras}\n{on_demand}"))
    )
    assert used == cost.ALL_PRICES == set(cost.read_prices(EXAMPLE_PRICES).by_unit)


def test_the_total_is_the_sum_of_its_lines() -> None:
    prices = cost.read_prices(EXAMPLE_PRICES)
    report = cost.report(read_plant(EXAMPLE), prices)
    (total,) = re.findall(r"^\| \*\*all\*\* \|.* ([\d,.]+) \|$", report, re.MULTILINE)
    lines = re.findall(r"^\| \w+ \| `\w+` \|.* ([\d,.]+) \|$", report, re.MULTILINE)
    cents = 0.01 * len(lines)  # each line is rounded
    assert sum(float(line.replace(",", "")) for line in lines) == pytest.approx(
        float(total.replace(",", "")), abs=cents
    )


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda prices: prices.pop("firehose_gb"), "prices must have firehose_gb, got none"),
        (
            lambda prices: prices.update(firehose_mb=1),
            "prices must have no other names than the uses have, got firehose_mb",
        ),
    ],
)
def test_a_price_that_lacks_or_is_for_nothing_is_refused(change: Any, complaint: str) -> None:
    prices = cost.read_prices(EXAMPLE_PRICES)
    change(prices.by_unit)
    with pytest.raises(PriceError, match=f"^{complaint}$"):
        cost.report(read_plant(EXAMPLE), prices)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("iot = 5120", "", "meters.iot must be a whole number, 1 or more, got None"),
        ("kinesis = 25600", "kinesis = 0", "meters.kinesis must be a whole number, 1 or more, got 0"),
        ("alarms = 0.10", 'alarms = "0.10"', "prices.alarms must be a number, 0 or more, got '0.10'"),
    ],
)
def test_meters_and_prices_are_numbers(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(EXAMPLE_PRICES.read_text(encoding="utf-8").replace(f"\n{old}\n", f"\n{new}\n"))
    with pytest.raises(PriceError, match=f"^{complaint}$"):
        cost.read_prices(path)


def test_prices_without_a_date_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(EXAMPLE_PRICES.read_text().replace("date", "day", 1))
    with pytest.raises(PriceError, match="date"):
        cost.read_prices(path)


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (0.00123456, "0.00123"), (12.345, "12.3"), (60, "60"), (12345.6, "12,346")]
)
def test_numbers_have_three_digits_that_matter(value: float, shown: str) -> None:
    assert text(value) == shown


@pytest.mark.parametrize(("part", "shown"), [(0, "0%"), (0.009, "<1%"), (0.8, "80%"), (1.8, "180%")])
def test_a_little_is_not_shown_as_nothing(part: float, shown: str) -> None:
    assert percent(part) == shown


@pytest.mark.parametrize("page", ["capacity.md", "cost.md"])
def test_the_pages_show_what_the_tool_prints(page: str) -> None:
    content = (DOCS / page).read_text(encoding="utf-8")
    assert rendered(content) == content, "make docs"
    assert content.count("<!-- sizing: ") == content.count("<!-- end -->") > 0


def test_the_commands_of_the_pages_run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each in the repository's folder, as the pages say; every number that they print stands on the page."""
    monkeypatch.chdir(DOCS.parent)
    for page in ("capacity.md", "cost.md"):
        content = (DOCS / page).read_text(encoding="utf-8")
        for command in re.findall(r"^factory-lake (sizing .*)$", content, re.MULTILINE):
            assert main([*command.split(), "--format", "json"]) in (0, 1)
            printed = json.loads(capsys.readouterr().out)
            rows = printed if isinstance(printed, list) else printed.get("uses") or printed["ways"]
            assert rows
            for row in rows:
                numbers = [value for name, value in row.items() if name != "used" and isinstance(value, int | float)]
                shown = [(text(value), f"{value:,.2f}", f"{value:,.0f}") for value in numbers]
                assert all(any(each in content for each in forms) for forms in shown), row


def test_what_is_too_little_is_told_by_the_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = EXAMPLE.read_text(encoding="utf-8")
    small, large = tmp_path / "small.toml", tmp_path / "large.toml"
    small.write_text(re.sub(r"^tags = \d+", "tags = 1", content, flags=re.MULTILINE))
    large.write_text(re.sub(r"^tags = \d+", "tags = 100000", content, flags=re.MULTILINE))
    assert main(["sizing", "capacity", str(large)]) == 1
    assert "Too little: publishes/s of a gateway: share its tags among" in capsys.readouterr().out
