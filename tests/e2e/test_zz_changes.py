"""Changes of a lake that runs. They come last: they leave it with other factories than the rest expects."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.conftest import FACTORIES
from tests.e2e.plant import Factory, all_keys, rows, sample
from tools.lake import LocalLake, TerraformError


def test_a_second_apply_changes_nothing(lake: LocalLake) -> None:
    assert lake.terraform.changes(lake.variables) == []


def test_a_gateway_without_a_request_is_named_with_the_way_to_make_one(lake: LocalLake) -> None:
    factories = {**FACTORIES, "gdansk": {"gateways": ["dock"]}}
    with pytest.raises(TerraformError) as refused:
        lake.terraform.changes({**lake.variables, "factories": factories})
    told = " ".join(str(refused.value).split())
    assert "gdansk-dock-measurements" in told
    assert "openssl" in told


def test_a_factory_added_and_one_removed_leave_the_others_untouched(
    lake: LocalLake, factory: Callable[[str], Factory]
) -> None:
    lyon = factory("lyon")
    lyon.send([sample(tagName="kept")])
    lyon.deliver()
    kept = "SELECT count(*) FROM measurements WHERE factory = 'lyon' AND tag_name = 'kept'"
    assert rows(lake, kept) == [(1,)]
    objects = sorted(all_keys(lake, "measurements", "factory=lyon/"))
    wanted = {name: settings for name, settings in FACTORIES.items() if name != "lyon"}
    wanted["gdansk"] = {"gateways": ["dock"]}

    touched = {change["address"] for change in lake.changing(wanted, retired_factories=["lyon"])}

    for name in FACTORIES.keys() - {"lyon"}:
        assert not [address for address in touched if f'["{name}"]' in address]
    assert [address for address in touched if '["gdansk"]' in address]
    assert [address for address in touched if '["lyon"]' in address]
    assert sorted(all_keys(lake, "measurements", "factory=lyon/")) == objects
    assert rows(lake, kept) == [(1,)]
    gdansk = factory("gdansk")
    gdansk.send([sample()])
    gdansk.deliver()
    assert gdansk.account().offenders == ()
    assert "lyon" not in lake.outputs["data_streams"]
    krakow = factory("krakow")
    before = krakow.tally().delivered
    krakow.send([sample()])
    krakow.deliver()
    assert krakow.tally().delivered == before + 1
