"""Cases that a plant meets, each with the states that it must get."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from factory_lake.coverage.evidence import (
    Clock,
    FactoryEvidence,
    Failure,
    LaneEvidence,
    Offline,
    Pauses,
    Run,
    Tag,
    TagHistory,
    Waiting,
)
from factory_lake.coverage.model import Timeline
from factory_lake.coverage.states import Range, timelines

SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000
#: The range: an hour that begins at 0, with a day known before it.
RANGE = Range(0, HOUR, HOUR, -24 * HOUR)
PERIODIC = Pauses(5000, 990, 1000, 1010, 1020)
ON_CHANGE = Pauses(400, 50, 30_000, 200_000, 600_000)
SPEED, MODE = Tag("line-1", "press", "speed"), Tag("line-1", "press", "mode")
LANE = ("line-1", "measurements")
CLIENT = "krakow-line-1-measurements"

Said = list[tuple[str, str, int, int]]


def history(tag: Tag, pauses: Pauses, *runs: tuple[int, int], seen: bool = True, **more: Any) -> TagHistory:
    """A tag's runs, by begin and end in seconds."""
    made = [Run(begin * SECOND, end * SECOND, end - begin + 1, **more) for begin, end in runs]
    return TagHistory(tag, tuple(made), pauses, seen)


def lake(
    *tags: TagHistory, offline: tuple[Offline, ...] = (), takeovers: tuple[Offline, ...] = (), **more: Any
) -> FactoryEvidence:
    lane = LaneEvidence(offline, -HOUR, takeovers=takeovers)
    return FactoryEvidence("krakow", ("line-1",), tags, lanes={LANE: lane}, **more)  # type: ignore[dict-item]


