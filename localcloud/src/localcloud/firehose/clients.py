"""AWS clients with a role's credentials, as a service principal gets them.

On AWS, Firehose assumes the roles of a delivery stream itself. Here the core process plays that part: its call
``service-credentials`` evaluates the role's trust policy for the service principal and answers with a session.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.error import URLError

import botocore.session
from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError

from localcloud.calls import CallError, control
from localcloud.firehose.errors import RoleRefusedError

SERVICE = "firehose.amazonaws.com"
LAMBDA_SECONDS = 300
"""Firehose waits at most five minutes for the transform function."""

_STALE = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "UnrecognizedClientException",
}
_CALL_SECONDS = 30

ClientFactory = Callable[[str, str], Any]
"""(service, role ARN) to a client of that service with the role's credentials."""


class RoleClients:
    """Makes and keeps clients, one for each delivery stream, role and service, for any number of threads."""

    def __init__(self, endpoint: str, region: str) -> None:
        self.endpoint = endpoint
        self.region = region
        self._lock = threading.Lock()
        self._loader = botocore.session.get_session().get_component("data_loader")
        self._sessions: dict[tuple[str, str], botocore.session.Session] = {}
        self._clients: dict[tuple[str, str, str], BaseClient] = {}

    def own(self, service: str) -> Any:
        """A client with the credentials of this process's environment."""
        session = botocore.session.get_session()
        session.register_component("data_loader", self._loader)
        return self._create(session, service)

    def of(self, source_arn: str) -> ClientFactory:
        """The clients of one delivery stream, whose ARN is the aws:SourceArn of the roles' trust policies."""
        return lambda service, role_arn: self._client(source_arn, role_arn, service)

    def intake(self, name: str, wanted: dict[str, Any]) -> dict[str, Any]:
        """Records that were put into a delivery stream, from the core process.

        Raises:
            CallError, OSError: It did not give any.
        """
        return control(self.endpoint, "POST", "firehose/records", {"name": name, **wanted})

    def news(self, number: int, seconds: float) -> dict[str, Any]:
        """What the core process has to tell behind a number, once there is something or the seconds are over.

        Raises:
            CallError, OSError: It did not answer.
        """
        return control(self.endpoint, "POST", "news", {"number": number, "seconds": seconds})

    def forget(self, source_arn: str) -> None:
        """Drop a delivery stream's sessions: the next use of each role is judged anew."""
        with self._lock:
            self._sessions = {key: value for key, value in self._sessions.items() if key[0] != source_arn}
            self._clients = {key: value for key, value in self._clients.items() if key[0] != source_arn}

    def _client(self, source_arn: str, role_arn: str, service: str) -> Any:
        with self._lock:
            client = self._clients.get((source_arn, role_arn, service))
            if client is None:
                session = self._sessions.get((source_arn, role_arn))
                if session is None:
                    session = self._sessions[source_arn, role_arn] = self._session(source_arn, role_arn)
                client = self._clients[source_arn, role_arn, service] = self._create(session, service)
            return client

    def _session(self, source_arn: str, role_arn: str) -> botocore.session.Session:
        def refresh() -> dict[str, str]:
            return _service_credentials(self.endpoint, role_arn, source_arn)

        session = botocore.session.Session()
        session.register_component("data_loader", self._loader)
        credentials = RefreshableCredentials.create_from_metadata(refresh(), refresh, "service-role")
        # botocore offers no other way to hand a session credentials that renew themselves.
        session._credentials = credentials  # type: ignore[attr-defined]
        return session

    def _create(self, session: botocore.session.Session, service: str) -> Any:
        return session.create_client(
            service,
            region_name=self.region,
            endpoint_url=self.endpoint,
            config=Config(
                connect_timeout=5,
                read_timeout=LAMBDA_SECONDS if service == "lambda" else _CALL_SECONDS,
                retries={"total_max_attempts": 1},  # every retry is Firehose's own, counted and bounded by its rules
                s3={"addressing_style": "path"},
                proxies={},
            ),
        )


def _service_credentials(endpoint: str, role_arn: str, source_arn: str) -> dict[str, str]:
    """A session of the role in botocore's refresh format.

    Raises:
        RoleRefusedError: The role's trust policy does not allow it, or the role does not exist.
    """
    wanted = {"role_arn": role_arn, "service": SERVICE, "source_arn": source_arn}
    try:
        answer = control(endpoint, "POST", "service-credentials", wanted)
    except CallError as error:
        raise RoleRefusedError(role_arn, str(error.answer.get("message", error))) from error
    return {
        "access_key": answer["AccessKeyId"],
        "secret_key": answer["SecretAccessKey"],
        "token": answer["SessionToken"],
        "expiry_time": datetime.fromtimestamp(answer["Expiration"], UTC).isoformat(),
    }


def error_code(error: Exception) -> str:
    """A short name of what went wrong: AWS's error code where there is one."""
    if isinstance(error, ClientError):
        return str(error.response["Error"]["Code"])
    return type(error).__name__


def is_stale(error: Exception) -> bool:
    """Whether the session itself is at fault, so that a new one may help."""
    return error_code(error) in _STALE


CALL_ERRORS = (BotoCoreError, ClientError, RoleRefusedError, URLError, ConnectionError, TimeoutError)
"""What a call with a role's client may raise."""
