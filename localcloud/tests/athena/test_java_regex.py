"""Java's patterns by Python's engine: what differs is translated, what cannot be is refused."""

from __future__ import annotations

import pytest

from localcloud.athena.java_regex import compile_java


@pytest.mark.parametrize(
    ("pattern", "text", "groups"),
    [
        (r"(\d{4})-(\d\d)", "2026-03", ("2026", "03")),
        (r"(a)|(b)", "b", (None, "b")),
        (r"(?i)ABC", "abc", ()),
        (r"(?is)A.B", "a\nb", ()),
        (r"[\w.-]+[^\]]\x41\u017c", "a-bxAż", ()),
        (r"(?:a(?=b)|x)b(?!c)(?<=b)", "ab", ()),
        (r"[]a]+", "]a", ()),
        (r"(a++)(?>b)\1", "aabaa", ("aa",)),
        (r"\d\w\s", "5a ", ()),
    ],
)
def test_what_it_takes(pattern: str, text: str, groups: tuple[str | None, ...]) -> None:
    found = compile_java(pattern).fullmatch(text)
    assert found is not None
    assert found.groups() == groups


@pytest.mark.parametrize(
    ("pattern", "text"),
    [(r"\d", "٣"), (r"\w", "ż"), (r"(?i)ż", "Ż"), (r"a.b", "a\nb"), (r"[^a]", "a"), (r"\Aa\z", "a\n")],
)
def test_what_does_not_match_in_java_does_not_match(pattern: str, text: str) -> None:
    assert compile_java(pattern).fullmatch(text) is None


@pytest.mark.parametrize("char", ["\r", "\u0085", "\u2028", "\u2029"])
def test_a_dot_stops_at_line_ends_in_hive_and_at_line_feeds_in_sql(char: str) -> None:
    assert compile_java("a.b").fullmatch(f"a{char}b")
    assert not compile_java("a.b", hive=True).fullmatch(f"a{char}b")
    assert not compile_java("a.b").fullmatch("a\nb")
    assert compile_java("(?s)a.b", hive=True).fullmatch(f"a{char}b")


def test_an_end_may_stand_before_a_last_line_end() -> None:
    assert compile_java("a$", hive=True).search("a\r\n")
    assert compile_java("a$", hive=True).search("a\u2028")
    assert compile_java("a$").search("a\n")
    assert not compile_java("a$").search("a\r\n")
    assert compile_java(r"a\Z").search("a\n")
    assert not compile_java(r"a\z").search("a\n")


@pytest.mark.parametrize(
    "pattern",
    [
        *(r"\p{Alpha}", r"[a-z&&[^b]]", r"[a[b]]", r"(?m)^a", r"(?x) a", r"a(?i)b", r"\G", r"\R", r"\012"),
        *("(a", "[a", r"[\z]", r"\Qa.b\E", r"\h", r"\x{41}", r"(?<q>x)", r"(x)\k<q>"),
    ],
)
def test_what_python_reads_in_another_way_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"not supported locally|cannot be read|has no end"):
        compile_java(pattern)
