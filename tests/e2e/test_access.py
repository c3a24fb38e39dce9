"""Who may do what in the applied lake: every call is made, as the role or as the gateway."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from factory_lake.gateway.identities import LANES, Source
from factory_lake.gateway.journal import Journal
from harness.access.clients import Clients
from harness.access.gateways import Attempt, View, attempts
from harness.access.matrix import differences, expected, expected_cells, tried
from harness.access.places import NAME, LakeUnderTest, places
from harness.access.policies import as_list, complaints, documents
from harness.access.principals import CLIP_FETCH, Principal, principals, rule_of, session
from harness.access.probes import PROBES
from harness.demo.messages import connections
from harness.lake import LocalLake
from localcloud.calls import CallError
from localcloud.testing.devices import Connection, Device, connection
from tests.e2e.plant import Factory, sample

OWN, FOREIGN = "krakow", "genoa"
_ELSEWHERE = "999999999999"


@pytest.fixture(scope="module")
def tested(lake: LocalLake) -> LakeUnderTest:
    """The lake, as the matrix needs it."""
    gateways = {factory: sorted(of)[0] for factory, of in lake.outputs["gateways"].items()}
    return LakeUnderTest(lake.outputs, lake.cloud, gateways, lake.variables["kms_keys"], Clients(lake.cloud))


@pytest.fixture(scope="module")
def roles(tested: LakeUnderTest) -> list[Principal]:
    """Every role of the factory."""
    iot = tested.root.of("iot")
    return principals(tested.outputs, tested.cloud, iot, OWN)


def test_each_role_may_do_what_the_table_says_and_nothing_else(tested: LakeUnderTest) -> None:
    verdicts = tried(tested, OWN, FOREIGN)
    assert differences(expected_cells(expected()), verdicts) == []


def test_a_role_is_given_to_its_own_service_for_its_own_resource(lake: LocalLake, roles: list[Principal]) -> None:
    for role in roles:
        refused = [
            replace(role, source_arn=role.source_arn.replace(lake.cloud.account_id, _ELSEWHERE)),
            replace(role, service="events"),
        ]
        if role.service != "lambda":  # which is only asked for its account: modules/factory_pipeline/transform.tf
            refused.append(replace(role, source_arn=role.source_arn.replace(OWN, FOREIGN)))
            if role.kind != "connections rule":  # which serves the rules of all the factory's client IDs
                refused.append(replace(role, source_arn=f"{role.source_arn}-2"))
        assert session(lake.cloud, role)["AccessKeyId"]
        for wanted in refused:
            with pytest.raises(CallError, match="not authorized to perform: sts:AssumeRole"):
                session(lake.cloud, wanted)


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("gateway", ["line-1", "line-2"])
def test_each_identity_may_do_what_the_table_says_and_nothing_else(
    lake: LocalLake, factory: Callable[[str], Factory], tmp_path: Path, gateway: str, lane: Any
) -> None:
    own = Source(OWN, gateway, lane)
    foreign = Source(FOREIGN, sorted(lake.outputs["gateways"][FOREIGN])[0], lane)
    peer = next(each for each in lake.outputs["gateways"][OWN] if each != gateway)
    iot = lake.cloud.client("iot")
    view = View(own, peer, foreign, lambda source: rule_of(iot, source.factory, source.lane))
    identity = connections(lake).identity(own)
    certificate = tmp_path / "certificate.pem"
    certificate.write_text(identity.certificate)
    device = Device("", "", certificate, identity.key_file)

    wrong = [
        attempt for attempt in attempts() if _succeeds(lake, device, view, attempt, factory(OWN)) != attempt.allowed
    ]
    assert wrong == []


def _succeeds(lake: LocalLake, device: Device, view: View, attempt: Attempt, factory: Factory) -> bool:
    target = attempt.target(view)
    # AWS takes one CONNECT of a client ID a second.
    lake.cloud.control("POST", "iot/connects/age", {"seconds": 2})
    if attempt.verb == "connect":
        with connection(lake.cloud, device, target) as mine:
            return mine.accepted.is_set()
    with connection(lake.cloud, device, view.own.client_id) as mine:
        assert mine.accepted.is_set()
        if attempt.verb == "subscribe":
            return _subscribes(mine, target)
        message = sample()
        if not (attempt.verb == "publish" and attempt.allowed):
            return mine.publish(target, message, retain=attempt.verb == "retain")
        # A message that arrives is one that the factory's reconciliation must know.
        with Journal.open(factory.journals, view.own) as journal:
            position = journal.add(message, time.time_ns() // 1_000_000)
            is_acknowledged = mine.publish(target, message)
            if is_acknowledged:
                journal.acked(position, time.time_ns() // 1_000_000)
            return is_acknowledged


def _subscribes(mine: Connection, topic: str) -> bool:
    granted = threading.Event()

    def on_subscribe(_client: Any, _data: Any, _id: Any, reasons: Any, _properties: Any) -> None:
        if not any(reason.is_failure for reason in reasons):
            granted.set()

    mine.client.on_subscribe = on_subscribe
    mine.client.subscribe(topic, qos=1)
    while not granted.is_set():
        if mine.dropped.wait(0.005):
            return False
    return True


# What each statement about a key is for: a call that is refused without it.
_GRANTS = {
    ("rule", "EncryptForOwnStream"): ("kinesis:PutRecord", "data stream"),
    ("rule", "EncryptFailedRecords"): ("s3:PutObject", "rule errors"),
    ("delivery", "DecryptOwnStream"): ("kinesis:GetRecords", "data stream"),
    ("delivery", "EncryptObjects"): ("s3:PutObject", "data"),
    ("transform", "EncryptForOwnStream"): ("kinesis:PutRecords", "data stream"),
    ("connections rule", "EncryptFailedRecords"): ("s3:PutObject", "connection rule errors"),
    ("connections delivery", "EncryptObjects"): ("s3:PutObject", "connections"),
    (CLIP_FETCH, "DecryptFootage"): ("kinesisvideo:GetClip", "video stream"),
    (CLIP_FETCH, "EncryptClips"): ("s3:PutObject", "clips"),
}


def test_each_grant_of_a_key_is_needed(tested: LakeUnderTest, roles: list[Principal]) -> None:
    """The matrix shows that the calls work with the keys; here each fails without its statement."""
    clients = Clients(tested.cloud)
    seen = set()
    for role in roles:
        grants = list(_without_grants(tested, role))
        if not grants:
            continue
        clients.become(session(tested.cloud, role))
        available = places(tested, role, FOREIGN)
        for sid, without in grants:
            action, on = _GRANTS[role.kind, sid]
            probe = next(each for each in PROBES if (each.action, each.on) == (action, on))
            arguments = probe.arguments_for(available[on]["own"][0])
            call = partial(getattr(clients.of(probe.service), probe.operation), **arguments)
            with without, pytest.raises(ClientError) as refused:
                call()
            assert re.search(r"not authorized to perform: kms:\w+ on resource", str(refused.value)), refused.value
            seen.add((role.kind, sid))
    assert seen == _GRANTS.keys()


def _without_grants(lake: LakeUnderTest, role: Principal) -> Iterator[tuple[str, AbstractContextManager[None]]]:
    """Each statement about a key in a role's policy, with what takes it away for a while."""
    iam = lake.root.of("iam")
    for name in iam.list_role_policies(RoleName=role.role_name)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role.role_name, PolicyName=name)["PolicyDocument"]
        for statement in document["Statement"]:
            if any(action.startswith("kms:") for action in as_list(statement["Action"])):
                yield statement["Sid"], _without(iam, role.role_name, name, document, statement)


