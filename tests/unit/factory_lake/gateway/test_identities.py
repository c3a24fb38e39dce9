import pytest

from factory_lake.gateway.errors import ConfigurationError
from factory_lake.gateway.identities import Source, check_client_id, check_id, parse_lane


def test_names_of_a_source() -> None:
    source = Source("krakow", "line-1", "configuration")
    assert source.client_id == "krakow-line-1-configuration"
    assert source.topic == "factories/krakow/line-1/configuration"


@pytest.mark.parametrize("value", ["", "Krakow", "a--b", "-a", "a-", "a_b", "a/b", "kraków", "x" * 33, None, 7])
def test_ids_that_are_none(value: object) -> None:
    with pytest.raises(ConfigurationError, match="factory must be lower-case"):
        check_id("factory", value)


@pytest.mark.parametrize("value", ["a", "line-1", "7", "x" * 32])
def test_ids(value: str) -> None:
    assert check_id("gateway", value) == value


@pytest.mark.parametrize(
    "value", ["krakow-measurements", "krakow-line-1", "a-b-c", "A-b-measurements", "../a-b-measurements"]
)
def test_client_ids_that_are_none(value: str) -> None:
    with pytest.raises(ConfigurationError, match="client ID must be"):
        check_client_id(value)


def test_lane() -> None:
    assert parse_lane("measurements") == "measurements"
    with pytest.raises(ConfigurationError, match="lane must be measurements or configuration, got 'clips'"):
        parse_lane("clips")
