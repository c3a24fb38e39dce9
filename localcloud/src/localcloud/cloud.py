"""The handle of a local cloud: start it, reach it, break it, stop it.

boto3 is imported where a client is made: the cloud's own processes and commands do without it.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from localcloud.calls import CALL_SECONDS, CallError, call, control
from localcloud.processes import Child, StartError, end_group_of, is_running, spawn
from localcloud.settings import ACCESS_KEY, HOST, PLUGINS, PYTHONS, SECRET_KEY, STATE_FILE

START_SECONDS = 60.0
_STATE_FOLDERS = ("athena", "firehose", "kinesisvideo", "logs", "tmp")
_CLIENT: dict[str, Any] = {
    "connect_timeout": 5,
    # A client must wait longer than the longest function that it may invoke.
    "read_timeout": 320,
    "s3": {"addressing_style": "path"},
}


class FlushError(RuntimeError):
    """Not everything that was in the data streams has been delivered.

    Attributes:
        undelivered: what was not, as the delivery engine reports it.
    """

    def __init__(self, message: str, undelivered: Any = None) -> None:
        super().__init__(f"{message}: {json.dumps(undelivered)}" if undelivered else message)
        self.undelivered = undelivered


@dataclass(frozen=True)
class LocalCloud:
    """A running local cloud. As a context manager it stops the cloud that it has started.

    Attributes:
        workdir: folder of its state, logs and ``cloud.json``.
        endpoint: base URL of every AWS service.
        region: its only region.
        account_id: its only account.
        mqtt_host: where MQTT over TLS listens.
        mqtt_port: where MQTT over TLS listens.
        ca_file: PEM file that verifies the MQTT broker's certificate.
        pid: the core process, leader of the cloud's process group.
    """

    workdir: Path
    endpoint: str
    region: str
    account_id: str
    mqtt_host: str
    mqtt_port: int
    ca_file: Path
    pid: int
    _child: Child | None = None

    @classmethod
    def start(
        cls,
        workdir: Path,
        port: int = 0,
        mqtt_port: int = 0,
        *,
        detached: bool = False,
        pythons: Sequence[Path] | None = None,
        plugins: Sequence[str] = (),
    ) -> Self:
        """Start an empty cloud and return when all of it serves.

        Args:
            workdir: folder for its state and logs; what an earlier cloud left there is removed.
            port: HTTP port; 0 takes a free one.
            mqtt_port: port of MQTT over TLS; 0 takes a free one.
            detached: leave it running when this process ends. Otherwise it ends with this process, however that ends.
            pythons: interpreters with boto3 that Lambda functions may run on, beside this one; those of
                ``LOCALCLOUD_PYTHONS`` without.
            plugins: modules to install in the cloud's processes, see ``localcloud.plugins``.

        Raises:
            StartError: one runs in ``workdir`` already, or it did not come up. Nothing is left running.
        """
        workdir = workdir.resolve()
        if (running := cls._find(workdir)) is not None:
            raise StartError(f"{workdir}: a local cloud already runs at {running.endpoint}, process {running.pid}")
        for name in _STATE_FOLDERS:
            shutil.rmtree(workdir / name, ignore_errors=True)
        log = workdir / "logs" / "core.log"
        log.parent.mkdir(parents=True)

        def command(death_pipe_fd: int | None, ready_fd: int) -> Sequence[str]:
            return [
                *(sys.executable, "-m", "localcloud.server", "--workdir", str(workdir)),
                *("--port", str(port), "--mqtt-port", str(mqtt_port), "--ready-fd", str(ready_fd)),
                *(() if death_pipe_fd is None else ("--death-pipe-fd", str(death_pipe_fd))),
            ]

        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        if pythons is not None:
            environment[PYTHONS] = os.pathsep.join(map(str, pythons))
        if plugins:
            environment[PLUGINS] = ",".join(plugins)
        child = spawn(command, log=log, environment=environment, tied=not detached)
        child.wait_ready(START_SECONDS)
        return cls(**_described(workdir), _child=child)

    @classmethod
    def attach(cls, workdir: Path) -> Self:
        """The cloud that runs in ``workdir``.

        Raises:
            StartError: none does.
        """
        found = cls._find(workdir.resolve())
        if found is None:
            raise StartError(f"{workdir}: no local cloud runs here")
        return found

    @classmethod
    def _find(cls, workdir: Path) -> Self | None:
        try:
            found = cls(**_described(workdir))
        except FileNotFoundError:
            return None
        return found if is_running(found.pid, marker=str(workdir)) else None

    def stop(self) -> None:
        """Stop the cloud and everything that it started. Does nothing when it has stopped already."""
        if self._child is not None:
            self._child.stop()
        else:
            end_group_of(self.pid, marker=str(self.workdir))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self.stop()

    def client(self, service: str, credentials: Mapping[str, str] | None = None, *, attempts: int = 3) -> Any:
        """A boto3 client of this cloud.

        Args:
            service: boto3's name of the service.
            credentials: ``AccessKeyId``, ``SecretAccessKey`` and perhaps ``SessionToken``, as STS gives them;
                the account's root without.
            attempts: how often boto3 makes a call before it gives up.
        """
        from botocore.config import Config

        identity = credentials or {"AccessKeyId": ACCESS_KEY, "SecretAccessKey": SECRET_KEY}
        return self._session.client(
            service,
            endpoint_url=self.endpoint,
            config=Config(**_CLIENT, retries={"mode": "standard", "total_max_attempts": attempts}),
            aws_access_key_id=identity["AccessKeyId"],
            aws_secret_access_key=identity["SecretAccessKey"],
            aws_session_token=identity.get("SessionToken"),
        )

    @cached_property
    def _session(self) -> Any:
        import boto3

        return boto3.Session(region_name=self.region)

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """Environment variables that point AWS tools, Terraform and LocalStack's clients at this cloud.

        Args:
            base: an environment to add them to, without the AWS settings that it has.
        """
        foreign = ("AWS_", "LOCALSTACK_")
        kept = {name: value for name, value in (base or {}).items() if not name.startswith(foreign)}
        return {
            **kept,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "LOCALSTACK_HOST": self.endpoint.removeprefix("http://"),
        }

    def flush(self, names: Sequence[str] | None = None, timeout: float = 60.0) -> None:
        """Deliver everything that is in the data streams now, without waiting for buffers to fill.

        Args:
            names: delivery streams; all of them without.
            timeout: seconds to wait for the delivery.

        Raises:
            FlushError: something was not delivered, or the engine does not run.
        """
        engine = self.firehose.describe()
        if engine["state"] != "running":
            raise FlushError(f"the delivery engine is not running ({engine['state']})", engine)
        url = f"http://{HOST}:{engine['control_port']}/flush"
        wanted = {"names": None if names is None else list(names), "timeout": timeout}
        try:
            call("POST", url, wanted, timeout + CALL_SECONDS)
        except CallError as error:
            undelivered = error.answer.get("undelivered")
            raise FlushError(str(error.answer.get("message", error)), undelivered) from error
        except (OSError, HTTPException) as error:
            raise FlushError(f"the delivery engine did not answer: {error}", self.firehose.describe()) from error

    @property
    def firehose(self) -> EngineHandle:
        """The delivery engine."""
        return EngineHandle(self.endpoint)

    @property
    def faults(self) -> FaultsHandle:
        """Faults to inject."""
        return FaultsHandle(self.endpoint)

    def status(self) -> dict[str, Any]:
        """Where the cloud is and what of it runs, with the delivery engine's own account of its streams."""
        engine = self.firehose.describe()
        if engine["state"] == "running":
            engine = {**engine, "streams": call("GET", f"http://{HOST}:{engine['control_port']}/status")}
        mqtt = f"{self.mqtt_host}:{self.mqtt_port}"
        return {"endpoint": self.endpoint, "mqtt": mqtt, "pid": self.pid, "engine": engine}

    def control(self, method: str, name: str, arguments: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One of the cloud's own calls, ``name`` without its ``/_localcloud/``.

        Raises:
            CallError: it was refused.
        """
        return control(self.endpoint, method, name, arguments)


@dataclass(frozen=True)
class EngineHandle:
    """Kills and starts the delivery engine of the cloud at ``endpoint``."""

    endpoint: str

    def kill(self) -> None:
        """End the engine by SIGKILL, as the loss of its machine would."""
        control(self.endpoint, "POST", "engine", {"action": "kill"})

    def start(self) -> None:
        """Start the engine unless it runs; it goes on from its checkpoints."""
        control(self.endpoint, "POST", "engine", {"action": "start"})

    def describe(self) -> dict[str, Any]:
        """Its ``state``: running (with ``pid`` and ``control_port``), killed, died or not started."""
        answer: dict[str, Any] = control(self.endpoint, "GET", "status")["engine"]
        return answer


@dataclass(frozen=True)
class FaultsHandle:
    """Injects faults into the AWS calls of the cloud at ``endpoint``."""

    endpoint: str

    def add(
        self,
        *,
        service: str,
        operation: str,
        resource: str | None = None,
        error: str | None = None,
        times: int | None = 1,
        delay: float = 0.0,
        entries: Sequence[int] | None = None,
    ) -> str:
        """Make calls fail, or wait, before they reach their service.

        Args:
            service: boto3's name of the service.
            operation: the API's name of the operation, as ``PutRecord``.
            resource: text that the call must hold (in its path, query or body); any call without.
            error: error code to answer with; without one the call is only delayed.
            times: how many calls; ``None`` for all until the fault is taken away.
            delay: seconds that a call waits first, unless the fault is taken away meanwhile.
            entries: places, from 0 on, of the records of a PutRecords of Kinesis that fail with ``error`` (AWS has
                ProvisionedThroughputExceededException and InternalFailure) while the others are put. A call that has
                none of these places does not count.

        Returns:
            The fault's ID, for ``hits`` and ``remove``.
        """
        wanted: dict[str, Any] = {"service": service, "operation": operation, "resource": resource}
        wanted |= {"error": error, "times": times, "delay": delay}
        if entries is not None:
            wanted["entries"] = list(entries)
        return str(control(self.endpoint, "POST", "faults", wanted)["id"])

    def hits(self, fault: str) -> int:
        """How many calls the fault with this ID has met."""
        return int(control(self.endpoint, "GET", "faults")["hits"][fault])

    def remove(self, fault: str) -> int:
        """Take one fault away; calls that it holds go on at once.

        Returns:
            How many calls it has met.

        Raises:
            CallError: there is none with this ID.
        """
        return int(control(self.endpoint, "DELETE", "faults", {"id": fault})["hits"][fault])

    def clear(self) -> None:
        """Take all faults away; calls that they hold go on at once."""
        control(self.endpoint, "DELETE", "faults")


def _described(workdir: Path) -> dict[str, Any]:
    """The attributes of the handle that ``cloud.json`` holds."""
    state = json.loads((workdir / STATE_FILE).read_text())
    return {**state, "ca_file": Path(state["ca_file"]), "workdir": workdir}
