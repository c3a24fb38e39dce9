"""Merge patches as RFC 7396 has them, and differences as paths."""

from __future__ import annotations

import pytest

from factory_lake.config.documents import differences, merge, text
from factory_lake.reconcile.lossless_json import parse


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        # The test cases of RFC 7396, appendix A.
        ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
        ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
        ('{"a":"b"}', '{"a":null}', "{}"),
        ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
        ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
        ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
        ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
        ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
        ('["a","b"]', '["c","d"]', '["c","d"]'),
        ('{"a":"b"}', '["c"]', '["c"]'),
        ('{"a":"foo"}', "null", "null"),
        ('{"a":"foo"}', '"bar"', '"bar"'),
        ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
        ("[1,2]", '{"a":"b","c":null}', '{"a":"b"}'),
        ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
        # Numbers keep their digits.
        ('{"a":1}', '{"b":1.50,"c":12345678901234567890}', '{"a":1,"b":1.50,"c":12345678901234567890}'),
    ],
)
def test_a_patch_gives_what_the_rfc_says(target: str, patch: str, result: str) -> None:
    assert text(merge(parse(target), parse(patch))) == result


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ('{"a":1,"b":2}', '{"b":2,"a":1}', []),
        ('{"a":1}', '{"a":2}', [("changed", "$.a", "1", "2")]),
        ('{"a":1.5}', '{"a":1.50}', [("changed", "$.a", "1.5", "1.50")]),
        ('{"a":1}', '{"a":true}', [("changed", "$.a", "1", "true")]),
        ('{"a":null}', "{}", [("removed", "$.a", "null", None)]),
        ("{}", '{"a":{"b":[1]}}', [("added", "$.a", None, '{"b":[1]}')]),
        ('{"a":{"b c":1}}', '{"a":{"b c":"ü"}}', [("changed", '$.a["b c"]', "1", '"ü"')]),
        ('{"a":[1,2]}', '{"a":[1,3,4]}', [("changed", "$.a[1]", "2", "3"), ("added", "$.a[2]", None, "4")]),
        ('{"a":[1,{"b":2}]}', '{"a":[1]}', [("removed", "$.a[1]", '{"b":2}', None)]),
        ('{"a":{}}', '{"a":[]}', [("changed", "$.a", "{}", "[]")]),
    ],
)
def test_differences_name_path_and_both_values(
    old: str, new: str, found: list[tuple[str, str, str | None, str | None]]
) -> None:
    assert [(one.kind, one.path, one.old, one.new) for one in differences(parse(old), parse(new))] == found
