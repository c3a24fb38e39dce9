"""boto3 clients that act for one caller after the other.

A client takes longer to make than twenty calls to be answered, and the matrix has seven callers and as many
services as the lake. So there is one client a service, whose credentials are exchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import botocore.session
from botocore.config import Config

from localcloud import LocalCloud
from localcloud.settings import ACCESS_KEY, SECRET_KEY


class Clients:
    """Clients of a local cloud: they act for the account's root, and after `become` for its caller."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._endpoint = cloud.endpoint
        self._session = botocore.session.Session()
        self._session.set_config_variable("region", cloud.region)
        self._session.set_credentials(ACCESS_KEY, SECRET_KEY)
        self._clients: dict[str, Any] = {}

    def become(self, credentials: Mapping[str, str]) -> None:
        """Act for another caller from now on."""
        # Clients keep the object and read it at every call.
        held: Any = self._session.get_credentials()
        held.access_key = credentials["AccessKeyId"]
        held.secret_key = credentials["SecretAccessKey"]
        held.token = credentials.get("SessionToken")

    def of(self, service: str) -> Any:
        """The client of a service, by boto3's name of it."""
        if service not in self._clients:
            self._clients[service] = self._session.create_client(
                service,
                endpoint_url=self._endpoint,
                config=Config(
                    retries={"mode": "standard", "total_max_attempts": 3}, s3={"addressing_style": "path"}, proxies={}
                ),
            )
        return self._clients[service]
