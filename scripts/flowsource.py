"""Keep the Node-RED flow current: its function nodes hold the JavaScript of the files beside it.

``python -m scripts.flowsource`` writes each file of ``SOURCES`` into its node of ``loopedge/batching-flow.json``;
``--check`` only says whether the flow is up to date. All else in it may come from an export of Node-RED's editor.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the flow, or check it; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.flowsource", description="Write the functions into the Node-RED flow."
    )
    parser.add_argument("--check", action="store_true", help="say whether the flow is up to date; write nothing")
    parser.add_argument("--flow", type=Path, default=FLOW, help="the flow (default: %(default)s)")
    options = parser.parse_args(arguments)
    before = options.flow.read_text(encoding="utf-8")
    after = render(before, options.flow.parent)
    if after == before:
        return 0
    if options.check:
        print(f"{options.flow}: differs from the JavaScript beside it; run 'make docs'", file=sys.stderr)
        return 1
    options.flow.write_text(after, encoding="utf-8")
    print(f"{options.flow}  written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
