"""Requests and certificates of gateways: what counts as another request, and how a certificate goes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools.gateway.csr import csr_path, make_csr
from tools.lake import LocalLake, TerraformError
from tools.lake.local import CERTIFICATE

FACTORY = "nancy"
CLIENT_ID = f"{FACTORY}-cell-measurements"
_MODULE = f'module.lake.module.factory_pipeline["{FACTORY}"]'


@pytest.fixture
def request_file(lake: LocalLake) -> Iterator[Path]:
    """The request of an applied certificate; it is put back."""
    path = csr_path(lake.csr_dir, CLIENT_ID, CERTIFICATE)
    content = path.read_bytes()
    yield path
    path.write_bytes(content)


def _address(resource: str, request: Path) -> str:
    return f'{_MODULE}.{resource}.identity["{request.parent.name}/{request.name}"]'


@pytest.mark.parametrize(
    "spelled",
    [
        lambda pem: pem.replace(b"\n", b"\r\n"),
        lambda pem: pem.rstrip(b"\n"),
        lambda pem: pem + b"\n\nfrom the gateway\n",
    ],
    ids=["CRLF", "no last newline", "text behind"],
)
def test_a_request_that_is_spelled_otherwise_changes_nothing(
    lake: LocalLake, request_file: Path, spelled: Callable[[bytes], bytes]
) -> None:
    """Neither in the file, nor in the state of a lake whose certificate was made from such bytes."""
    pem = request_file.read_bytes()
    request_file.write_bytes(spelled(pem))
    assert lake.terraform.changes(lake.variables) == []

    request_file.write_bytes(pem)
    state = lake.terraform.state.read_text(encoding="utf-8")
    kept, older = json.dumps(pem.decode()), json.dumps(spelled(pem).decode())
    assert state.count(kept) == 1
    lake.terraform.state.write_text(state.replace(kept, older), encoding="utf-8")
    try:
        assert lake.terraform.changes(lake.variables) == []
    finally:
        lake.terraform.state.write_text(state, encoding="utf-8")


def test_another_request_replaces_a_certificate_only_on_purpose(
    lake: LocalLake, request_file: Path, tmp_path: Path
) -> None:
    other = make_csr(CLIENT_ID, "other", tmp_path / "csr", tmp_path / "keys")
    request_file.write_bytes(other.csr.read_bytes())

    with pytest.raises(TerraformError) as refused:
        lake.terraform.changes(lake.variables)

    told = " ".join(str(refused.value).split())
    assert f"{request_file} must stay the request that its certificate was made from, got another one" in told
    certificate = _address("aws_iot_certificate", request_file)
    assert f"terraform apply -replace='{certificate}'" in told
    changes = lake.terraform.changes(lake.variables, f"-replace={certificate}")
    assert {change["address"] for change in changes} == {
        certificate,
        _address("aws_iot_policy_attachment", request_file),
        _address("aws_iot_thing_principal_attachment", request_file),
        "output.gateways",
    }


def test_a_certificate_that_is_not_yet_detached_goes_with_the_next_apply(lake: LocalLake) -> None:
    """AWS IoT detaches things from certificates asynchronously, and the provider does not wait for it."""
    iot = lake.cloud.client("iot")
    second = make_csr(CLIENT_ID, "second", lake.csr_dir, lake.key_dir)
    lake.apply()
    pems = lake.outputs["gateways"][FACTORY]["cell"]["measurements"]["certificate_pems"]
    (certificate_id,) = [
        each["certificateId"]
        for each in iot.list_certificates(pageSize=250)["certificates"]
        if iot.describe_certificate(certificateId=each["certificateId"])["certificateDescription"][
            "certificatePem"
        ]
        == pems["second.pem"]
    ]

    second.csr.unlink()
    lake.cloud.faults.add(service="iot", operation="DeleteCertificate", error="DeleteConflictException")
    with pytest.raises(TerraformError, match="DeleteConflictException"):
        lake.apply()
    # The gateway is shut out all the same.
    left = iot.describe_certificate(certificateId=certificate_id)["certificateDescription"]
    assert left["status"] == "INACTIVE"

    lake.apply()
    with pytest.raises(iot.exceptions.ResourceNotFoundException):
        iot.describe_certificate(certificateId=certificate_id)
    assert lake.terraform.changes(lake.variables) == []


def test_a_gateway_that_is_not_yet_detached_goes_with_the_next_apply(lake: LocalLake) -> None:
    iot = lake.cloud.client("iot")
    factories = lake.variables["factories"]
    lake.apply({**factories, FACTORY: {**factories[FACTORY], "gateways": ["cell", "spare"]}})
    for folder in lake.csr_dir.glob(f"{FACTORY}-spare-*"):
        shutil.rmtree(folder)

    faults = [
        lake.cloud.faults.add(service="iot", operation=operation, error=error)
        for operation, error in (
            ("DeleteCertificate", "DeleteConflictException"),
            ("DeleteThing", "InvalidRequestException"),
            ("DeletePolicy", "DeleteConflictException"),  # for which the provider tries again by itself
        )
    ]
    with pytest.raises(TerraformError) as refused:
        lake.apply(factories)
    assert [lake.cloud.faults.hits(fault) for fault in faults] == [1, 1, 1]
    told = str(refused.value)
    assert "deleting IoT Certificate" in told
    assert "deleting IoT Thing" in told
    assert "deleting IoT Policy" not in told

    lake.apply(factories)
    things = [thing["thingName"] for thing in iot.list_things(maxResults=250)["things"]]
    assert f"{FACTORY}-cell-measurements" in things
    assert not [name for name in things if name.startswith(f"{FACTORY}-spare-")]
    assert lake.terraform.changes(lake.variables) == []
