"""A timeline in the making: what is painted first stays."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import replace

from factory_lake.coverage.model import Span

#: Evidence of spans that become one: the first pieces of it, since a reader looks up one.
_MOST_EVIDENCE = 3


class Canvas:
    """States of a range, painted in the order of their precedence."""

    def __init__(self, from_ms: int, to_ms: int) -> None:
        self._free = [(from_ms, to_ms)] if from_ms < to_ms else []
        self._painted: list[Span] = []

    def paint(self, spans: Iterable[Span]) -> None:
        """Paint spans where nothing is yet; of those that overlap, the first one stays."""
        for span in spans:
            at = max(0, bisect_right(self._free, (span.start_ms, span.start_ms)) - 1)
            while at < len(self._free) and self._free[at][1] <= span.start_ms:
                at += 1
            behind, count, left = at, span.count, []
            while behind < len(self._free) and self._free[behind][0] < span.end_ms:
                start, end = self._free[behind]
                begin, stop = max(start, span.start_ms), min(end, span.end_ms)
                if begin < stop:
                    # What a span counts is told once, however many pieces are left of it.
                    self._painted.append(replace(span, start_ms=begin, end_ms=stop, count=count))
                    count = 0
                left += [piece for piece in ((start, begin), (stop, end)) if piece[0] < piece[1]]
                behind += 1
            self._free[at:behind] = left

    def rest(self) -> list[tuple[int, int]]:
        """Where nothing is yet, in order."""
        return list(self._free)

    def rest_within(self, start_ms: int, end_ms: int) -> Iterator[tuple[int, int]]:
        """Where nothing is yet, within a part of the range."""
        for start, end in self._free:
            if start < end_ms and start_ms < end:
                yield max(start, start_ms), min(end, end_ms)

    def spans(self) -> tuple[Span, ...]:
        """What is painted, in order; neighbours of one state, reason and cause are one span."""
        return tuple(joined(sorted(self._painted, key=lambda span: span.start_ms)))


def joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Neighbours that say the same, as one."""
    last: Span | None = None
    for span in spans:
        if last is not None and last.end_ms == span.start_ms and _says(last) == _says(span):
            evidence = tuple(dict.fromkeys((*last.evidence, *span.evidence)))[:_MOST_EVIDENCE]
            last = replace(last, end_ms=span.end_ms, count=last.count + span.count, evidence=evidence)
            continue
        if last is not None:
            yield last
        last = span
    if last is not None:
        yield last


def _says(span: Span) -> tuple[str, str, str]:
    return span.state, span.reason, span.cause
