"""Cut a failing history down to what makes it fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from harness.simulation.history import History

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
    for streams in _shorter(history.streams, least=1):
        yield replace(history, streams=streams)
    for actions in _shorter(history.actions):
        yield replace(history, actions=actions)
    for runs in _shorter(history.runs, least=1):
        yield replace(history, runs=runs)
    for index, run in enumerate(history.runs):
        for faults in _shorter(run.faults):
            calmer = replace(run, faults=faults)
            yield replace(history, runs=(*history.runs[:index], calmer, *history.runs[index + 1 :]))
    for index, stream in enumerate(history.streams):
        for fragments in _shorter(stream.fragments, least=1):
            shorter = replace(stream, fragments=fragments)
            yield replace(history, streams=(*history.streams[:index], shorter, *history.streams[index + 1 :]))


def _shorter(items: tuple[_T, ...], least: int = 0) -> Iterator[tuple[_T, ...]]:
    """The items without some of them, at first without halves, in the end without single ones."""
    size = max(len(items) // 2, 1)
    while size:
        for index in range(0, len(items), size):
            rest = items[:index] + items[index + size :]
            if len(rest) >= least:
                yield rest
        size //= 2
