"""How commands reach a lake: the only place that makes boto3 clients and says where MQTT connects.

On AWS, credentials, region and proxies come from where the AWS CLI takes them; without a region there, it is
that of the lake's MQTT endpoint. A local lake's folder says all of it, and nothing of the user's AWS settings
is used.

boto3 is imported where a session is made: commands that reach no lake do without it.
"""

import copy
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)
from botocore.exceptions import ConnectionError as NoConnectionError

from factory_lake.errors import AwsError
from factory_lake.gateway.connections import MQTT_PORT, Broker
from factory_lake.lake import Lake, output_at

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 20.0
_ATTEMPTS = 3
# Before any call has had an answer, one that gets none is made no more often: a wrong region fails soon.
_FIRST_ATTEMPTS = 2
_NO_ANSWER = (HTTPClientError, NoConnectionError)
# Of a local lake's buckets no name resolves, and loopback needs no proxy.
_LOCAL: dict[str, Any] = {"s3": {"addressing_style": "path"}, "proxies": {}}
# A link that names the bucket as a host has no region in it, and S3 redirects it while the bucket is young; the older
# signature works with no bucket that was made after June 2020.
_SIGNING: dict[str, Any] = {"s3": {"addressing_style": "path"}, "signature_version": "s3v4"}
_AWS_ENDPOINT = re.compile(r"[^.]+\.iot\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")


class Clients:
    """Makes boto3 clients of one lake."""

    def __init__(self, lake: Lake, *, region: str | None = None) -> None:
        """Prepare a session, in another region than the user's where one is given."""
        self._local = lake.local
        self._has_answered = False
        try:
            # Any: the stubs type a client by its name as it stands in the code.
            self._session: Any = _session(**{**self._settings(lake), **({"region_name": region} if region else {})})
        except ProfileNotFound as error:
            raise explained(error) from error

    @property
    def region(self) -> str | None:
        """The region that calls go to."""
        region: str | None = self._session.region_name
        return region

    def credentials(self) -> Any:
        """The credentials that calls are signed with, as they are now.

        Raises:
            AwsError: When there are none.
        """
        try:
            found = self._session.get_credentials()
            if found is None:
                raise NoCredentialsError
            return found.get_frozen_credentials()
        except BotoCoreError as error:
            raise explained(error) from error

    def acting_as(self, credentials: Mapping[str, Any]) -> Self:
        """The same place with the credentials that STS gave for a role."""
        other = copy.copy(self)
        other._session = _session(
            region_name=self.region,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
        )
        return other

    def client(
        self,
        service: str,
        *,
        attempts: int = _ATTEMPTS,
        connections: int = 10,
        endpoint: str | None = None,
        signs: bool = False,
    ) -> Any:
        """A client of one service.

        Args:
            service: Its name, as boto3 has it.
            attempts: How often a call is made at most.
            connections: How many are open at once.
            endpoint: The one that AWS gives for a video stream.
            signs: Whether it is one of S3 that signs links for others.

        Raises:
            AwsError: When no region is set.
        """
        from botocore.config import Config

        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            max_pool_connections=connections,
            retries={"mode": "standard", "total_max_attempts": attempts},
            **((_SIGNING if signs else {}) | (_LOCAL if self._local else {})),
        )
        try:
            client = self._session.client(
                service, endpoint_url=endpoint or (self._local.endpoint if self._local else None), config=config
            )
        except BotoCoreError as error:
            raise explained(error) from error
        client.meta.events.register_first("needs-retry", self._judge)
        return client

    def _judge(self, response: object, attempts: int, caught_exception: Exception | None, **_: object) -> None:
        """End the first call early when it gets no answer; botocore itself judges the others."""
        if response is not None:
            self._has_answered = True
        elif not self._has_answered and attempts >= _FIRST_ATTEMPTS and isinstance(caught_exception, _NO_ANSWER):
            raise caught_exception

    def _settings(self, lake: Lake) -> dict[str, Any]:
        if lake.local:
            return {
                "region_name": lake.local.region,
                "aws_access_key_id": lake.local.access_key_id,
                "aws_secret_access_key": lake.local.secret_access_key,
            }
        own = _AWS_ENDPOINT.fullmatch(str(lake.outputs.get("iot_endpoint")))
        return {"region_name": own[1]} if own and _session().region_name is None else {}


def _session(**settings: Any) -> Any:
    import boto3

    return boto3.Session(**settings)


def broker_of(lake: Lake, given: tuple[str, int] | None = None, ca_file: Path | None = None) -> Broker:
    """Where gateways connect: as given, or a local lake's broker, or the lake's output `iot_endpoint`.

    Raises:
        LakeError: When the output is missing.
    """
    if given is not None:
        return Broker(*given, ca_file)
    if lake.local:
        return Broker(lake.local.mqtt_host, lake.local.mqtt_port, ca_file or lake.local.ca_file)
    return Broker(str(output_at(lake.outputs, "iot_endpoint")), MQTT_PORT, ca_file)


def explained(error: BotoCoreError | ClientError) -> AwsError:
    """The same error with place, rule and value."""
    if isinstance(error, ClientError):
        details: dict[str, Any] = dict(error.response.get("Error", {}))
        at = next((f" {details[name]}" for name in ("BucketName", "Key", "Resource") if details.get(name)), "")
        return AwsError(f"AWS {error.operation_name}{at}", f"{details.get('Code')}: {details.get('Message')}")
    if isinstance(error, NoCredentialsError | PartialCredentialsError | CredentialRetrievalError):
        return AwsError("AWS credentials", f"must be in the environment or a profile, as for the AWS CLI: {error}")
    if isinstance(error, ProfileNotFound):
        return AwsError("AWS_PROFILE", f"must name a profile of the AWS CLI: {error}")
    if isinstance(error, NoRegionError):
        return AwsError("AWS_REGION", "must be set, or a region in the profile")
    if isinstance(error, _NO_ANSWER):
        where = urlsplit(str(error.kwargs.get("endpoint_url") or error.kwargs.get("proxy_url") or ""))
        place = f"{where.scheme}://{where.netloc}" if where.netloc else "AWS"
        return AwsError(place, f"must answer; are region and network right? ({type(error).__name__}: {error})")
    return AwsError("AWS", f"{type(error).__name__}: {error}")
