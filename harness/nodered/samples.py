"""Numbered samples in every form that DeviceHub's messages may have, and what of them the data stream holds."""

import base64
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Form = Literal["text", "bytes", "object"]
_FORMS: Sequence[Form] = ("text", "bytes", "object")
#: What is not one JSON object, by its form; each goes alone, so that the lake rejects it alone.
ODD: Sequence[tuple[Form, bytes]] = (
    ("text", b"not JSON"),
    ("text", b'{"value":1}{"value":2}'),
    ("text", b'{"value":'),
    ("bytes", b'{"value":"\xff\xfe"}'),
    ("bytes", b"\xef\xbb\xbf{}"),
)


@dataclass(frozen=True)
class Sample:
    """A sample as DeviceHub hands it over.

    Attributes:
        number: Its number, which its tag's name holds.
        form: Of the payload: `object` is parsed already.
        payload: The message.
    """

    number: int
    form: Form
    payload: bytes

    @classmethod
    def make(cls, number: int, begin_ms: int) -> "Sample":
        """The sample of a number; its value is spelled with a zero that a parser would drop."""
        keys = {
            "datatype": "float64",
            "description": "",
            "deviceID": "0bdd6173-b5a7-51eb-9f7a-f45b7459c3de",
            "deviceName": "Press 1 (Größe L)",
            "metadata": {},
            "registerId": "c7bcff30-ff82-51c7-8e9c-50547ef82ba6",
            "success": True,
            "tagName": f"sample-{number:05}",
            "timestamp": begin_ms + number,
        }
        text = json.dumps(keys, ensure_ascii=False, separators=(",", ":"))
        return cls(number, _FORMS[number % len(_FORMS)], f'{text[:-1]},"value":{number}.50}}'.encode())

    @property
    def line(self) -> str:
        """As `harness/nodered/feeder.js` reads it."""
        return feed_line(self.form, self.payload)


def feed_line(form: Form, payload: bytes) -> str:
    """A line of a request to the feeder."""
    return f"{form} {base64.b64encode(payload).decode('ascii')}"


@dataclass
class Arrivals:
    """What the records of a data stream hold.

    Attributes:
        records: How many.
        samples: How often each sample's number is in them.
        odd: How often each payload of `ODD` is a record by itself.
        respelled: Numbers of samples that came as text or bytes and are not there as they were spelled.
        unknown: Records that are none of these.
    """

    records: int = 0
    samples: Counter[int] = field(default_factory=Counter)
    odd: Counter[bytes] = field(default_factory=Counter)
    respelled: list[int] = field(default_factory=list)
    unknown: list[bytes] = field(default_factory=list)

    @classmethod
    def read(cls, records: Iterable[bytes], sent: Sequence[Sample]) -> "Arrivals":
        """Count what the records hold."""
        arrivals = cls()
        by_number = {sample.number: sample for sample in sent}
        odd = {payload for _, payload in ODD}
        for record in records:
            arrivals.records += 1
            if record in odd:
                arrivals.odd[record] += 1
                continue
            try:
                document = json.loads(record)
                elements = document["samples"] if document.keys() == {"samples"} else [document]
                numbers = [_number(element) for element in elements]
            except (ValueError, AttributeError, KeyError):
                arrivals.unknown.append(record)
                continue
            arrivals.samples.update(numbers)
            arrivals.respelled += [
                number
                for number in numbers
                if by_number[number].form != "object" and by_number[number].payload not in record
            ]
        return arrivals

    @property
    def twice(self) -> int:
        """Copies of samples beyond the first."""
        return self.samples.total() - len(self.samples)

    def lost(self, sent: Sequence[Sample]) -> list[int]:
        """Numbers of samples that are nowhere."""
        return [sample.number for sample in sent if sample.number not in self.samples]


def _number(element: dict[str, Any]) -> int:
    return int(element["tagName"].removeprefix("sample-"))
