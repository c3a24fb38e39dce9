"""The core process: ``python -m localcloud.server --workdir DIR``, which ``LocalCloud.start`` runs.

MiniStack reads its settings from the environment while it is imported. So this module takes the ports, sets
the environment, and only then imports ``core``, which brings MiniStack with it.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from localcloud import plugins
from localcloud.arguments import Parser, folder, port_number
from localcloud.engine_process import EngineProcess
from localcloud.processes import StartError
from localcloud.settings import ACCESS_KEY, ACCOUNT, HOST, REGION, SECRET_KEY


def main(argv: Sequence[str] | None = None) -> None:
    """Run the core process until SIGTERM, SIGINT or the end of its parent-death pipe."""
    options = _parser().parse_args(argv)
    workdir: Path = options.workdir.resolve()
    http = _listen(options.port)
    mqtt = _listen(options.mqtt_port)
    taken = http.getsockname()[1]
    _configure(workdir, taken, mqtt.getsockname()[1])
    engine = EngineProcess(f"http://{HOST}:{taken}", workdir)
    # The socket listens already, so what the engine asks before this process serves waits in its queue.
    engine.launch()
    try:
        core = importlib.import_module("localcloud.core")
        core.install()
        plugins.install()
        descriptors = {"ready_fd": options.ready_fd, "death_pipe_fd": options.death_pipe_fd}
        asyncio.run(core.serve(workdir, http, mqtt, engine, **descriptors))
    except StartError as error:
        sys.exit(f"localcloud: {error}")
    finally:
        # Lambda workers and the engine belong to this process group, and none of them may stay.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.getpgrp() == os.getpid():
            os.killpg(os.getpgrp(), signal.SIGTERM)


def _parser() -> Parser:
    parser = Parser(prog="python -m localcloud.server", description=__doc__)
    parser.add_argument("--workdir", type=folder, required=True, help="folder of the state, logs and cloud.json")
    parser.add_argument("--port", type=port_number, default=0, help="HTTP port, 0: a free one")
    parser.add_argument("--mqtt-port", type=port_number, default=0, help="port of MQTT over TLS, 0: a free one")
    parser.add_argument("--ready-fd", type=int, help="descriptor to report readiness to")
    parser.add_argument("--death-pipe-fd", type=int, help="descriptor whose end of file ends the process")
    return parser


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        sys.exit(f"localcloud: {HOST}:{port} cannot be listened on: {error.strerror}")
    listener.listen(512)
    return listener


def _configure(workdir: Path, port: int, mqtt_port: int) -> None:
    """Set what MiniStack reads from the environment, and keep the user's AWS settings out of it."""
    scratch = workdir / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    for name in [name for name in os.environ if name.startswith(("AWS_", "MINISTACK_", "LOCALSTACK_"))]:
        del os.environ[name]
    os.environ.update(
        {
            "AUTH": "true",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "BIND_HOST": HOST,
            # An address, so that no client takes it for a host of virtual-hosted buckets.
            "MINISTACK_HOST": HOST,
            "GATEWAY_PORT": str(port),
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "IOT_MTLS_ENABLED": "true",
            "IOT_MTLS_PORT": str(mqtt_port),
            "LAMBDA_EXECUTOR": "local",
            "DOCKER_HOST": f"unix://{scratch}/no-docker",
            "SFTP_ENABLED": "false",
            "PERSIST_STATE": "0",
            "STATE_DIR": str(workdir / "state"),
            "TMPDIR": str(scratch),
            "LOCALCLOUD_WORKDIR": str(workdir),
        }
    )


if __name__ == "__main__":
    main()
