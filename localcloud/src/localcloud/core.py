"""The core process at work: MiniStack with the extensions and patches in it, served until it is stopped.

``server`` imports this module once it has set MiniStack's environment, so everything that is imported from
here on may import MiniStack as any other module. What MiniStack lacks or gets wrong is put right by the
extensions and by the modules under ``patches``; each says in its docstring what it replaces and why.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from ministack import app as ministack_app
from ministack.core import lambda_runtime
from ministack.services import iot

from localcloud import authorizations, control, faults, news, replay, time_control
from localcloud.athena import extension as athena
from localcloud.cloudwatch import extension as cloudwatch
from localcloud.engine_process import EngineProcess
from localcloud.firehose import controlplane as firehose
from localcloud.iot import broker
from localcloud.iot import extension as iot_core
from localcloud.kinesisvideo import service as kinesisvideo
from localcloud.lambdas import extension as lambdas
from localcloud.patches import (
    encryption,
    glue_table_versions,
    iam,
    iam_requests,
    iam_simulation,
    kinesis_puts,
    kinesis_shards,
    s3_missing_objects,
)
from localcloud.processes import GRACE_SECONDS, StartError, watch_parent_death_pipe
from localcloud.settings import ACCOUNT, HOST, REGION, STATE_FILE

# In this order: each gets what the ones before it have made of MiniStack.
INSTALLS: Final[tuple[Callable[[Any], object], ...]] = (
    iot_core.install,
    lambdas.install,
    firehose.install,
    athena.install,
    kinesisvideo.install,
    kinesis_puts.install,
    cloudwatch.install,
    time_control.install,
    encryption.install,
    glue_table_versions.install,
    authorizations.install,
    iam.install,
    iam_requests.install,
    iam_simulation.install,
    kinesis_shards.install,
    s3_missing_objects.install,
)


def install() -> None:
    """Put the extensions and patches into MiniStack."""
    for part in INSTALLS:
        part(ministack_app)


async def serve(
    workdir: Path,
    http: socket.socket,
    mqtt: socket.socket,
    engine: EngineProcess,
    *,
    ready_fd: int | None,
    death_pipe_fd: int | None,
) -> None:
    """Serve until SIGTERM, SIGINT or the end of the parent-death pipe (``death_pipe_fd``, its reading end, if any).

    Readiness is reported to ``ready_fd``, and ``cloud.json`` written into ``workdir``, once every port answers.
    """
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if death_pipe_fd is not None:
        watch_parent_death_pipe(death_pipe_fd, lambda: _end(loop, stopping))
    endpoint = f"http://{HOST}:{http.getsockname()[1]}"
    control.provide_engine(engine)
    broker.listen_on(mqtt)
    config = Config()
    config.bind = [f"fd://{http.detach()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    app = control.layer(news.layer(replay.layer(faults.layer(ministack_app.app))))
    server = asyncio.create_task(hypercorn_serve(app, config, shutdown_trigger=stopping.wait))
    server.add_done_callback(lambda _: stopping.set())
    until_stopped = asyncio.create_task(stopping.wait())
    background = control.start_background()
    ready = asyncio.create_task(_become_ready(workdir, endpoint, mqtt.getsockname()[1], engine, ready_fd))
    try:
        await asyncio.wait({ready, until_stopped}, return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            ready.result()
            await until_stopped
    finally:
        for task in (ready, *background):
            task.cancel()
        stopping.set()
        (workdir / STATE_FILE).unlink(missing_ok=True)
        await asyncio.to_thread(_end_children, engine)
        await server


async def _become_ready(
    workdir: Path, endpoint: str, mqtt_port: int, engine: EngineProcess, ready_fd: int | None
) -> None:
    """Wait until every port answers, start the engine, write ``cloud.json`` and report readiness."""
    await asyncio.to_thread(control.wait_until_serving, endpoint)
    await ministack_app._iot_mtls_task
    if ministack_app._iot_mtls_state != "listening":
        raise StartError(f"the MQTT listener is {ministack_app._iot_mtls_state}")
    # The broker's certificate is otherwise made when the first client connects, which then waits for its key.
    await iot._mtls_context()
    ca_file = workdir / "ca.pem"
    ca_file.write_text(iot.get_ca_cert_pem())
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
    state_file = workdir / STATE_FILE
    partial = state_file.with_suffix(".partial")
    partial.write_text(json.dumps(state, indent=2) + "\n")
    partial.replace(state_file)
    if ready_fd is not None:
        os.write(ready_fd, b"ready\n")
        os.close(ready_fd)


def _end_children(engine: EngineProcess) -> None:
    engine.kill()
    lambda_runtime.reset()


def _end(loop: asyncio.AbstractEventLoop, stopping: asyncio.Event) -> None:
    """End this process group when the starter is gone: politely first, then for certain."""
    loop.call_soon_threadsafe(stopping.set)
    time.sleep(GRACE_SECONDS)
    os.killpg(os.getpgrp(), signal.SIGKILL)