def told(evidence: FactoryEvidence, name: str, span: Range = RANGE) -> Said:
    """A timeline as state, reason and seconds from and to."""
    return [
        (one.state, one.reason, one.start_ms // SECOND, one.end_ms // SECOND)
        for one in timeline(evidence, name, span).spans
    ]


def timeline(evidence: FactoryEvidence, name: str, span: Range = RANGE) -> Timeline:
    (found,) = [one for one in timelines(evidence, span) if one.subject.name.endswith(name)]
    return found


def offline(begin: int, end: int | None, reason: str = "MQTT_KEEP_ALIVE_TIMEOUT", since: int = -7200) -> Offline:
    return Offline(since * SECOND, begin * SECOND, None if end is None else end * SECOND, reason, CLIENT)


def refused(at: int, rule: str, tag: tuple[str, str] | None = ("press", "speed"), **more: Any) -> Failure:
    made = Failure("refused", "measurements", at * SECOND, "line-1", tag, rule, f"s3://lake/errors/x#{at}")
    return replace(made, **more)


def test_a_gateway_that_lost_its_power_was_gone_before_aws_noticed() -> None:
    """The keep-alive ends a minute and a half after the last sample."""
    evidence = lake(history(SPEED, PERIODIC, (-10, 600), (1200, 3600)), offline=(offline(690, 1195),))
    expected = [
        ("data", "", 0, 601),
        ("gateway_offline", "MQTT_KEEP_ALIVE_TIMEOUT", 601, 1200),
        ("data", "", 1200, 3600),
    ]
    assert told(evidence, "press/speed") == expected
    assert told(evidence, "line-1/measurements") == expected


def test_what_was_caught_up_is_no_gap() -> None:
    evidence = lake(history(SPEED, PERIODIC, (-10, 3600)), offline=(offline(690, 1195),))
    assert told(evidence, "press/speed") == [("data", "", 0, 3600)]
    assert told(evidence, "line-1/measurements") == [("data", "", 0, 3600)]


def test_what_was_caught_up_a_day_later_is_late() -> None:
    tag = TagHistory(
        SPEED,
        (Run(-SECOND, -SECOND, 0), Run(0, 600_000, 601), Run(601_000, 1_200_000, 600, late=True)),
        PERIODIC,
        seen_before=True,
    )
    assert told(lake(tag), "press/speed")[:2] == [("data", "", 0, 601), ("late", "", 601, 1201)]


def test_offline_over_both_ends_of_the_range() -> None:
    evidence = lake(history(SPEED, PERIODIC, (-600, -600)), offline=(offline(-590, None),))
    assert told(evidence, "press/speed") == [("gateway_offline", "MQTT_KEEP_ALIVE_TIMEOUT", 0, 3600)]
    assert told(evidence, "line-1/measurements") == [("gateway_offline", "MQTT_KEEP_ALIVE_TIMEOUT", 0, 3600)]


def test_silence_while_connected_is_unexplained_for_the_gateway_and_its_tags() -> None:
    evidence = lake(history(SPEED, PERIODIC, (-10, 600), (1200, 3600)), history(MODE, ON_CHANGE, (-10, 20)))
    gap = ("unexplained", "", 601, 1200)
    assert gap in told(evidence, "press/speed")
    (whole,) = [one for one in timeline(evidence, "/measurements").spans if one.state == "unexplained"]
    assert whole.cause == "nothing of the gateway arrived, though AWS IoT saw it connected"
    (mine,) = [one for one in timeline(evidence, "press/speed").spans if one.state == "unexplained"]
    assert mine.cause == "nothing of the whole gateway arrived, though AWS IoT saw it connected"
    assert mine.evidence[0].startswith("measurements WHERE factory = 'krakow' AND gateway = 'line-1'")


def test_one_silent_tag_of_a_gateway_that_sends_is_told_so() -> None:
    others = history(Tag("line-1", "oven", "heat"), PERIODIC, (-10, 3600))
    evidence = lake(history(SPEED, PERIODIC, (-10, 600), (1200, 3600)), others)
    (mine,) = [one for one in timeline(evidence, "press/speed").spans if one.state == "unexplained"]
    assert mine.cause == "no sample of the tag arrived, while others of its gateway did"
    assert told(evidence, "line-1/measurements") == [("data", "", 0, 3600)]


def test_a_tag_that_sends_on_change_is_quiet_within_its_habit_and_missing_beyond_it() -> None:
    others = history(Tag("line-1", "oven", "heat"), PERIODIC, (-10, 3600))
    evidence = lake(history(MODE, ON_CHANGE, (-10, 100), (1000, 1000), (3000, 3000)), others)
    assert told(evidence, "press/mode") == [
        ("data", "", 0, 101),
        ("quiet", "ON_CHANGE", 101, 1000),
        ("data", "", 1000, 1001),
        ("unexplained", "", 1001, 3000),
        ("data", "", 3000, 3600),
    ]


def test_a_tag_that_appears_within_the_range_was_not_due_before() -> None:
    assert told(lake(history(SPEED, PERIODIC, (1200, 3600), seen=False)), "press/speed") == [
        ("quiet", "NOT_SEEN_BEFORE", 0, 1200),
        ("data", "", 1200, 3600),
    ]


def test_a_tag_that_is_always_refused_has_a_timeline() -> None:
    failures = tuple(refused(at, "TIMESTAMP_TOO_FAR_AHEAD") for at in range(600, 900, 10))
    assert told(lake(failures=failures), "press/speed") == [
        ("quiet", "NOT_SEEN_BEFORE", 0, 600),
        ("refused", "TIMESTAMP_TOO_FAR_AHEAD", 600, 891),
        ("quiet", "NOT_SEEN_BEFORE", 891, 3600),
    ]


def test_a_wrong_clock_is_refused_when_it_arrived() -> None:
    failures = tuple(refused(at, "TIMESTAMP_TOO_OLD") for at in range(601, 1200))
    evidence = lake(history(SPEED, PERIODIC, (-10, 600), (1200, 3600)), failures=failures)
    assert told(evidence, "press/speed")[1] == ("refused", "TIMESTAMP_TOO_OLD", 601, 1200)
    (span,) = [one for one in timeline(evidence, "press/speed").spans if one.state == "refused"]
    assert span.count == 599
    assert span.evidence == ("s3://lake/errors/x#601", "s3://lake/errors/x#1199")


def test_messages_that_name_no_tag_explain_a_hole_of_their_gateway_alone() -> None:
    failures = tuple(refused(at, "NOT_JSON", None) for at in range(601, 1200))
    evidence = lake(history(SPEED, PERIODIC, (-10, 600), (1200, 3600)), failures=failures)
    assert told(evidence, "press/speed")[1] == ("refused", "NOT_JSON", 601, 1200)
    other = replace(evidence, failures=tuple(replace(one, gateway="line-2") for one in failures))
    assert told(other, "press/speed")[1] == ("unexplained", "", 601, 1200)


def test_a_failure_without_a_gateway_is_its_tags() -> None:
    failures = tuple(refused(at, "BLANK_STRING", gateway=None) for at in range(601, 1200))
    evidence = lake(history(SPEED, PERIODIC, (-10, 600), (1200, 3600)), failures=failures)
    assert told(evidence, "press/speed")[1] == ("refused", "BLANK_STRING", 601, 1200)


def test_a_single_refused_sample_shows_though_one_may_be_missing() -> None:
    evidence = lake(history(SPEED, PERIODIC, (-10, 600), (602, 3600)), failures=(refused(601, "BLANK_STRING"),))
    assert told(evidence, "press/speed")[1] == ("refused", "BLANK_STRING", 601, 602)
    without = lake(history(SPEED, PERIODIC, (-10, 600), (602, 3600)))
    assert told(without, "press/speed") == [("data", "", 0, 3600)]


def test_what_may_be_in_a_buffer_is_waiting_unless_the_gateway_is_offline() -> None:
    waiting = {"measurements": (Waiting(3000 * SECOND, HOUR, "buffer", "metric"),)}
    tag = history(SPEED, PERIODIC, (-10, 2999))
    assert told(lake(tag, waiting=waiting), "press/speed")[-1] == ("waiting", "", 3000, 3600)
    gone = lake(tag, offline=(offline(3300, None, "CLIENT_INITIATED_DISCONNECT"),), waiting=waiting)
    assert told(gone, "press/speed")[-2:] == [
        ("waiting", "", 3000, 3300),
        ("gateway_offline", "CLIENT_INITIATED_DISCONNECT", 3300, 3600),
    ]


def test_an_empty_lake_has_its_gateways_and_nothing_missing() -> None:
    assert told(FactoryEvidence("krakow", ("line-1",)), "/measurements") == [("quiet", "NOT_SEEN_BEFORE", 0, 3600)]
    assert told(FactoryEvidence("krakow", ("line-1",)), "/configuration") == [("quiet", "ON_CHANGE", 0, 3600)]


def test_the_interval_that_a_user_gives_counts_for_tags_without_a_habit() -> None:
    few = history(SPEED, Pauses(3, 1000, 1000, 1000, 1000), (-10, 0), (600, 600), (3600, 3600))
    assert {state for state, *_ in told(lake(few), "press/speed")} == {"data", "quiet"}
    given = replace(RANGE, every_ms=60 * SECOND)
    assert ("unexplained", "", 60, 600) in told(lake(few), "press/speed", given)


def test_configuration_is_quiet_between_messages_and_offline_when_its_connection_broke() -> None:
    lanes = {("line-1", "configuration"): LaneEvidence((offline(600, 900),), -HOUR, ((100 * SECOND, 2),))}
    evidence = FactoryEvidence("krakow", ("line-1",), lanes=lanes)  # type: ignore[arg-type]
    assert told(evidence, "/configuration") == [
        ("quiet", "ON_CHANGE", 0, 100),
        ("data", "", 100, 101),
        ("quiet", "ON_CHANGE", 101, 600),
        ("gateway_offline", "MQTT_KEEP_ALIVE_TIMEOUT", 600, 930),
        ("quiet", "ON_CHANGE", 930, 3600),
    ]


def test_a_gateway_whose_tags_send_on_change_was_there_until_aws_noticed() -> None:
    evidence = lake(history(MODE, ON_CHANGE, (-10, 100), (1000, 1000)), offline=(offline(600, 900),))
    assert told(evidence, "/measurements")[:3] == [
        ("data", "", 0, 101),
        ("quiet", "ON_CHANGE", 101, 600),
        ("gateway_offline", "MQTT_KEEP_ALIVE_TIMEOUT", 600, 930),
    ]


def test_a_gateway_may_have_connected_again_while_its_events_are_in_a_buffer() -> None:
    gone = replace(offline(3000, None, "CONNECTION_LOST"), known_to_ms=3200 * SECOND)
    waiting = {"measurements": (Waiting(3200 * SECOND, HOUR, "buffer", "stream"),)}
    assert told(lake(history(SPEED, PERIODIC, (-10, 2990)), offline=(gone,), waiting=waiting), "press/speed")[1:] == [
        ("gateway_offline", "CONNECTION_LOST", 2991, 3200),
        ("waiting", "", 3200, 3600),
    ]


def test_the_time_after_a_connect_belongs_to_the_outage_before_it_until_the_next_one() -> None:
    pair = (offline(1000, 1200, "CONNECTION_LOST"), offline(1210, 1400, "SERVER_ERROR"))
    found = told(lake(history(SPEED, PERIODIC, (-10, 999), (1420, 3600)), offline=pair), "press/speed")
    assert found[1:3] == [
        ("gateway_offline", "CONNECTION_LOST", 1000, 1210),
        ("gateway_offline", "SERVER_ERROR", 1210, 1420),
    ]


def test_a_gateway_that_another_connection_took_over_is_offline_until_that_one_ended() -> None:
    over = offline(1000, 1200, "DUPLICATE_CLIENTID")
    after = offline(1200, 1210, "CLIENT_INITIATED_DISCONNECT", since=1000)
    evidence = lake(history(SPEED, PERIODIC, (-10, 999), (1212, 3600)), offline=(after,), takeovers=(over,))
    expected = [
        ("data", "", 0, 1000),
        ("gateway_offline", "DUPLICATE_CLIENTID", 1000, 1200),
        ("gateway_offline", "CLIENT_INITIATED_DISCONNECT", 1200, 1212),
        ("data", "", 1212, 3600),
    ]
    assert told(evidence, "press/speed") == expected
    assert told(evidence, "/measurements") == expected


def test_a_gateway_that_came_back_before_aws_noticed_was_offline_until_it_took_its_connection_over() -> None:
    over = offline(1100, None, "DUPLICATE_CLIENTID")
    found = told(lake(history(SPEED, PERIODIC, (-10, 999), (1105, 3600)), takeovers=(over,)), "press/speed")
    assert found[1] == ("gateway_offline", "DUPLICATE_CLIENTID", 1000, 1105)


def test_a_gap_long_after_a_connection_was_taken_over_has_another_cause() -> None:
    over = offline(1000, None, "DUPLICATE_CLIENTID")
    evidence = lake(history(SPEED, PERIODIC, (-10, 999), (1003, 2000), (2500, 3600)), takeovers=(over,))
    assert [state for state, *_ in told(evidence, "press/speed")] == [
        "data",
        "gateway_offline",
        "data",
        "unexplained",
        "data",
    ]
    assert [state for state, *_ in told(evidence, "/measurements")][-2:] == ["unexplained", "data"]


def test_a_gap_soon_after_a_connect_that_brought_samples_is_not_of_the_outage_before() -> None:
    outage = offline(1000, 1200, "CLIENT_ERROR")
    evidence = lake(history(SPEED, PERIODIC, (-10, 999), (1201, 1210), (1220, 3600)), offline=(outage,))
    for name in ("press/speed", "/measurements"):
        assert told(evidence, name)[1:4] == [
            ("gateway_offline", "CLIENT_ERROR", 1000, 1201),
            ("data", "", 1201, 1211),
            ("unexplained", "", 1211, 1220),
        ]


def clock_off(start: int, end: int, behind: int) -> Clock:
    return Clock(start * SECOND, end * SECOND, behind * SECOND, 100)


def with_clocks(*clocks: Clock, tags: tuple[TagHistory, ...], outages: tuple[Offline, ...] = ()) -> FactoryEvidence:
    known = LaneEvidence(outages, -HOUR, clocks=clocks)
    return FactoryEvidence("krakow", ("line-1",), tags, lanes={LANE: known})  # type: ignore[dict-item]


def test_a_clock_that_jumped_leaves_a_hole_that_has_its_name() -> None:
    """Its minutes are whole ones, so it begins and ends a minute around them, within the hole."""
    tags = (history(SPEED, PERIODIC, (-10, 630), (1230, 3600)),)
    evidence = with_clocks(clock_off(660, 1200, 7200), tags=tags)
    expected = [("data", "", 0, 631), ("clock_off", "CLOCK_BEHIND", 631, 1230), ("data", "", 1230, 3600)]
    assert told(evidence, "press/speed") == expected
    assert told(evidence, "line-1/measurements") == expected
    (span,) = [one for one in timeline(evidence, "press/speed").spans if one.state == "clock_off"]
    assert "the gateway's clock was 2 h behind" in span.cause
    assert "received_at >= TIMESTAMP" in span.evidence[0]


def test_what_is_there_and_what_was_offline_before_is_not_of_the_clock() -> None:
    """A connection that is lost while samples arrive by the minute is lost for a moment."""
    tags = (history(SPEED, PERIODIC, (-10, 600), (2000, 3600)),)
    lost = (offline(601, 1200, "CONNECTION_LOST"), offline(1400, 1401, "CONNECTION_LOST", since=1200))
    evidence = with_clocks(clock_off(1290, 3600, -300), tags=tags, outages=lost)
    assert told(evidence, "press/speed") == [
        ("data", "", 0, 601),
        ("gateway_offline", "CONNECTION_LOST", 601, 1230),
        ("clock_off", "CLOCK_AHEAD", 1230, 2000),
        ("data", "", 2000, 3600),
    ]


def test_a_hole_beside_a_wrong_clock_is_still_unexplained() -> None:
    tags = (history(SPEED, PERIODIC, (-10, 600), (1200, 3600)),)
    assert ("unexplained", "", 601, 1200) in told(with_clocks(clock_off(1800, 2400, 7200), tags=tags), "press/speed")


def test_what_was_under_way_when_the_connection_ended_is_of_that() -> None:
    waiting = {"measurements": (Waiting(-HOUR, HOUR, "it may be in a buffer", "buffer interval"),)}
    tags = history(SPEED, PERIODIC, (-10, 600), (1200, 3600))
    outage = offline(609, 1195, "AUTH_ERROR")
    assert told(lake(tags, offline=(outage,), waiting=waiting), "press/speed") == [
        ("data", "", 0, 601),
        ("gateway_offline", "AUTH_ERROR", 601, 1200),
        ("data", "", 1200, 3600),
    ]
    later = offline(620, 1195, "AUTH_ERROR")
    assert told(lake(tags, offline=(later,), waiting=waiting), "press/speed")[1:3] == [
        ("waiting", "", 601, 620),
        ("gateway_offline", "AUTH_ERROR", 620, 1200),
    ]


def test_a_connection_that_was_lost_for_a_moment_is_not_of_a_hole_of_the_clock() -> None:
    """It would take half a minute of the hole, in which samples arrived: of the tag, and of its whole gateway."""
    tags = (history(SPEED, PERIODIC, (-10, 600), (1200, 3600)),)
    lost = (offline(700, 702, "CONNECTION_LOST", since=100),)
    evidence = with_clocks(clock_off(660, 1200, 7200), tags=tags, outages=lost)
    expected = [("data", "", 0, 601), ("clock_off", "CLOCK_BEHIND", 601, 1200), ("data", "", 1200, 3600)]
    assert told(evidence, "press/speed") == expected
    assert told(evidence, "line-1/measurements") == expected
