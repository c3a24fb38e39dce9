"""Strict JSON, with strings trimmed and everything else as it came."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from transform import errors, reader
from transform.errors import MessageError
from transform.reader import Reader

WHITE_SPACE = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()]


def read(text: str, blank: str = "reject") -> str:
    """Read a message and join what was made of it."""
    head, members = Reader(blank).read(text)
    return head + ",".join(lead + value + trail for _, lead, value, trail in members) + "}"


def broken(text: str, blank: str = "reject") -> tuple[str, Any]:
    """Read a message that breaks a rule; return the rule and the field."""
    with pytest.raises(MessageError) as caught:
        read(text, blank)
    return caught.value.rule, caught.value.field


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "{ \t}",
        '{"a":1}',
        ' \t{ "a" :\t1 , "b":[ ] }',
        '{"a":-0,"b":0.0,"c":1E+05,"d":1e-7,"e":123456789012345678901234567890,"f":0.10}',
        '{"a":true,"b":false,"c":null}',
        '{"a":"x\\u00e9\\/\\"\\\\","b":"\\ud83d\\ude00"}',
        '{"a":{"b":[1,{"c":"d"},[],{}]}}',
        '{"":1," ":2," a ":3}',
        '{"a":"\u200bx\ufeff"}',
        '{"a":1,"A":2}',
        '{"_received_At":1,"x":{"_received_at":1,"_gateway":2}}',
        '{"a":"\x7f\u2028"}'.replace("\u2028", "-\u2028-"),
    ],
)
def test_what_needs_no_change_comes_back_as_it_came(text: str) -> None:
    assert read(text) == text


@pytest.mark.parametrize("digits", [400, 4_301, 100_000])
def test_a_number_of_any_length_is_read_and_not_respelled(digits: int) -> None:
    """Python refuses to convert integers of more than 4,300 digits since 3.11."""
    text = '{"a":' + "7" * digits + ',"b":[-' + "7" * digits + "]}"
    assert read(text) == text


@pytest.mark.parametrize("space", WHITE_SPACE, ids=[f"U+{ord(space):04X}" for space in WHITE_SPACE])
def test_all_that_strip_removes_is_trimmed(space: str) -> None:
    raw = not space < " "
    escaped = f"\\u{ord(space):04x}"
    for spelled in [space, escaped] if raw else [escaped]:
        assert read(f'{{"a":"{spelled}x{spelled}y{spelled}"}}') in (
            f'{{"a":"x{spelled}y"}}',
            json.dumps({"a": f"x{space}y"}, separators=(",", ":"), ensure_ascii=False),
        )
        assert broken(f'{{"a":"{spelled}"}}') == (errors.BLANK_STRING, "a")


def test_strings_are_trimmed_at_any_depth_and_keys_never() -> None:
    assert read('{" a ":" x ","b":[" y ",{" c ":"\\n z\\t"}]}') == '{" a ":"x","b":["y",{" c ":"z"}]}'


def test_trimming_leaves_the_escapes_of_other_strings_alone() -> None:
    assert read('{"a":" \\u00e9 ","b":"\\u00e9"}') == '{"a":"é","b":"\\u00e9"}'


@pytest.mark.parametrize(
    ("blank", "expected"), [("null", '{"a":null,"b":[null],"c":1}'), ("keep", '{"a":"","b":[""],"c":1}')]
)
def test_blank_strings_may_become_null_or_stay(blank: str, expected: str) -> None:
    assert read('{"a":" ","b":["\\t"],"c":1}', blank) == expected


def test_line_breaks_between_tokens_go() -> None:
    assert read('\r\n{\n  "a": [\n 1,\r\n 2\n ],\n "b": {\n}\n}\n') == '{  "a": [ 1, 2 ], "b": {}}'


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "x", "{", "}", '{"a"}', '{"a":}', '{"a":1,}', '{,"a":1}', '{"a":1 "b":2}', '{"a":1}}'),
        *('{"a":1}x', '{"a":1}{"a":1}', '{"a":1]', '{"a":[1}}', '{"a":{"b":1]}', '{"a":[1,]}', '{"a":[,1]}'),
        *('{"a":[1 2]}', '{"a":[[1]1]}', "{a:1}", "{'a':1}", '{1:"a"}', '{"a":NaN}', '{"a":Infinity}'),
        *('{"a":-Infinity}', '{"a":[nan]}', '{"a":01}', '{"a":+1}', '{"a":.5}', '{"a":1.}', '{"a":1e}'),
        *('{"a":0x10}', '{"a":1_000}', '{"a":--1}', '{"a":\u0661}', '{"a":True}', '{"a":nul}', '{"a":tr\nue}'),
        *('{"a":1\n2}', '{"a":"x}', '{"a":"\t"}', '{"a":"x\ny"}', '{"a\n":1}', '{"a":"\x00"}', '{"a":"\\x41"}'),
        *('{"a":"\\u12"}', '{"a":"\\u00zz"}', '{"a":"\\u 123"}', '{"a":1/*x*/}', '{"a":1}\x0c', "\x0b{}"),
        *("\u00a0{}", "[1", "[1]]", '"a', "1 2", "truefalse", "1]"),
    ],
)
def test_what_is_not_json_is_named_so(text: str) -> None:
    assert broken(text) == (errors.NOT_JSON, None)


@pytest.mark.parametrize("text", ["1", " -1.5e3 ", '"a"', "true", "null", "[]", "[ ]\n", '[{"a":1}]', '"\\u00e9"'])
def test_other_json_is_not_an_object(text: str) -> None:
    assert broken(text) == (errors.NOT_AN_OBJECT, None)


@pytest.mark.parametrize(
    ("text", "rule", "field"),
    [
        ('{"a":1,"a":1}', errors.DUPLICATE_KEY, "a"),
        ('{"a":1,"\\u0061":2}', errors.DUPLICATE_KEY, "a"),
        ('{"x":{"a":1,"b":2,"a":3}}', errors.DUPLICATE_KEY, "x.a"),
        ('{"x":[0,{"y":{"":1,"":2}}]}', errors.DUPLICATE_KEY, "x.y."),
        ('{"\\ud83d\\ude00":1,"😀":2}', errors.DUPLICATE_KEY, "😀"),
        ('{"_received_at":1}', errors.RESERVED_KEY, "_received_at"),
        ('{"_gateway":1}', errors.RESERVED_KEY, "_gateway"),
        ('{"\\u005freceived_at":1}', errors.RESERVED_KEY, "_received_at"),
        ('{"_g\\u0061teway":1}', errors.RESERVED_KEY, "_gateway"),
        ('{"a":"\\ud800"}', errors.LONE_SURROGATE, "a"),
        ('{"a":"x\\udc00\\ud800y"}', errors.LONE_SURROGATE, "a"),
        ('{"a":["\\ud83dx"]}', errors.LONE_SURROGATE, "a"),
        ('{"\\udfff":1}', errors.LONE_SURROGATE, "\udfff"),
        ('{"a":{"b\\ud800":1}}', errors.LONE_SURROGATE, "a.b\ud800"),
        ('{"a":{"b":[{"c":" "}]}}', errors.BLANK_STRING, "a.b.c"),
        ('{"a":[["  "]]}', errors.BLANK_STRING, "a"),
        ('{"a":" ","a":1,"_gateway":"\\ud800",', errors.NOT_JSON, None),
        ('{"a":1,"a":" ","_gateway":1}', errors.DUPLICATE_KEY, "a"),
        ('{"a":[" "],"a":1}', errors.BLANK_STRING, "a"),
    ],
)
def test_what_breaks_a_rule_is_named_by_its_path(text: str, rule: str, field: str | None) -> None:
    """After unescaping; not being JSON counts before all other rules, then the first in the text."""
    assert broken(text) == (rule, field)


def nested(levels: int, kind: str) -> str:
    """Make a message of a number of levels, its own object included."""
    opening, closing = {"arrays": ("[", "]"), "objects": ('{"a":', "}")}[kind]
    inner = "0" if kind == "objects" else ""
    return '{"a":' + opening * (levels - 1) + inner + closing * (levels - 1) + "}"


@pytest.mark.parametrize("kind", ["arrays", "objects"])
def test_a_hundred_levels_are_allowed_and_no_more(kind: str) -> None:
    assert read(nested(100, kind)) == nested(100, kind)
    assert broken(nested(101, kind))[0] == errors.NESTED_TOO_DEEP


@pytest.mark.parametrize("kind", ["arrays", "objects"])
def test_depth_exhausts_neither_stack_nor_memory(kind: str) -> None:
    assert broken(nested(100_000, kind))[0] == errors.NESTED_TOO_DEEP
    assert broken(nested(100_000, kind)[:-1])[0] == errors.NOT_JSON


def test_a_long_string_of_escapes_is_read() -> None:
    text = '{"a":"x' + "\\n" * 400_000 + 'y"}'
    assert read(text) == text


@pytest.mark.parametrize(
    ("payload", "rule"),
    [
        (b'\xef\xbb\xbf{"a":1}', errors.BYTE_ORDER_MARK),
        (b'{"a":"\xff"}', errors.NOT_UTF8),
        (b'{"a":"\xed\xa0\x80"}', errors.NOT_UTF8),
        (b'{"a":"\xc0\x80"}', errors.NOT_UTF8),
        ('{"a":1}'.encode("utf-16"), errors.NOT_UTF8),
        (b"\x1f\x8b\x08\x00", errors.NOT_UTF8),
    ],
)
def test_bytes_that_are_not_plain_utf8_are_named_so(payload: bytes, rule: str) -> None:
    with pytest.raises(MessageError) as caught:
        reader.decode(payload)
    assert (caught.value.rule, caught.value.field) == (rule, None)
