"""Samples: what is required, where values go, when they were taken. Each message is tried on both paths."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.transform.support import ARRIVAL, DAY, LINE_SUFFIX, TAKEN, Lane, sample, spell, with_value


class BothRoads(Lane):
    """A lane that gets each message twice: before and after it has learned how messages are spelled."""

    def answers(self, *payloads: Any, **options: Any) -> Any:
        """Transform messages; fail if the second time gives another answer than the first."""
        first = super().answers(*payloads, **options)
        for _ in range(4):
            assert super().answers(*payloads, **options) == first
        return first


@pytest.fixture
def lane() -> Lane:
    """A measurements lane with default settings."""
    return BothRoads()


def test_a_clean_sample_goes_on_as_it_came(lane: Lane) -> None:
    message = spell(sample())
    assert lane.line(message) == message[:-1] + LINE_SUFFIX


@pytest.mark.parametrize("separators", [(", ", ": "), (",\t", " :"), (" , ", ":")])
def test_white_space_stays_but_for_what_is_behind_the_object(lane: Lane, separators: Any) -> None:
    message = json.dumps(sample(), separators=separators)
    assert lane.line(message) == message[:-1] + LINE_SUFFIX
    assert lane.line(f"  {message} \t") == f"  {message[:-1]}{LINE_SUFFIX}"


def test_a_pretty_printed_sample_becomes_one_line(lane: Lane) -> None:
    message = json.dumps(sample(), indent=2) + "\r\n"
    assert lane.line(message) == message.replace("\n", "").replace("\r", "")[:-1] + LINE_SUFFIX


def test_keys_keep_their_order(lane: Lane) -> None:
    message = {"extra": 1, **dict(reversed(list(sample(value="on").items())))}
    assert list(lane.row(spell(message))) == [
        "value_text" if key == "value" else key for key in reversed(list(sample()))
    ] + ["attributes"]


TEXTS = ("deviceID", "deviceName", "registerId", "tagName", "datatype")


@pytest.mark.parametrize("key", [*TEXTS, "timestamp", "success"])
def test_a_required_key_must_be_there(lane: Lane, key: str) -> None:
    assert lane.broken(spell(sample(**{key: ...}))) == ("REQUIRED", key)


@pytest.mark.parametrize(
    ("keys", "values", "rule"),
    [
        ((*TEXTS, "timestamp", "success"), ["null"], "REQUIRED"),
        ((*TEXTS, "description"), ["1", "1.5", "true", "[]", "{}", '["a"]', '{"a":1}'], "NOT_A_STRING"),
        (("success",), ["0", "1", '"true"', "[]", "{}"], "NOT_A_BOOLEAN"),
        (("value",), ["[]", "{}", "[1]", '{"a":1}'], "NOT_A_SCALAR"),
        (("value",), ["1e309", "-1e309", "2" + "0" * 308, "-" + "9" * 5_000, "1e" + "9" * 50], "OUT_OF_RANGE"),
        (("metadata",), ["1", "true", '"x"', "[]", '[{"a":1}]'], "NOT_METADATA"),
    ],
)
def test_a_value_must_be_of_its_kind(lane: Lane, keys: tuple[str, ...], values: list[str], rule: str) -> None:
    for key in keys:
        for value in values:
            assert lane.broken(with_value(value, key)) == (rule, key)


def test_a_bad_sample_is_kept(lane: Lane) -> None:
    row = lane.row(spell(sample(success=False, value=None)))
    assert (row["success"], row["value"]) == (False, None)


@pytest.mark.parametrize("key", ["deviceID", "registerId", "datatype"])
def test_neither_uuids_nor_datatypes_are_checked_for_their_form(lane: Lane, key: str) -> None:
    assert lane.row(spell(sample(**{key: "?"})))[key] == "?"


@pytest.mark.parametrize("key", ["deviceName", "tagName", "description"])
def test_strings_are_trimmed(lane: Lane, key: str) -> None:
    for padded in ("  Press 1", "Press 1\u00a0", "\u3000 Press 1 \u2028"):
        message = spell(sample(**{key: padded}))
        assert lane.line(message) == spell(sample(**{key: "Press 1"}))[:-1] + LINE_SUFFIX


def test_a_string_with_escapes_is_trimmed(lane: Lane) -> None:
    message = json.dumps(sample(deviceName="\tZażółć\n", tagName="a\tb"))
    expected = json.dumps(sample(deviceName="@", tagName="a\tb")).replace("@", "Zażółć")
    assert lane.line(message) == expected[:-1] + LINE_SUFFIX


@pytest.mark.parametrize("blank", ["", " ", "\t\u2003", "\u0085"])
@pytest.mark.parametrize("policy", ["reject", "null", "keep"])
def test_a_blank_description_is_null_whatever_the_setting(blank: str, policy: str) -> None:
    lane = BothRoads(blank_strings=policy)
    for spelled in (spell(sample(description=blank)), json.dumps(sample(description=blank))):
        assert lane.row(spelled)["description"] is None


def test_a_blank_string_elsewhere_is_invalid(lane: Lane) -> None:
    invalid: Any = [
        ({"deviceName": " "}, "deviceName"),
        ({"value": ""}, "value"),
        ({"unit": "\t"}, "unit"),
        ({"metadata": {"description": ""}}, "metadata.description"),
        ({"notes": ["a", " "]}, "notes"),
    ]
    for changes, field in invalid:
        assert lane.broken(spell(sample(**changes))) == ("BLANK_STRING", field)


def test_blank_strings_may_be_null() -> None:
    lane = BothRoads(blank_strings="null")
    row = lane.row(spell(sample(value=" ", unit="", notes=[" "])))
    assert (row["value"], row["attributes"]) == (None, '{"unit":null,"notes":[null]}')
    assert lane.rule(spell(sample(tagName=""))) == "REQUIRED"


def test_blank_strings_may_stay() -> None:
    lane = BothRoads(blank_strings="keep")
    row = lane.row(spell(sample(value=" ", tagName="\t", unit="")))
    assert (row["value_text"], row["tagName"], row["attributes"]) == ("", "", '{"unit":""}')
    assert "value" not in row


@pytest.mark.parametrize(
    "number",
    [
        *("0", "-0", "1.50", "1E+2", "-1.5e-07", "9007199254740992", "-9007199254740992", "1e308"),
        *("1.7976931348623157e308", "-1.7976931348623157E+308", "5e-324", "1e-999", "0." + "3" * 40),
        *("1" + "0" * 20 + ".5", "123456789012345678.0", "12345678901234567890e-5"),
    ],
)
def test_a_number_keeps_its_spelling(lane: Lane, number: str) -> None:
    message = with_value(number)
    assert lane.line(message) == message[:-1] + LINE_SUFFIX


@pytest.mark.parametrize(
    "integer", ["9007199254740993", "-9007199254740993", "18446744073709551615", "9" * 308, "-1" + "0" * 307]
)
def test_an_integer_that_a_double_cannot_hold_keeps_its_digits_as_text(lane: Lane, integer: str) -> None:
    expected = with_value(f'{integer},"value_text":"{integer}"')
    assert lane.line(with_value(integer)) == expected[:-1] + LINE_SUFFIX


@pytest.mark.parametrize(("boolean", "number"), [("true", "1"), ("false", "0")])
def test_a_boolean_becomes_a_number(lane: Lane, boolean: str, number: str) -> None:
    assert lane.line(with_value(boolean)) == with_value(number)[:-1] + LINE_SUFFIX


@pytest.mark.parametrize("text", ["RUNNING", "12.5", "true", "Störung 17", "\u200b"])
def test_a_text_goes_to_its_own_column(lane: Lane, text: str) -> None:
    expected = spell(sample(value=text)).replace('"value":', '"value_text":')
    assert lane.line(spell(sample(value=text))) == expected[:-1] + LINE_SUFFIX
    assert lane.line(spell(sample(value=f" {text}\u00a0"))) == expected[:-1] + LINE_SUFFIX


def test_the_name_of_the_text_column_replaces_a_key_in_escapes(lane: Lane) -> None:
    message = spell(sample(value="on")).replace('"value":', '"v\\u0061lue" : ')
    expected = spell(sample(value="on")).replace('"value":', '"value_text" : ')
    assert lane.line(message) == expected[:-1] + LINE_SUFFIX


def test_a_value_may_be_missing(lane: Lane) -> None:
    message = spell(sample(value=...))
    assert lane.line(message) == message[:-1] + LINE_SUFFIX


@pytest.mark.parametrize("spelled", ["null", "{}", "{ }", "{\n}"])
def test_empty_metadata_goes(lane: Lane, spelled: str) -> None:
    for message in (with_value(spelled, "metadata"), '{"metadata":' + spelled + "," + spell(sample())[1:]):
        assert lane.line(message) == spell(sample())[:-1] + LINE_SUFFIX


def test_metadata_that_holds_something_becomes_an_attribute(lane: Lane) -> None:
    message = with_value('{"b": [1.0, " x "], "a":null}', "metadata")
    assert lane.row(message)["attributes"] == '{"metadata":{"b": [1.0, "x"], "a":null}}'


def test_unknown_keys_become_attributes_as_they_came(lane: Lane) -> None:
    message = (
        spell(sample())[:-1] + ', "b" : 1.00,"a":null,"n":' + "8" * 5_000 + ',"c":{"d": [true, 1e999]},"\\u0065":" x"}'
    )
    expected = '{"b" : 1.00,"a":null,"n":' + "8" * 5_000 + ',"c":{"d": [true, 1e999]},"\\u0065":"x"}'
    line = lane.line(message)
    assert line == spell(sample())[:-1] + f',"attributes":{json.dumps(expected)}' + LINE_SUFFIX


@pytest.mark.parametrize(
    "key",
    [
        *("value_text", "attributes", "received_at", "gateway", "ts", "device_id", "year", "factory"),
        *("DeviceID", "Value", "VALUE_TEXT", "Metadata", "tagname", "_Gateway", "", " "),
    ],
)
def test_a_key_that_is_nearly_a_column_is_an_attribute(lane: Lane, key: str) -> None:
    row = lane.row(spell({**sample(), key: 5}))
    assert json.loads(row.pop("attributes")) == {key: 5}
    assert row == sample()


def test_no_two_keys_of_a_line_are_one_to_openx(lane: Lane) -> None:
    message = {**sample(value="on"), "VALUE": 1, "Value_Text": 2, "value_text": 3, "DEVICEid": 4, "_RECEIVED_AT": 5}
    keys = [key.lower() for key in json.loads(lane.line(spell(message)))]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("timestamp", "rule"),
    [
        ("1773039898500.0", "NOT_AN_INTEGER"),
        ("1.7730398985e12", "NOT_AN_INTEGER"),
        ('"1773039898500"', "NOT_AN_INTEGER"),
        ("true", "NOT_AN_INTEGER"),
        ("[]", "NOT_AN_INTEGER"),
        ("0", "NOT_MILLISECONDS"),
        ("-0", "NOT_MILLISECONDS"),
        ("1773039898", "NOT_MILLISECONDS"),
        ("-1773039898", "NOT_MILLISECONDS"),
        ("999999999999", "NOT_MILLISECONDS"),
        ("1000000000000", "TIMESTAMP_TOO_OLD"),
        ("-1773039898500", "TIMESTAMP_TOO_OLD"),
        ("-" + "9" * 5_000, "TIMESTAMP_TOO_OLD"),
        ("1773039898500000", "TIMESTAMP_TOO_FAR_AHEAD"),
        ("9" * 5_000, "TIMESTAMP_TOO_FAR_AHEAD"),
        (str(ARRIVAL - 400 * DAY - 1), "TIMESTAMP_TOO_OLD"),
        (str(ARRIVAL + DAY + 1), "TIMESTAMP_TOO_FAR_AHEAD"),
    ],
)
def test_a_timestamp_must_be_plausible(lane: Lane, timestamp: str, rule: str) -> None:
    assert lane.broken(with_value(timestamp, "timestamp")) == (rule, "timestamp")


@pytest.mark.parametrize("timestamp", [ARRIVAL - 400 * DAY, ARRIVAL, ARRIVAL + DAY])
def test_both_ends_of_the_window_are_in_it(lane: Lane, timestamp: int) -> None:
    assert lane.row(spell(sample(timestamp=timestamp)))["timestamp"] == timestamp


def test_the_window_is_set_in_days() -> None:
    lane = BothRoads(past_days=0, future_days=0)
    assert lane.row(spell(sample(timestamp=ARRIVAL)))["timestamp"] == ARRIVAL
    assert lane.rule(spell(sample(timestamp=ARRIVAL - 1))) == "TIMESTAMP_TOO_OLD"
    assert lane.rule(spell(sample(timestamp=ARRIVAL + 1))) == "TIMESTAMP_TOO_FAR_AHEAD"


def test_the_window_is_measured_from_the_envelope(lane: Lane) -> None:
    """A message that is redriven years later is checked as it was when it came."""
    first_came = 1_583_024_400_000
    message = spell(sample(timestamp=first_came - 1000))
    assert lane.rule(message) == "TIMESTAMP_TOO_OLD"
    assert f'"_received_at":{first_came}' in lane.line(message, key=f"{first_came}/line-1/x")


@pytest.mark.parametrize(
    ("timestamp", "keys"),
    [
        (1_772_323_199_999, ("2026", "02", "28")),
        (1_772_323_200_000, ("2026", "03", "01")),
        (1_767_225_599_999, ("2025", "12", "31")),
        (1_767_225_600_000, ("2026", "01", "01")),
    ],
)
def test_a_sample_goes_to_the_day_on_which_it_was_taken(lane: Lane, timestamp: int, keys: Any) -> None:
    (answer,) = lane.answers(spell(sample(timestamp=timestamp)))
    year, month, day = keys
    assert answer["metadata"] == {"partitionKeys": {"year": year, "month": month, "day": day}}


def test_what_openx_takes_for_seconds_is_invalid_whatever_the_window() -> None:
    """Milliseconds of before 2001-09-09."""
    lane = BothRoads(past_days=36_500)
    for timestamp in (999_999_999_999, 946_684_800_000, 987_654_321, 1, -1, -999_999_999_999):
        assert lane.broken(spell(sample(timestamp=timestamp))) == ("NOT_MILLISECONDS", "timestamp")
    (answer,) = lane.answers(spell(sample(timestamp=10**12)))
    assert answer["metadata"] == {"partitionKeys": {"year": "2001", "month": "09", "day": "09"}}


def test_a_gateway_that_sends_seconds_does_not_teach_the_fast_path_to_take_them() -> None:
    lane = BothRoads(past_days=9_000)
    lane.row(spell(sample(timestamp=10**12)))
    assert lane.rule(spell(sample(timestamp=10**12 - 1))) == "NOT_MILLISECONDS"


@pytest.mark.parametrize(
    ("arrival", "rule"),
    [(10**12 - 1, "NOT_MILLISECONDS"), (9_223_372_036_855, "OUT_OF_RANGE"), (10**13, "OUT_OF_RANGE")],
)
def test_an_arrival_that_the_table_cannot_hold(arrival: int, rule: str) -> None:
    """No broker says so, but anybody who may write to the stream can."""
    lane = BothRoads(past_days=9_000, future_days=36_500)
    lane.row(spell(sample()))
    assert lane.broken(spell(sample(timestamp=2 * 10**12)), key=f"{arrival}/line-1/x") == (rule, "_received_at")


def test_a_time_that_would_wrap_is_out_of_range() -> None:
    """OpenX counts nanoseconds in 64 bits, up to 2262-04-11."""
    last = 9_223_372_036_854
    lane = BothRoads(future_days=36_500)
    key = f"{last - DAY}/line-1/x"
    assert lane.rejection(spell(sample(timestamp=last + 1)), key=key)["rule"] == "OUT_OF_RANGE"
    assert f'"timestamp":{last},' in lane.line(spell(sample(timestamp=last)), key=key)


@pytest.mark.parametrize(
    ("message", "rule", "field"),
    [
        (spell(sample())[:-1], "NOT_JSON", None),
        ("\ufeff" + spell(sample()), "BYTE_ORDER_MARK", None),
        (spell(sample())[:-1] + ',"value":1}', "DUPLICATE_KEY", "value"),
        (spell(sample(_gateway="x")), "RESERVED_KEY", "_gateway"),
        (spell(sample())[:-1] + ',"a":"\\ud800"}', "LONE_SURROGATE", "a"),
        (spell(sample(a="x" * 1_024_000)), "LINE_TOO_LONG", None),
        (spell(sample(deviceName="x" * 1_024_000)), "LINE_TOO_LONG", None),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 40 else "",
)
def test_rules_of_both_lanes_hold_here(lane: Lane, message: str, rule: str, field: str | None) -> None:
    assert lane.broken(message) == (rule, field)


def test_a_quoted_attribute_counts_towards_the_line(lane: Lane) -> None:
    """Quotes double when one JSON text goes into another."""
    message: dict[str, Any] = sample(a='"' * 300_000)
    assert len(spell(message)) < 1_024_000
    assert lane.rule(spell(message)) == "LINE_TOO_LONG"


def test_a_line_can_be_put_back(lane: Lane) -> None:
    """Without its last two keys a line is a message that gives the same line again.

    That holds for samples without a text or attributes, whose columns are unknown keys in a message.
    """
    line = lane.line(spell(sample(description="", value=True, metadata={})))
    again = line[: -len(LINE_SUFFIX)] + "}"
    assert lane.line(again) == line
    assert json.loads(line)["timestamp"] == TAKEN
