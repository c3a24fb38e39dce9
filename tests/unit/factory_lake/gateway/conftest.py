from collections.abc import Iterator

import pytest

from factory_lake.gateway.proxy import Proxy
from localcloud import LocalCloud
from tests.unit.factory_lake.gateway.fixtures import IotLake


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with LocalCloud.start(tmp_path_factory.mktemp("gateway-cloud")) as running:
        yield running


@pytest.fixture(scope="session")
def lake(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> IotLake:
    return IotLake(cloud, tmp_path_factory.mktemp("identities"))


@pytest.fixture
def proxy(cloud: LocalCloud) -> Iterator[Proxy]:
    with Proxy(cloud.mqtt_host, cloud.mqtt_port) as line:
        yield line
