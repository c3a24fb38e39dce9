"""MQTT over WebSocket, signed: the account's root user, and a user who needs permissions."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from paho.mqtt.enums import CallbackAPIVersion

from localcloud import LocalCloud
from localcloud.settings import ACCESS_KEY, SECRET_KEY
from localcloud.testing.devices import PATIENCE, arn

pytestmark = pytest.mark.cloud


def connects(cloud: LocalCloud, credentials: Mapping[str, str], client_id: str) -> bool:
    """Whether the broker accepts a signed connection."""
    host = cloud.client("iot").describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
    request = AWSRequest("GET", f"https://{host}/mqtt")
    signer = Credentials(credentials["AccessKeyId"], credentials["SecretAccessKey"])
    SigV4QueryAuth(signer, "iotdevicegateway", cloud.region).add_auth(request)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id, transport="websockets", reconnect_on_failure=False)
    client.ws_set_options(f"/mqtt?{urlsplit(str(request.url)).query}", {"Host": host})
    answered, accepted = threading.Event(), threading.Event()

    def on_connect(_client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if not reason.is_failure:
            accepted.set()
        answered.set()

    client.on_connect = on_connect
    client.on_disconnect = lambda *_: answered.set()
    where = urlsplit(cloud.endpoint)
    client.connect(where.hostname or "", where.port or 80)
    client.loop_start()
    try:
        assert answered.wait(PATIENCE)
        return accepted.is_set()
    finally:
        client.disconnect()
        client.loop_stop()


@pytest.fixture
def user(cloud: LocalCloud) -> Mapping[str, str]:
    """An access key of a user without permissions, and the user's name."""
    iam, name = cloud.client("iam"), f"user-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    key: Mapping[str, str] = iam.create_access_key(UserName=name)["AccessKey"]
    return key


def permit(cloud: LocalCloud, user: Mapping[str, str], action: str, resource: str) -> None:
    statement = {"Effect": "Allow", "Action": action, "Resource": arn(cloud, resource)}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam = cloud.client("iam")
    iam.put_user_policy(UserName=user["UserName"], PolicyName=action.replace(":", "-"), PolicyDocument=document)


def test_the_root_user_may_connect(cloud: LocalCloud) -> None:
    assert connects(cloud, {"AccessKeyId": ACCESS_KEY, "SecretAccessKey": SECRET_KEY}, "root-1")


def test_a_user_needs_the_permission(cloud: LocalCloud, user: Mapping[str, str]) -> None:
    assert not connects(cloud, user, "user-1")
    permit(cloud, user, "iot:Connect", "client/user-1")
    assert connects(cloud, user, "user-1")
    assert not connects(cloud, user, "user-2")


def test_a_connection_is_told_to_who_may_see_it(cloud: LocalCloud, user: Mapping[str, str]) -> None:
    data = cloud.client("iot-data", user)
    with pytest.raises(ClientError, match=r"not authorized|AccessDenied|Forbidden"):
        data.get_connection(clientId="c")
    permit(cloud, user, "iot:GetConnection", "client/c")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        data.get_connection(clientId="c")
