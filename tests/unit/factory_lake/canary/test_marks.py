"""What the canary leaves is told from what a plant sends, everywhere in the same way."""

from __future__ import annotations

import json
import re

import pytest

from factory_lake.canary.marks import LINE_OF_A_PLANT, SAMPLE_OF_A_PLANT, is_marked, is_marked_tag, without_canary
from factory_lake.canary.model import REFUSED_BY, configuration, sample
from factory_lake.coverage.sql import Window, clocks, day_of, runs
from factory_lake.coverage.sql import configuration as messages_sql
from factory_lake.module_interface import REPOSITORY
from factory_lake.redrive.prediction import Prediction

_CATALOG = REPOSITORY / "modules" / "glue_catalog"
AT_MS = 1_772_600_000_000


@pytest.mark.parametrize(
    ("lane", "payload", "marked"),
    [
        ("measurements", b'{"tagName":"_canary"}', True),
        ("measurements", b'{"x":1, "tagName" : " _canary-rejected"}', True),
        ("measurements", b'{"tagName":"a_canary"}', False),
        ("measurements", b'{"tagName":"xcanary","description":"_canary"}', False),
        ("measurements", b'{"_canary":"1"}', False),
        ("configuration", b'{"_canary":"1"}', True),
        ("configuration", b'{"_canary":"1","_received_at":1}', True),
        ("configuration", b'{"recipe":1,"_canary":"1"}', False),
        ("configuration", b'{"note":"{\\"_canary\\":1}"}', False),
        ("configuration", b'["_canary"]', False),
        ("configuration", b'{"_canary"', False),
    ],
)
def test_a_message_is_marked_by_its_tag_or_its_first_key(lane: str, payload: bytes, marked: bool) -> None:
    assert is_marked(lane, payload) == marked  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "marked"), [("_canary", True), ("_canary-2", True), ("xcanary", False), (None, False)]
)
def test_a_tag_is_marked_by_what_its_name_begins_with(name: str | None, marked: bool) -> None:
    assert is_marked_tag(name) == marked


def test_all_that_the_canary_sends_is_marked() -> None:
    good, bad = (sample("krakow", "canary", AT_MS, is_valid=valid) for valid in (True, False))
    setting = configuration("krakow", "canary", AT_MS)
    assert all(is_marked(one.lane, one.payload) for one in (good, bad, setting))
    assert len({one.token for one in (good, bad, setting)}) == 3
    assert all(one.token.encode() in one.payload for one in (good, bad, setting))
    assert list(json.loads(setting.payload)) == ["_canary"]


@pytest.mark.parametrize("blank_strings", ["reject", "null", "keep"])
def test_the_transform_takes_the_good_one_and_refuses_the_bad_one_whatever_its_settings(blank_strings: str) -> None:
    settings = {"FACTORY": "krakow", "LANE": "measurements", "STREAM_NAME": "s", "BLANK_STRINGS": blank_strings}
    of_samples = Prediction(settings)
    good, bad = (sample("krakow", "canary", AT_MS, is_valid=valid).payload for valid in (True, False))
    assert of_samples.refusal(good, f"{AT_MS}/canary/1", AT_MS) is None
    assert of_samples.refusal(bad, f"{AT_MS}/canary/1", AT_MS) == REFUSED_BY


def test_named_queries_over_tables_and_commands_have_the_same_conditions() -> None:
    conditions = {"measurements": SAMPLE_OF_A_PLANT, "configuration": LINE_OF_A_PLANT}
    window = Window("krakow", day_of(AT_MS), day_of(AT_MS))
    texts = {str(file): file.read_text() for file in sorted((_CATALOG / "queries").glob("*.sql"))}
    texts |= {"runs": runs(window, AT_MS, AT_MS + 1, ()), "messages": messages_sql(window, ())}
    texts |= {"clocks": clocks(window, AT_MS, AT_MS + 1, ())}
    asked = 0
    for name, text in texts.items():
        for table in re.findall(r"FROM (measurements|configuration)\b", text):
            asked += 1
            assert conditions[table] in text, name
    assert asked == 12
    # The view's file names no table: it is made for tables of lines alone.
    assert LINE_OF_A_PLANT in (_CATALOG / "views" / "in_force.sql").read_text()


def test_ids_of_the_canarys_own_are_left_out() -> None:
    assert without_canary({"line-2": 1, "canary": 2, "canary-2": 3}) == ["canary-2", "line-2"]
