"""What the transform accepts, OpenX reads as the transform partitioned it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.firehose.openx import timestamp_nanos
from tests.unit.transform.support import Lane, sample, spell

LANE = Lane(past_days=36_500, future_days=36_500)  # more than the settings allow
EDGES = (0, 946_684_800_000, 987_654_321, 10**12, 2 * 10**12, 2**63 // 10**6, 10**13)
times = st.one_of(
    st.builds(lambda edge, by: edge + by, st.sampled_from(EDGES), st.integers(-2, 2)),
    st.integers(0, 10**14 - 1),
)


@pytest.mark.parametrize("sign", [1, -1])
@given(arrival=times.filter(lambda time: time >= 0), timestamp=times)
def test_a_time_that_is_accepted_is_read_as_it_is(sign: int, arrival: int, timestamp: int) -> None:
    for taken in (sign * timestamp, sign * arrival):
        (answer,) = LANE.answers(spell(sample(timestamp=taken)), key=f"{arrival:012}/line-1/x")
        if answer["result"] == "Ok":
            line = json.loads(LANE.line(spell(sample(timestamp=taken)), key=f"{arrival:012}/line-1/x"))
            assert timestamp_nanos(line["timestamp"]) == taken * 10**6
            assert timestamp_nanos(line["_received_at"]) == arrival * 10**6


def test_milliseconds_of_this_century_are_accepted() -> None:
    (answer,) = LANE.answers(spell(sample(timestamp=10**12)))
    assert answer["result"] == "Ok"
