"""A document that was written anew is told from one that lost something."""

import pytest

from factory_lake.conformance.payloads import differences, told


@pytest.mark.parametrize(
    ("sent", "got", "said"),
    [
        (b'{"a": 1.10}', b'{"a": 1.10}', ()),
        (b"\xff\x00", b"\xff\x00", ()),
        (b'{"a": 1}', b'{"a":1}', ("white space",)),
        (b'{"a": 1}\n', b'{"a": 1}', ("white space",)),
        (b'{"a": " 1 "}', b'{"a":" 1 "}', ("white space",)),
        (b'{"a":1.10}', b'{"a":1.1}', ("spelling of numbers",)),
        (b'{"a":[-0.0,1E+2]}', b'{"a":[0,100]}', ("spelling of numbers",)),
        (b'{"a":12345678901234567890.5}', b'{"a":12345678901234567000}', ("values",)),
        (b'{"b":1,"a":2}', b'{"a":2,"b":1}', ("order of keys",)),
        (b'{"a":1,"b":3,"a":2}', b'{"a":2,"b":3}', ("repeated keys",)),
        (b'{"a":1,"a":2}', b'{"a":2,"a":1}', ("values",)),
        (b'{"x":{"b":1.0,"a":2}}', b'{"x":{"a":2,"b":1}}', ("order of keys", "spelling of numbers")),
        (b'{"a":"\\u00fc"}', '{"a":"ü"}'.encode(), ("spelling of texts",)),
        (b'{"a":"b c"}', b'{"a":"bc"}', ("values",)),
        (b'{"a":1,"b":2}', b'{"a":1}', ("values",)),
        (b"[1,2]", b"[1]", ("values",)),
        (b'{"a":1}', b'[{"a":1}]', ("values",)),
        (b'{"a":1}', b'{"a":"1"}', ("values",)),
        (b'{"a":true}', b'{"a":false}', ("values",)),
        (b"\xff\x00", b"\xef\xbf\xbd\x00", ("values",)),
        (b"no json", b'"no json"', ("values",)),
    ],
)
def test_what_differs_is_named(sent: bytes, got: bytes, said: tuple[str, ...]) -> None:
    assert differences(sent, got) == said


def test_a_loss_is_told_from_another_spelling() -> None:
    assert told(("spelling of numbers", "white space")) == "written anew: spelling of numbers, white space"
    assert told(("spelling of numbers", "values")) == "lost: spelling of numbers, values"
