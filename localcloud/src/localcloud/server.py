"""The core process: MiniStack, imported and extended in memory, on a loopback port.

MiniStack reads its settings from the environment while it is imported, so this module imports it only after
it has set them. What MiniStack gets wrong or lacks is put right after the import by the extension packages
and by the modules under ``mends``; each says in its docstring what it replaces and why.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
import os
import pkgutil
import signal
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud import control, faults, replay
from localcloud.engine import Engine
from localcloud.processes import GRACE_SECONDS, StartError, watch_lifeline
from localcloud.settings import ACCESS_KEY, ACCOUNT, HOST, REGION, SECRET_KEY, STATE_FILE

EXTENSIONS = ("iot", "lambdas", "firehose", "athena", "kinesisvideo", "cloudwatch", "passage")
ENGINE_MODULE = "localcloud.firehose"


@dataclass(frozen=True)
class Options:
    """How a core process is started.

    Attributes:
        workdir: folder of its state, logs and ``cloud.json``.
        port: HTTP port; 0 takes a free one.
        mqtt_port: port of MQTT over TLS; 0 takes a free one.
        ready_fd: where to report readiness, if anywhere.
        lifeline_fd: what to end with, if anything.
    """

    workdir: Path
    port: int
    mqtt_port: int
    ready_fd: int | None = None
    lifeline_fd: int | None = None


def serve(options: Options) -> None:
    """Runs the core process until SIGTERM, SIGINT or the end of its lifeline."""
    http = _listen(options.port)
    mqtt = _listen(options.mqtt_port)
    endpoint = f"http://{HOST}:{http.getsockname()[1]}"
    _configure(options.workdir, http.getsockname()[1], mqtt.getsockname()[1])
    engine = Engine(ENGINE_MODULE, endpoint, options.workdir)
    if engine.exists:
        # The socket listens already, so what the engine asks before this process serves waits in its queue.
        engine.launch()
    app = importlib.import_module("ministack.app")
    _install_extensions(app)
    try:
        asyncio.run(_run(app, options, http, mqtt, engine))
    finally:
        # Lambda workers and the engine belong to this process group, and none of them may stay.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.getpgrp() == os.getpid():
            os.killpg(os.getpgrp(), signal.SIGTERM)


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
    """Sets what MiniStack reads from the environment, and keeps the user's AWS settings out of it."""
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


def _install_extensions(app: Any) -> None:
    for name in EXTENSIONS:
        module_name = f"localcloud.{name}"
        if importlib.util.find_spec(module_name) is None:
            continue
        install = getattr(importlib.import_module(module_name), "install", None)
        if install is not None:
            install(app)
    mends = importlib.import_module("localcloud.patches")
    for found in pkgutil.iter_modules(mends.__path__):
        importlib.import_module(f"{mends.__name__}.{found.name}").install(app)


async def _run(app: Any, options: Options, http: socket.socket, mqtt: socket.socket, engine: Engine) -> None:
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if options.lifeline_fd is not None:
        watch_lifeline(options.lifeline_fd, lambda: _end(loop, stopping))
    endpoint = f"http://{HOST}:{http.getsockname()[1]}"
    importlib.import_module("localcloud.credentials")  # registers its control call
    control.provide_engine(engine)
    _listen_for_mqtt_on(mqtt)
    config = Config()
    config.bind = [f"fd://{http.detach()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    server = asyncio.create_task(
        hypercorn_serve(
            control.layer(replay.layer(faults.layer(app.app))), config, shutdown_trigger=stopping.wait
        )
    )
    server.add_done_callback(lambda _: stopping.set())
    until_stopped = asyncio.create_task(stopping.wait())
    background = control.start_background()
    ready = asyncio.create_task(_become_ready(app, options, endpoint, mqtt.getsockname()[1], engine))
    try:
        await asyncio.wait({ready, until_stopped}, return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            ready.result()
            await until_stopped
    finally:
        for task in (ready, *background):
            task.cancel()
        stopping.set()
        (options.workdir / STATE_FILE).unlink(missing_ok=True)
        await asyncio.to_thread(_end_children, engine)
        await server


def _listen_for_mqtt_on(listener: socket.socket) -> None:
    """Makes MiniStack's MQTT broker listen on this socket; its own listens on every interface."""
    from ministack.services import iot

    async def listen() -> None:
        if iot._mtls_server is None:
            loop = asyncio.get_running_loop()
            iot._mtls_server = await loop.create_server(iot._MtlsAcceptor, sock=listener)
            iot._mtls_loop = loop

    iot._mtls_start_locked = listen


async def _become_ready(app: Any, options: Options, endpoint: str, mqtt_port: int, engine: Engine) -> None:
    """Waits until every port answers, starts the engine, writes ``cloud.json`` and reports readiness."""
    from ministack.services import iot

    await asyncio.to_thread(control.wait_until_serving, endpoint)
    await app._iot_mtls_task
    if app._iot_mtls_state != "listening":
        raise StartError(f"the MQTT listener is {app._iot_mtls_state}")
    # The broker's certificate is otherwise made when the first client connects, which then waits for its key.
    await iot._mtls_context()
    ca_file = options.workdir / "ca.pem"
    ca_file.write_text(iot.get_ca_cert_pem())
    if engine.exists:
        await asyncio.to_thread(engine.start)
    state = {
        "endpoint": endpoint,
        "region": REGION,
        "account_id": ACCOUNT,
        "mqtt_host": HOST,
        "mqtt_port": mqtt_port,
        "ca_file": str(ca_file),
        "pid": os.getpid(),
    }
    state_file = options.workdir / STATE_FILE
    partial = state_file.with_suffix(".partial")
    partial.write_text(json.dumps(state, indent=2) + "\n")
    partial.replace(state_file)
    if options.ready_fd is not None:
        os.write(options.ready_fd, b"ready\n")
        os.close(options.ready_fd)


def _end_children(engine: Engine) -> None:
    from ministack.core import lambda_runtime

    engine.kill()
    lambda_runtime.reset()


def _end(loop: asyncio.AbstractEventLoop, stopping: asyncio.Event) -> None:
    """Ends this process group when the lifeline is cut: politely first, then for certain."""
    loop.call_soon_threadsafe(stopping.set)
    time.sleep(GRACE_SECONDS)
    os.killpg(os.getpgrp(), signal.SIGKILL)
