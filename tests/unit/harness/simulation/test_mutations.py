"""Each safety rule, switched off: the histories must notice.

A proof that passes whatever the code does proves nothing. Every test here replaces one rule by the plausible
mistake that it prevents, in memory, and runs histories until one fails as the mistake makes it fail.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import pytest

from clip_fetch import archive, camera, clients, download, index, planning, video
from clip_fetch.download import CheckResult
from clip_fetch.planning import Clip, Limits
from harness.simulation.batch import violations_of
from harness.simulation.generate import generate
from harness.simulation.history import History
from harness.simulation.simulated_aws import Services
from tests.unit.harness.simulation import counterexamples

_ENOUGH = 400

Switch = Callable[[pytest.MonkeyPatch], None]


def _text_order(patch: pytest.MonkeyPatch) -> None:
    true_order = video.Video.list_fragments

    def as_text(self: video.Video, start_ms: int, end_ms: int) -> list[Any]:
        return sorted(true_order(self, start_ms, end_ms), key=lambda fragment: str(fragment.number))

    patch.setattr(video.Video, "list_fragments", as_text)


def _bounds_on_fragments(patch: pytest.MonkeyPatch) -> None:
    def bounds(clip: Clip) -> tuple[int, int]:
        return clip.start_ms, clip.latest_ms + 1 if clip.next_ms is None else clip.next_ms

    patch.setattr(Clip, "range_ms", property(bounds))


def _inclusive_restart(patch: pytest.MonkeyPatch) -> None:
    def list_from_last(self: Any, start_ms: int, until_ms: int) -> list[Any]:
        done = -1 if self._position is None else self._position.number
        return [each for each in self._video.list_fragments(start_ms, until_ms) if each.number >= done]

    patch.setattr(camera.Camera, "_list", list_from_last)


def _plain_put(patch: pytest.MonkeyPatch) -> None:
    put = Services.put_object

    def unconditional(self: Services, **request: Any) -> Any:
        request.pop("IfNoneMatch")
        return put(self, **request)

    patch.setattr(Services, "put_object", unconditional)


def _no_settling(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(planning, "settled", lambda listing, _settle_ms: list(listing.fragments))


def _cut_anywhere(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(planning, "MIN_CUT_MS", 0)


def _whole_seconds(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(video, "from_epoch_ms", lambda at_ms: clients.from_epoch_ms(at_ms // 1000 * 1000))


def _any_size(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(camera, "Limits", functools.partial(Limits, max_bytes=10**12))


def _any_count(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(camera, "Limits", functools.partial(Limits, max_fragments=10**6))


def _no_check(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(download, "check_playback", lambda _clip, found: CheckResult(found.duration_ms))


def _any_size_unchecked(patch: pytest.MonkeyPatch) -> None:
    _any_size(patch)
    _no_check(patch)


def _any_count_unchecked(patch: pytest.MonkeyPatch) -> None:
    _any_count(patch)
    _no_check(patch)


def _knots_among_others(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(planning, "has_inseparable_starts", lambda _group: False)


def _no_gap_records(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(camera, "RETENTION_BOUNDARY_MS", 0)
    patch.setattr(camera, "PUT_MS", 0)


def _no_record_in_its_place(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(camera.Camera, "_take_place", lambda *_: None)


def _read_the_archive_once(patch: pytest.MonkeyPatch) -> None:
    true_agree = camera.Camera._agree_on

    def agree(self: Any, first: Any) -> None:
        true_position = self._archive.position
        self._archive.position = lambda _stream: self._position
        try:
            true_agree(self, first)
        finally:
            self._archive.position = true_position

    patch.setattr(camera.Camera, "_agree_on", agree)


def _believe_what_is_empty(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(camera.Camera, "_confirm", lambda _self, listing: listing)


def _rows_of_own_objects_alone(patch: pytest.MonkeyPatch) -> None:
    """A run that dies between an object and its row leaves the row to nobody."""
    true_position = archive.Archive.position

    def position(self: Any, stream: Any) -> Any:
        self.index.ensure = lambda *_: None
        try:
            return true_position(self, stream)
        finally:
            del self.index.ensure

    patch.setattr(archive.Archive, "position", position)


def _rows_once_a_camera_is_done(patch: pytest.MonkeyPatch) -> None:
    """A run that dies leaves more rows than that of the newest object."""
    true_put, true_advance = index.Index.put, camera.Camera.advance
    waiting: dict[int, list[Any]] = {}

    def put(self: Any, *arguments: Any) -> None:
        waiting.setdefault(id(self), []).append(arguments)

    def advance(self: Any) -> bool:
        more = true_advance(self)
        if not more:
            for arguments in waiting.pop(id(self._archive.index), []):
                true_put(self._archive.index, *arguments)
        return more

    patch.setattr(index.Index, "put", put)
    patch.setattr(camera.Camera, "advance", advance)


def _rows_first(patch: pytest.MonkeyPatch) -> None:
    true_put = archive.Archive.put

    def put(self: Any, token: str, body: Any, size: int, crc32: int, kind: str, metadata: Any, check: Any) -> bool:
        check()
        self.index.put(self._prefix + token, "", metadata, size)
        return true_put(self, token, body, size, crc32, kind, metadata, check)

    patch.setattr(archive.Archive, "put", put)


def _rows_that_stay(patch: pytest.MonkeyPatch) -> None:
    """The row of an object that takes a deleted one's place is not put over that one's."""
    put = Services.put_object

    def conditional(self: Services, **request: Any) -> Any:
        return put(self, **{"IfNoneMatch": "*", **request})

    patch.setattr(Services, "put_object", conditional)


@pytest.mark.parametrize(
    ("switch_off", "symptom", "first"),
    [
        pytest.param(_text_order, "missing|times|order", 3, id="integer order"),
        pytest.param(_bounds_on_fragments, "archived 2 times|its metadata says", 1, id="halfway bounds"),
        pytest.param(_inclusive_restart, "archived 2 times", 1, id="exclusive restart"),
        pytest.param(_plain_put, "missing|archived 2 times|metadata says", 7, id="conditional put"),
        pytest.param(_no_settling, "missing|archived 2 times|metadata says", 203, id="settle lag"),
        pytest.param(_no_record_in_its_place, "archived 2 times", 97, id="a record in the MP4 file's place"),
        pytest.param(_cut_anywhere, "archived 2 times|its metadata says", 1, id="equal timestamps"),
        pytest.param(_whole_seconds, "missing|archived 2 times|metadata says", 1, id="sub-second timestamps"),
        pytest.param(_believe_what_is_empty, "is missing", 20, id="empty listings confirmed"),
        pytest.param(_any_size, "cut for 'short', which is not so", 3, id="size cut"),
        pytest.param(_any_count, "cut for 'short', which is not so", 62, id="count cut"),
        pytest.param(_any_size_unchecked, "is missing", 3, id="size cut and duration check"),
        pytest.param(_any_count_unchecked, "is missing", 62, id="count cut and duration check"),
        pytest.param(_rows_of_own_objects_alone, "has no row", 3, id="row of the object that is found"),
        pytest.param(_rows_once_a_camera_is_done, "has no row", 1, id="row before the next object"),
        pytest.param(_rows_first, "was put before its object", 1, id="row behind its object"),
    ],
)
def test_histories_catch_a_rule_that_is_switched_off(
    switch_off: Switch, symptom: str, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The history `first` notices; once the generator has made another one of it, the others are tried."""
    switch_off(monkeypatch)
    for seed in (first, *range(_ENOUGH)):
        if any(re.search(symptom, fault) for fault in violations_of(generate(seed))):
            return
    pytest.fail(f"{_ENOUGH} histories passed with the rule switched off")


