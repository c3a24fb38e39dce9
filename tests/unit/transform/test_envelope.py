"""The partition key tells when the broker received a message, and from which gateway; both end its line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.transform.support import ARRIVAL
from transform.envelope import SuffixCache, open_envelope

FALLBACK = ARRIVAL + 250


def opened(key: Any) -> object:
    """Open the envelope of a record with a partition key."""
    return open_envelope({"approximateArrivalTimestamp": FALLBACK, "kinesisRecordMetadata": {"partitionKey": key}})


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("1773039900000/line-1/5c2f7a10-0b7c", (1773039900000, "line-1")),
        ("177303990000/a/b", (177303990000, "a")),
        ("17730399000000/a/b", (17730399000000, "a")),
        ("000000000001/a/b", (1, "a")),
        ("1773039900000/line-1/a/b/c", (1773039900000, "line-1")),
        ("1773039900000/line-1//", (1773039900000, "line-1")),
        ("1773039900000/Zażółć/x", (1773039900000, "Zażółć")),
        # As samples are put back whose record came without a gateway.
        ("1773039900000//5c2f7a10", (1773039900000, None)),
    ],
)
def test_a_key_of_the_topic_rule_is_an_envelope(key: str, expected: object) -> None:
    assert opened(key) == expected


@pytest.mark.parametrize(
    "key",
    [
        *("", "5c2f7a10-0b7c-4a2f-8d8e-2f1b6f3f9d11", "1773039900000", "1773039900000/line-1"),
        *("1773039900000/line-1/", "1773039900000//", "/line-1/5c2f7a10", "17730399000/line-1/x"),
        *("177303990000000/line-1/x", "1773039900000.0/line-1/x", "-177303990000/line-1/x"),
        *(" 1773039900000/line-1/x", "+1773039900000/line-1/x", "1_773_039_900/line-1/x"),
        *("١٧٧٣٠٣٩٩٠٠٠٠٠/line-1/x", "1773039900²00/line-1/x", "1773039900000/\ud800/x"),
    ],
)
def test_any_other_key_leaves_the_arrival_at_the_stream(key: str) -> None:
    assert opened(key) == (FALLBACK, None)


def test_a_record_that_was_put_straight_into_the_delivery_stream_has_no_gateway() -> None:
    assert open_envelope({"approximateArrivalTimestamp": FALLBACK}) == (FALLBACK, None)


@pytest.mark.parametrize("arrival", ["1773039900000", 1773039900000.0, None, True])
def test_an_arrival_that_is_not_an_integer_is_an_error(arrival: Any) -> None:
    with pytest.raises(TypeError, match="approximateArrivalTimestamp is of type"):
        open_envelope({"approximateArrivalTimestamp": arrival})


def test_a_quote_in_a_gateways_name_does_not_end_it() -> None:
    """The table of whole lines takes the name up to the next quote."""
    ending = SuffixCache()['a"b\\c\n']
    assert ending == ',"_gateway":"a\\u0022b\\\\c\\n"}\n'
    assert json.loads("{" + ending[1:]) == {"_gateway": 'a"b\\c\n'}


def test_endings_do_not_pile_up() -> None:
    suffixes = SuffixCache()
    for number in range(5_000):
        assert f'"gateway-{number}"' in suffixes[f"gateway-{number}"]
    assert len(suffixes) <= 1_000
