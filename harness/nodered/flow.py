"""The LoopEdge flow, filled in as its documentation says, with a feeder in DeviceHub's place."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from factory_lake.gateway.connections import Broker, Identity
from harness.lake.terraform import REPOSITORY

FLOW = REPOSITORY / "loopedge" / "batching-flow.json"
FEED_PATH: Final = "/feed"

_TAB: Final = "f1ac000000000001"
_BATCHING: Final = "f1ac000000000002"
#: Where the context store on disk keeps the buffer, below the user directory.
BUFFER_FILE: Final = f"context/{_TAB}/{_BATCHING}.json"


def filled_in(
    broker: Broker,
    identity: Identity,
    certificate: Path,
    topic: str,
    settings: Mapping[str, str],
    modules: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """The flow as an engineer sets it up for one gateway.

    Args:
        broker: Where it connects.
        identity: Whose client ID and key it has.
        certificate: The file that holds the identity's certificate.
        topic: What it publishes to.
        settings: Environment variables of its tab that differ from the flow's defaults.
        modules: Of Node.js, which the function node gets.
    """
    nodes: list[dict[str, Any]] = json.loads(FLOW.read_text(encoding="utf-8"))
    given = {"TOPIC": topic, **settings}
    for node in nodes:
        match node["type"]:
            case "tab":
                for variable in node["env"]:
                    variable["value"] = given.get(variable["name"], variable["value"])
            case "mqtt-broker":
                node |= {"broker": broker.host, "port": str(broker.port), "clientid": identity.source.client_id}
            case "function":
                node["libs"] = [{"var": module, "module": module} for module in modules]
            case "tls-config":
                node |= {"cert": str(certificate), "key": str(identity.key_file), "ca": str(broker.ca_file)}
    return [*nodes, *_feeder()]


def write_flow(file: Path, nodes: Sequence[Mapping[str, Any]]) -> None:
    """Write nodes as Node-RED's flow file."""
    file.write_text(json.dumps(nodes), encoding="utf-8")


def _feeder() -> list[dict[str, Any]]:
    """What answers on `FEED_PATH`: GET when the flow runs, POST when it has the samples."""
    source = (Path(__file__).parent / "feeder.js").read_text(encoding="utf-8")
    on_tab = {"z": _TAB, "x": 0, "y": 0}
    return [
        {"id": "feed-get", "type": "http in", "url": FEED_PATH, "method": "get", "wires": [["feed-answer"]], **on_tab},
        {"id": "feed-post", "type": "http in", "url": FEED_PATH, "method": "post", "wires": [["feeder"]], **on_tab},
        {
            "id": "feeder",
            "type": "function",
            "name": "feeder",
            "func": source,
            "outputs": 2,
            "wires": [[_BATCHING], ["feed-answer"]],
            **on_tab,
        },
        {"id": "feed-answer", "type": "http response", "statusCode": "200", "wires": [], **on_tab},
    ]