@pytest.mark.parametrize(
    ("history", "switch_off", "symptom"),
    [
        pytest.param(
            counterexamples.repeated_producer_time(), _knots_among_others, "is missing", id="repeated producer time"
        ),
        pytest.param(counterexamples.two_runs_at_the_edge(), _no_gap_records, "archived 2 times", id="gap records"),
        pytest.param(
            counterexamples.runs_that_disagree_on_the_format(),
            _no_record_in_its_place,
            "archived 2 times",
            id="a record in the MP4 file's place",
        ),
        pytest.param(
            counterexamples.held_up_between_reading_and_listing(),
            _read_the_archive_once,
            "archived 2 times",
            id="second reading",
        ),
        pytest.param(
            counterexamples.retention_changed_behind_the_archive(),
            _believe_what_is_empty,
            "is missing",
            id="empty listings, footage behind them",
        ),
        pytest.param(
            counterexamples.retention_changed_amid_old_footage(),
            _believe_what_is_empty,
            "is missing",
            id="empty listings, nothing behind them",
        ),
        pytest.param(
            counterexamples.deleted_and_archived_in_shorter_clips(),
            _rows_that_stay,
            "where the object says",
            id="unconditional row",
        ),
    ],
)
def test_a_counterexample_fails_only_without_its_rule(
    history: History, switch_off: Switch, symptom: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert violations_of(history) == []
    switch_off(monkeypatch)
    assert any(re.search(symptom, fault) for fault in violations_of(history))
