"""Settings are environment variables; a bad one stops the function and says which, why and what it was."""

from __future__ import annotations

import pytest

from lambda_common.settings import SettingsError
from transform.settings import Settings

NEEDED = {"FACTORY": "krakow", "LANE": "measurements", "STREAM_NAME": "lake-krakow-measurements"}


def test_defaults() -> None:
    assert Settings.from_env(NEEDED)._asdict() == {
        "factory": "krakow",
        "lane": "measurements",
        "blank_strings": "reject",
        "past_days": 400,
        "future_days": 1,
        "metrics_namespace": "FactoryLake",
        "log_level": "INFO",
        "stream_name": "lake-krakow-measurements",
    }


def test_every_variable_is_read() -> None:
    settings = Settings.from_env(
        {
            "FACTORY": "st-die-2",
            "LANE": "configuration",
            "BLANK_STRINGS": "keep",
            "TIMESTAMP_PAST_DAYS": "9000",
            "TIMESTAMP_FUTURE_DAYS": "36500",
            "METRICS_NAMESPACE": "Plants/Lake",
            "LOG_LEVEL": "WARNING",
        }
    )
    assert settings.factory == "st-die-2"
    assert settings.lane == "configuration"
    assert settings.blank_strings == "keep"
    assert (settings.past_days, settings.future_days) == (9000, 36500)
    assert settings.metrics_namespace == "Plants/Lake"
    assert settings.log_level == "WARNING"


@pytest.mark.parametrize(
    ("variable", "values"),
    [
        ("FACTORY", ["", "Krakow", "krakow-", "kra--kow", "krakow\n", "k" * 33]),
        ("LANE", ["video", ""]),
        ("BLANK_STRINGS", ["Reject"]),
        ("TIMESTAMP_PAST_DAYS", ["-1", "1.5", "9001", " 400"]),
        ("TIMESTAMP_FUTURE_DAYS", ["36501", "one", "٣"]),
        ("METRICS_NAMESPACE", ["", "AWS/Lambda", "lake metrics", "n" * 256]),
        ("LOG_LEVEL", ["ERROR", "info"]),
        ("STREAM_NAME", ["", "lake krakow", "arn:aws:kinesis:x", "s" * 129]),
    ],
)
def test_a_bad_value_is_refused_with_variable_rule_and_value(variable: str, values: list[str]) -> None:
    for value in values:
        with pytest.raises(SettingsError) as caught:
            Settings.from_env({**NEEDED, variable: value})
        assert (caught.value.name, caught.value.value) == (variable, value)
        assert str(caught.value) == f"{variable} must be {caught.value.rule}, got {value!r}"


def test_configuration_has_no_batches_so_it_needs_no_stream() -> None:
    settings = Settings.from_env({"FACTORY": "krakow", "LANE": "configuration", "STREAM_NAME": "not looked at"})
    assert settings.stream_name is None


@pytest.mark.parametrize("variable", ["FACTORY", "LANE", "STREAM_NAME"])
def test_factory_lane_and_stream_have_no_default(variable: str) -> None:
    environ = {name: value for name, value in NEEDED.items() if name != variable}
    with pytest.raises(SettingsError, match=f"^{variable} must be .*, got nothing$"):
        Settings.from_env(environ)
