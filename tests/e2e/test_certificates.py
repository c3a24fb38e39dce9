"""Requests and certificates of gateways: what counts as another request, and how a certificate goes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from factory_lake.gateway.csr import csr_path, make_csr
from harness.lake import LocalLake, TerraformError
from harness.lake.local import CERTIFICATE

FACTORY = "nancy"
CLIENT_ID = f"{FACTORY}-cell-measurements"
_MODULE = f'module.lake.module.factory_pipeline["{FACTORY}"]'


@pytest.fixture
def request_file(lake: LocalLake) -> Iterator[Path]:
    """The request of an applied certificate; it is restored."""
    path = csr_path(lake.csr_dir, CLIENT_ID, CERTIFICATE)
    content = path.read_bytes()
    yield path
    path.write_bytes(content)


def _address(resource: str, request: Path) -> str:
    return f'{_MODULE}.{resource}.identity["{request.parent.name}/{request.name}"]'


SPELLINGS: tuple[Callable[[bytes], bytes], ...] = (
    lambda pem: pem.replace(b"\n", b"\r\n"),
    lambda pem: pem.rstrip(b"\n"),
    lambda pem: pem + b"\n\nfrom the gateway\n",
)


def test_a_second_apply_changes_nothing_even_where_requests_are_spelled_otherwise(lake: LocalLake) -> None:
    """Be it in the file, or in the state of a lake whose certificate was made from such bytes."""
    requests = sorted(lake.csr_dir.glob("*/*.pem"))[: 2 * len(SPELLINGS)]
    pems = {path: path.read_bytes() for path in requests}
    before = state = lake.terraform.state.read_text(encoding="utf-8")
    for number, spelled in enumerate(SPELLINGS):
        in_file, in_state = requests[2 * number : 2 * number + 2]
        in_file.write_bytes(spelled(pems[in_file]))
        kept, older = (json.dumps(pem.decode()) for pem in (pems[in_state], spelled(pems[in_state])))
        assert state.count(kept) == 1
        state = state.replace(kept, older)
    lake.terraform.state.write_text(state, encoding="utf-8")
    try:
        assert lake.terraform.changes(lake.variables) == []
    finally:
        lake.terraform.state.write_text(before, encoding="utf-8")
        for path, pem in pems.items():
            path.write_bytes(pem)


def test_another_request_replaces_a_certificate_only_on_purpose(
    lake: LocalLake, request_file: Path, tmp_path: Path
) -> None:
    other = make_csr(CLIENT_ID, "other", tmp_path / "csr", tmp_path / "keys")
    request_file.write_bytes(other.csr.read_bytes())

    with pytest.raises(TerraformError) as refused:
        lake.terraform.changes(lake.variables, "-refresh=false")

    message = " ".join(str(refused.value).split())
    assert f"{request_file} must stay the request that its certificate was made from, got another one" in message
    certificate = _address("aws_iot_certificate", request_file)
    resource = certificate.split('"].', 1)[1]
    assert f"terraform apply -replace='<address of the module>.{resource}'" in message
    changes = lake.terraform.changes(lake.variables, "-refresh=false", f"-replace={certificate}")
    assert {change.address for change in changes} == {
        certificate,
        _address("aws_iot_policy_attachment", request_file),
        _address("aws_iot_thing_principal_attachment", request_file),
        "output.lake",
    }


def test_what_is_not_yet_detached_goes_with_the_next_apply(lake: LocalLake) -> None:
    """AWS IoT detaches certificates asynchronously, and the provider does not wait for it."""
    iot = lake.cloud.client("iot")
    factories = lake.variables["factories"]
    without_spare = {**factories, FACTORY: {**factories[FACTORY], "gateways": ["cell"]}}
    second_id = _certificate_id(
        lake, lake.outputs["gateways"][FACTORY]["cell"]["measurements"]["certificate_pems"]["second.pem"]
    )

    csr_path(lake.csr_dir, CLIENT_ID, "second").unlink()
    for folder in lake.csr_dir.glob(f"{FACTORY}-spare-*"):
        shutil.rmtree(folder)
    faults = [
        lake.cloud.faults.add(service="iot", operation=operation, resource=resource, error=error, times=times)
        for operation, resource, error, times in (
            ("DeleteCertificate", second_id, "DeleteConflictException", 1),
            ("DeleteCertificate", None, "DeleteConflictException", 1),
            ("DeleteThing", None, "InvalidRequestException", 1),
            ("DeletePolicy", None, "DeleteConflictException", 1),  # which the provider tries again by itself
        )
    ]
    with pytest.raises(TerraformError) as refused:
        lake.apply(without_spare, refresh=False)

    assert [lake.cloud.faults.hits(fault) for fault in faults] == [1, 1, 1, 1]
    message = str(refused.value)
    assert f"deleting IoT Certificate ({second_id})" in message
    assert "DeleteConflictException" in message
    assert f"deleting IoT Thing ({FACTORY}-spare-" in message
    assert "deleting IoT Policy" not in message
    # The certificate is of no use to a gateway all the same.
    left = iot.describe_certificate(certificateId=second_id)["certificateDescription"]
    assert left["status"] == "INACTIVE"

    lake.apply(without_spare)
    with pytest.raises(iot.exceptions.ResourceNotFoundException):
        iot.describe_certificate(certificateId=second_id)
    things = [thing["thingName"] for thing in iot.list_things(maxResults=250)["things"]]
    assert sorted(name for name in things if name.startswith(f"{FACTORY}-")) == [
        f"{FACTORY}-cell-configuration",
        f"{FACTORY}-cell-measurements",
    ]


def _certificate_id(lake: LocalLake, pem: str) -> str:
    iot = lake.cloud.client("iot")
    known = [each["certificateId"] for each in iot.list_certificates(pageSize=250)["certificates"]]
    (found,) = [
        one
        for one in known
        if iot.describe_certificate(certificateId=one)["certificateDescription"]["certificatePem"] == pem
    ]
    return str(found)
