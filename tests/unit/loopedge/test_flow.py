"""The LoopEdge flow is current, can be imported, and is set up as its page says."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from factory_lake.module_interface import REPOSITORY
from scripts.flowsource import FLOW, SOURCES, render

PAGE = REPOSITORY / "docs" / "loopedge.md"
#: Node types that every Node-RED has; an unknown one would keep the whole flow from starting.
CORE = frozenset(
    {
        "catch",
        "comment",
        "complete",
        "debug",
        "function",
        "inject",
        "mqtt out",
        "mqtt-broker",
        "status",
        "tab",
        "tls-config",
    }
)


@pytest.fixture
def nodes() -> dict[str, dict[str, Any]]:
    """The flow's nodes by type; each type is there once."""
    listed = json.loads(FLOW.read_text(encoding="utf-8"))
    by_type = {node["type"]: node for node in listed}
    assert len(by_type) == len(listed)
    return by_type


def test_the_flow_is_up_to_date() -> None:
    text = FLOW.read_text(encoding="utf-8")
    assert render(text, FLOW.parent) == text


def test_changed_javascript_is_written_into_its_node(tmp_path: Path) -> None:
    text = FLOW.read_text(encoding="utf-8")
    for name in SOURCES.values():
        shutil.copy(FLOW.parent / name, tmp_path)
    assert render(text, tmp_path) == text
    with (tmp_path / "batching.js").open("a") as source:
        source.write("// more\n")
    changed = render(text, tmp_path)
    (node,) = [node for node in json.loads(changed) if node["type"] == "function"]
    assert node["func"] == (tmp_path / "batching.js").read_text()
    assert render(changed, FLOW.parent) == text


def test_a_function_node_without_a_file_is_refused() -> None:
    text = FLOW.read_text(encoding="utf-8").replace('"name": "Batch and buffer"', '"name": "Batch"')
    with pytest.raises(ValueError, match=r"must be \['Batch and buffer'\], got \['Batch'\]"):
        render(text, FLOW.parent)


def test_every_reference_is_to_a_node_of_the_flow(nodes: dict[str, dict[str, Any]]) -> None:
    assert nodes.keys() == CORE
    ids = {node["id"] for node in nodes.values()}
    for node in nodes.values():
        wired = [target for output in node.get("wires", []) for target in output]
        references = [*wired, *node.get("scope", []), *(node[key] for key in ("z", "broker", "tls") if key in node)]
        if node["type"] == "mqtt-broker":
            references.remove(node["broker"])  # there it is the server
        assert set(references) <= ids, node["id"]


def test_the_batching_node_hears_all_that_the_mqtt_node_says(nodes: dict[str, dict[str, Any]]) -> None:
    batching, mqtt = nodes["function"], nodes["mqtt out"]
    for kind in ("complete", "catch", "status"):
        assert nodes[kind]["scope"] == [mqtt["id"]]
        assert nodes[kind]["wires"] == [[batching["id"]]]
    assert nodes["inject"]["wires"] == [[batching["id"]]]
    assert batching["wires"][0] == [mqtt["id"]]


def test_the_connection_is_as_aws_iot_and_the_page_on_gateways_want_it(nodes: dict[str, dict[str, Any]]) -> None:
    mqtt, broker, tls = nodes["mqtt out"], nodes["mqtt-broker"], nodes["tls-config"]
    assert (mqtt["qos"], mqtt["retain"], mqtt["topic"]) == ("1", "false", "")
    assert (broker["port"], broker["usetls"], broker["tls"]) == ("8883", True, tls["id"])
    assert (broker["cleansession"], broker["protocolVersion"]) == (False, "5")
    assert 30 <= int(broker["keepalive"]) <= 1200
    assert [broker[f"{kind}Topic"] for kind in ("birth", "close", "will")] == ["", "", ""]
    assert tls["verifyservercert"]


def test_the_page_names_every_setting_with_its_default_and_limits(nodes: dict[str, dict[str, Any]]) -> None:
    source = (FLOW.parent / "batching.js").read_text(encoding="utf-8")
    read = {
        name: (standard, lowest, highest)
        for name, standard, lowest, highest in re.findall(r'readNumber\("(\w+)", (\d+), (\d+), (\d+)\)', source)
    }
    variables = {variable["name"]: variable["value"] for variable in nodes["tab"]["env"]}
    assert variables.keys() == {*read, "TOPIC", "BUFFER_STORE"}
    rows = re.findall(r"^\| `([A-Z_]+)` \| ([^|]*) \| ([^|]*) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    page = {name: (default.replace(",", ""), limits.replace(",", "")) for name, default, limits in rows}
    assert page.keys() == variables.keys()
    for name, (standard, lowest, highest) in read.items():
        assert variables[name] == standard
        assert page[name] == (standard, f"{lowest} to {highest}")
