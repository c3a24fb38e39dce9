"""Cut a failing history down to what makes it fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from harness.simulation.history import History, Run

_T = TypeVar("_T")


def shrink(history: History, fails: Callable[[History], bool], attempts: int = 600) -> History:
    """The smallest history that was found to fail still.

    Tries to leave out streams, runs, actions, faults and fragments, large parts first, until nothing can go
    or the attempts are used up.
    """
    left = attempts
    progress = True
    while progress and left > 0:
        progress = False
        for smaller in _smaller(history):
            left -= 1
            if left < 0:
                break
            if fails(smaller):
                history = smaller
                progress = True
                break
    return history


def _smaller(history: History) -> Iterator[History]:
    for index in range(len(history.streams)):
        if len(history.streams) > 1:
            yield replace(history, streams=_without(history.streams, index, 1))
    for index in range(len(history.actions)):
        yield replace(history, actions=_without(history.actions, index, 1))
    for size in _sizes(len(history.runs)):
        for index in range(0, len(history.runs), size):
            if len(history.runs) > size:
                yield replace(history, runs=_without(history.runs, index, size))
    yield from _fewer_faults(history)
    yield from _fewer_fragments(history)


def _fewer_faults(history: History) -> Iterator[History]:
    for index, run in enumerate(history.runs):
        for fault in range(len(run.faults)):
            calmer: Run = replace(run, faults=_without(run.faults, fault, 1))
            yield replace(history, runs=(*history.runs[:index], calmer, *history.runs[index + 1 :]))


def _fewer_fragments(history: History) -> Iterator[History]:
    for at, stream in enumerate(history.streams):
        for size in _sizes(len(stream.fragments)):
            for index in range(0, len(stream.fragments), size):
                if len(stream.fragments) > size:
                    shorter = replace(stream, fragments=_without(stream.fragments, index, size))
                    yield replace(history, streams=(*history.streams[:at], shorter, *history.streams[at + 1 :]))


def _sizes(count: int) -> Iterator[int]:
    size = count // 2
    while size >= 1:
        yield size
        size //= 2


def _without(items: tuple[_T, ...], index: int, count: int) -> tuple[_T, ...]:
    return items[:index] + items[index + count :]
