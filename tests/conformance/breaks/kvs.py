"""Kinesis Video Streams as it is not."""

from __future__ import annotations

from collections.abc import Sequence

from localcloud.kinesisvideo import semantics
from localcloud.kinesisvideo.semantics import Fragment, Stream
from tests.conformance.breaks import Break, IsOn


def _repeated_times_are_kept(is_on: IsOn) -> None:
    without = semantics.without_duplicates

    def without_duplicates(fragments: Sequence[Fragment]) -> list[Fragment]:
        return list(fragments) if is_on() else without(fragments)

    semantics.without_duplicates = without_duplicates


def _a_clip_takes_more_fragments(is_on: IsOn) -> None:
    first = Stream._first_of

    def first_of(fragments: list[Fragment]) -> list[Fragment]:
        return fragments if is_on() and len(fragments) > semantics.CLIP_FRAGMENTS else first(fragments)

    Stream._first_of = staticmethod(first_of)  # type: ignore[method-assign]


BREAKS = [
    Break("kvs_clip_repeated_time", _repeated_times_are_kept),
    Break("kvs_clip_fragment_limit", _a_clip_takes_more_fragments),
]
