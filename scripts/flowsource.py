"""The Node-RED flow holds the JavaScript of the files beside it; `make docs` writes them into it.

All else in the flow may come from an export of Node-RED's editor.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from scripts.package import ROOT

FLOW = ROOT / "loopedge" / "batching-flow.json"
#: Files beside the flow, by the name of the function node that holds them.
SOURCES: Mapping[str, str] = {"Batch and buffer": "batching.js"}


def render(text: str, folder: Path) -> str:
    """Return a flow with the functions of a folder in it.

    Raises:
        ValueError: Its function nodes are not those of ``SOURCES``.
    """
    nodes = json.loads(text)
    functions = {node["name"]: node for node in nodes if node["type"] == "function"}
    if functions.keys() != SOURCES.keys():
        raise ValueError(f"its function nodes must be {sorted(SOURCES)}, got {sorted(functions)}")
    for name, node in functions.items():
        node["func"] = (folder / SOURCES[name]).read_text(encoding="utf-8")
    return f"{json.dumps(nodes, indent=2, ensure_ascii=False)}\n"
