import pytest

from factory_lake.gateway.identities import LANES, Source
from factory_lake.gateway.simulation import share

SOURCES = [Source("krakow", f"line-{number}", lane) for number in (1, 2, 3) for lane in LANES]


@pytest.mark.parametrize("messages", [1, 7, 100, 3001])
def test_the_shares_add_up(messages: int) -> None:
    shares = share(messages, SOURCES)
    assert sum(part or 0 for part in shares.values()) == messages


def test_gateways_are_alike_and_measure_more_than_they_are_configured() -> None:
    shares = share(3000, SOURCES)
    assert [shares[source] for source in SOURCES] == [900, 100] * 3


def test_without_a_number_there_is_no_end() -> None:
    assert set(share(None, SOURCES).values()) == {None}
