"""The delivery engine's process: ``python -m localcloud.firehose --endpoint URL --workdir DIR``."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading

from localcloud import plugins
from localcloud.arguments import Parser, folder
from localcloud.firehose.clients import RoleClients
from localcloud.firehose.endpoint import serve
from localcloud.firehose.engine import Engine
from localcloud.firehose.metrics import Outbox, Publisher
from localcloud.processes import watch_parent_death_pipe


def main(arguments: list[str] | None = None) -> int:
    """Deliver until SIGTERM or SIGINT. What is not delivered then is read again by the next process."""
    parser = Parser(prog="python -m localcloud.firehose", description=__doc__)
    parser.add_argument("--endpoint", required=True, help="URL of the local cloud")
    parser.add_argument("--workdir", required=True, type=folder, help="folder of the checkpoints")
    parser.add_argument("--ready-fd", type=int, required=True, help="descriptor to report the control port to")
    parser.add_argument("--death-pipe-fd", type=int, required=True, help="its end of file kills the process")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=os.environ.get("LOG_LEVEL", "INFO"), format="%(asctime)s %(levelname)s %(message)s")

    plugins.install()
    watch_parent_death_pipe(options.death_pipe_fd, lambda: os.kill(os.getpid(), signal.SIGKILL))
    region = os.environ.get("AWS_REGION", "eu-central-1")
    outbox = Outbox()
    publisher = Publisher(options.endpoint, outbox)
    engine = Engine(RoleClients(options.endpoint, region), options.workdir, outbox, publisher.publish)
    server = serve(engine)
    threading.Thread(target=server.serve_forever, name="control", daemon=True).start()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    engine.start()
    publisher.start()
    os.write(options.ready_fd, f"{server.server_address[1]}\n".encode())
    os.close(options.ready_fd)
    stopping.wait()
    server.shutdown()
    engine.stop()
    publisher.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