@contextmanager
def _without(iam: Any, role: str, name: str, document: Any, statement: Any) -> Iterator[None]:
    left = [each for each in document["Statement"] if each != statement]
    put = partial(iam.put_role_policy, RoleName=role, PolicyName=name)
    put(PolicyDocument=json.dumps({**document, "Statement": left}))
    try:
        yield
    finally:
        put(PolicyDocument=json.dumps(document))


def test_a_log_group_takes_no_key_whose_policy_says_nothing_of_logs(tested: LakeUnderTest) -> None:
    """That it takes one with the documented policy has been shown by the apply."""
    logs, key = tested.root.of("logs"), tested.keys["logs"]
    with pytest.raises(ClientError, match="not allowed to be used"):
        logs.create_log_group(logGroupName=f"/elsewhere/{NAME}", kmsKeyId=key)


def test_objects_are_put_with_the_lakes_key_or_not_at_all(tested: LakeUnderTest, roles: list[Principal]) -> None:
    delivery = next(role for role in roles if role.kind == "delivery")
    clients = Clients(tested.cloud)
    clients.become(session(tested.cloud, delivery))
    target = places(tested, delivery, FOREIGN)["errors"]["own"][0]
    put = partial(clients.of("s3").put_object, Bucket=target["bucket"], Key=target["key"], Body=b"")
    keys = tested.keys

    put(ServerSideEncryption="aws:kms", SSEKMSKeyId=keys["buckets"])
    stored = tested.root.of("s3").head_object(Bucket=target["bucket"], Key=target["key"])
    assert stored["SSEKMSKeyId"] == keys["buckets"]
    tested.root.of("s3").delete_object(Bucket=target["bucket"], Key=target["key"])
    for other in (
        {"ServerSideEncryption": "AES256"},
        {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": keys["video"]},
    ):
        with pytest.raises(ClientError, match="explicit deny in a resource-based policy"):
            put(**other)


def test_the_state_holds_no_private_key(lake: LocalLake) -> None:
    state = _without_breaks(lake.terraform.state.read_text(encoding="utf-8"))
    keys = [path.read_text(encoding="utf-8") for path in lake.key_dir.rglob("*") if path.is_file()]
    assert len(keys) >= len(LANES) * sum(len(of) for of in lake.outputs["gateways"].values())
    for key in keys:
        assert any(spelling in _without_breaks(json.dumps(key)) for spelling in _spellings(key))
        assert not any(spelling in state for spelling in _spellings(key))
    assert "PRIVATE KEY" not in state
    assert "BEGIN CERTIFICATE REQUEST" in state


def _without_breaks(text: str) -> str:
    return text.replace("\\n", "")


def _spellings(pem: str) -> list[str]:
    """A key's secret number in hexadecimal, and in base64 at each place that it can have among bytes."""
    key = load_pem_private_key(pem.encode(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    secret = key.private_numbers().private_value.to_bytes((key.key_size + 7) // 8)
    whole = [secret[shift : shift + (len(secret) - shift) // 3 * 3] for shift in range(3)]
    return [secret.hex(), *(base64.b64encode(part).decode() for part in whole)]


def test_no_statement_allows_more_than_it_must(lake: LocalLake) -> None:
    """Every policy document in the state, whatever resource it is of."""
    found = list(documents(lake.terraform.resources()))
    assert {document.kind for document in found} >= {
        "aws_iam_role",
        "aws_iam_role_policy",
        "aws_iot_policy",
        "aws_s3_bucket_policy",
    }
    assert [complaint for document in found for complaint in complaints(document, lake.cloud.account_id)] == []
