"""The delivery engine's process: ``python -m localcloud.firehose --endpoint URL --workdir DIR``."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from localcloud.firehose.clients import RoleClients
from localcloud.firehose.endpoint import serve
from localcloud.firehose.engine import Engine
from localcloud.firehose.metrics import Outbox, Publisher


def main(arguments: list[str] | None = None) -> int:
    """Deliver until SIGTERM or SIGINT. What is not delivered then is read again by the next process."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.firehose", description=__doc__)
    parser.add_argument("--endpoint", required=True, help="URL of the local cloud")
    parser.add_argument("--workdir", required=True, type=Path, help="folder of the checkpoints and of control.json")
    parser.add_argument("--control-port", type=int, default=0, help="port for flush and status; 0 takes a free one")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=os.environ.get("LOG_LEVEL", "INFO"), format="%(asctime)s %(levelname)s %(message)s")

    region = os.environ.get("AWS_REGION", "eu-central-1")
    outbox = Outbox()
    publisher = Publisher(options.endpoint, outbox)
    engine = Engine(RoleClients(options.endpoint, region), options.workdir, outbox, publisher.publish)
    server = serve(engine, options.control_port)
    threading.Thread(target=server.serve_forever, name="control", daemon=True).start()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    engine.start()
    publisher.start()
    _announce(options.workdir, server.server_address[1])
    stopping.wait()
    server.shutdown()
    engine.stop()
    publisher.stop()
    return 0


def _announce(workdir: Path, port: int) -> None:
    """Say that the engine serves, and where."""
    workdir.mkdir(parents=True, exist_ok=True)
    fresh = workdir / "control.json.new"
    fresh.write_text(json.dumps({"port": port, "pid": os.getpid()}) + "\n")
    fresh.replace(workdir / "control.json")


if __name__ == "__main__":
    sys.exit(main())
