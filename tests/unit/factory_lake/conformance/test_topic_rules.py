"""What the probes of rules make of what they find."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from factory_lake.conformance.probe import Differs
from factory_lake.conformance.topic_rules import check_error_document

_UUID = "0b6ee3a8-3a5c-4d1e-8f53-b6d6f5e1a0aa"
_KEY = f"errors/iot-rule/2026/03/09/1773043200123-{_UUID}.json"
_PAYLOAD = b"\xff payload"
_DOCUMENT: dict[str, Any] = {
    "ruleName": "failing",
    "topic": "run/refused/probe/measurements",
    "clientId": "publisher-probe",
    "base64OriginalPayload": base64.b64encode(_PAYLOAD).decode(),
    "failures": [{"failedAction": "KinesisAction", "failedResource": "s", "errorMessage": "denied"}],
}


def _check(key: str = _KEY, **changed: Any) -> None:
    document = {name: value for name, value in {**_DOCUMENT, **changed}.items() if value is not None}
    check_error_document(key, document, _PAYLOAD, [_DOCUMENT["topic"]], "failing", "publisher-probe")


def test_an_error_document_as_it_is_read_passes() -> None:
    _check()


@pytest.mark.parametrize(
    ("changed", "seen"),
    [
        ({"key": "errors/iot-rule/x.json"}, "the key is"),
        ({"key": _KEY.replace("/09/", "/10/")}, "another day"),
        ({"topic": "other"}, "topic is 'other'"),
        ({"ruleName": None}, "ruleName of the error document"),
        ({"clientId": "N/A"}, "clientId of the error document"),
        ({"base64OriginalPayload": "AAAA"}, "base64OriginalPayload of the error document"),
        ({"failures": None}, "failures is not a list"),
        ({"failures": []}, "failures is not a list"),
        ({"failures": [{"failedAction": "KinesisAction"}]}, "failures is not a list"),
    ],
)
def test_each_other_error_document_differs(changed: dict[str, Any], seen: str) -> None:
    with pytest.raises(Differs, match=re.escape(seen)):
        _check(**changed)
