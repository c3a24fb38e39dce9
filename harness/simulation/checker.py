"""Whether the archive of a history is exact.

Every fragment that was retained long enough is archived exactly once, in order, and every clip is as long as
asked but for the reason that it states. This is checked from the bucket and from what the cameras sent,
independently of how the archive was made.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from dataclasses import dataclass, field

from clip_fetch import download, planning, rows
from clip_fetch.settings import NOW, Settings
from harness.simulation import media
from harness.simulation.history import Stream
from harness.simulation.run import FACTORY, Outcome
from harness.simulation.simulated_aws import Stored
from localcloud.kinesisvideo import semantics

#: How the key of a clip ends, and its content type.
_FORMATS = {"mp4": (".mp4", "video/mp4"), "mkv": (".mkv", "video/x-matroska")}


@dataclass
class CheckResult:
    """What a history showed.

    Attributes:
        expired: Fragments that expired before they could be archived.
        unlisted: Fragments that no listing shows since the retention was changed, and that are reported.
        lost: Fragments that are missing without an excuse.
        rows: Of the table ``clips``.
    """

    fragments: int = 0
    archived: int = 0
    expired: int = 0
    unlisted: int = 0
    lost: int = 0
    duplicated: int = 0
    rows: int = 0
    violations: list[str] = field(default_factory=list)
    cuts: Counter[str] = field(default_factory=Counter)


def check(outcome: Outcome) -> CheckResult:
    """Check what a history left in the bucket."""
    result = CheckResult(violations=list(outcome.errors))
    for stream in outcome.aws.history.streams:
        _Checker(outcome, stream, result).check()
    _check_rows(outcome, result)
    return result


def _check_rows(outcome: Outcome, result: CheckResult) -> None:
    """Check that each object of the archive has one row in the table, that object's own, and nothing else has.

    No row may ever have been there before its object. Of what the operator deleted a row may be left.
    """
    bucket = outcome.aws.bucket
    expected = {
        key: row
        for stored in bucket.objects.values()
        if (row := rows.row(stored.key, stored.metadata, len(stored.body))) is not None
        and (key := rows.row_key(stored.key)) is not None
    }
    deleted = {rows.row_key(stored.key) for stored in outcome.deleted}
    found = {key: stored.body for key, stored in bucket.objects.items() if key.startswith(rows.PREFIX)}
    result.rows += len(found)
    for key, row in expected.items():
        if key not in found:
            result.violations.append(f"an object has no row: there is no {key}")
        elif found[key] != row:
            result.violations.append(f"the row {key} says {found[key]!r} where the object says {row!r}")
    result.violations += [f"the row {key} is of no object" for key in found.keys() - expected.keys() - deleted]
    there: set[str] = set()
    for stored in bucket.ever:
        if stored.key.startswith(rows.PREFIX) and json.loads(stored.body)["key"] not in there:
            result.violations.append(f"the row {stored.key} was put before its object")
        there.add(stored.key)


@dataclass(frozen=True)
class _Clip:
    stored: Stored
    numbers: list[int]

    @property
    def meta(self) -> dict[str, str]:
        return self.stored.metadata


class _Checker:
    def __init__(self, outcome: Outcome, stream: Stream, result: CheckResult) -> None:
        self._outcome = outcome
        self._stream = stream
        self._result = result
        self._by_number = {fragment.number: fragment for fragment in stream.fragments}
        self._place = {fragment.number: index for index, fragment in enumerate(stream.fragments)}
        self._prefix = f"factory={FACTORY}/camera={stream.camera}/"
        self._excused = {
            int(each.metadata["resume-fragment"])
            for each in self._own(outcome.aws.bucket.ever)
            if "resume-format" in each.metadata and each.metadata["run"] in outcome.garbled
        }

    def check(self) -> None:
        objects = self._own(list(self._outcome.aws.bucket.objects.values()))
        clips = sorted((self._clip(each) for each in objects if _is_clip(each)), key=lambda clip: clip.stored.key)
        clips.sort(key=lambda clip: (clip.stored.key.rsplit("Z-", 1)[0], clip.numbers[0]))
        self._order(clips)
        self._completeness(clips)
        for clip in clips:
            self._form(clip)
        self._result.fragments += len(self._stream.fragments)

    def _violation(self, text: str) -> None:
        self._result.violations.append(f"{self._stream.camera}: {text}")

    def _own(self, objects: list[Stored]) -> list[Stored]:
        return [each for each in objects if each.key.startswith(self._prefix) and "run" in each.metadata]

    @staticmethod
    def _clip(stored: Stored) -> _Clip:
        return _Clip(stored, media.numbers_in(stored.body))

    def _order(self, clips: list[_Clip]) -> None:
        numbers = [number for clip in clips for number in clip.numbers]
        counts = Counter(numbers)
        for number, count in counts.items():
            if count > 1:
                self._result.duplicated += count - 1
                self._violation(f"fragment {self._name(number)} is archived {count} times")
        if max(counts.values(), default=1) == 1 and numbers != sorted(numbers):
            wrong = next(b for a, b in itertools.pairwise(numbers) if a > b)
            self._violation(f"fragment {self._name(wrong)} is out of order")
        self._result.archived += len(counts)

    def _completeness(self, clips: list[_Clip]) -> None:
        there = {number for clip in clips for number in clip.numbers}
        deleted = {
            n for each in self._own(self._outcome.deleted) if _is_clip(each) for n in media.numbers_in(each.body)
        }
        passes = self._passes()
        begin_ms = self._begin_ms()
        for fragment in self._stream.fragments:
            number = fragment.number
            if number in there or number in deleted or fragment.server_ms < begin_ms:
                continue
            passed_ms = min((at for beyond, at in passes if beyond > number), default=self._outcome.end_ms)
            remaining_ms = self._stream.expires_ms(fragment) - passed_ms
            if remaining_ms < download.HEADROOM_MS:
                self._result.expired += 1
            elif self._is_out_of_sight(fragment, passed_ms):
                self._result.unlisted += 1
            else:
                self._result.lost += 1
                name = self._name(number)
                self._violation(f"fragment {name} is missing; it had {remaining_ms} ms left when skipped")

    def _is_out_of_sight(self, fragment: semantics.Fragment, passed_ms: int) -> bool:
        """Whether no listing shows it, and a gap record says so where something behind it was archived.

        Footage behind the change shows only in listings that begin behind it as well. They are looked for at
        ages that double, so what the camera sent until it stopped may be missed, if that was much longer ago
        than the time from the change to its stop.
        """
        stream, end_ms = self._stream, self._outcome.end_ms
        is_passed = passed_ms < end_ms
        if stream.is_hidden(fragment, passed_ms):
            own = self._own(self._outcome.aws.bucket.ever)
            records = [each for each in own if each.metadata.get("flags") == "unlisted"]
            told = any(int(each.metadata["resume-fragment"]) > fragment.number for each in records)
            return told or not is_passed
        if is_passed or stream.change is None or not stream.policy.early_list_is_empty:
            return False
        return end_ms - stream.change[0] < 2.1 * (end_ms - stream.fragments[-1].server_ms)

    def _passes(self) -> list[tuple[int, int]]:
        """Number and time of each step of the archive, which skips what is below the number from then on."""
        passes: list[tuple[int, int]] = []
        for each in self._own(self._outcome.aws.bucket.ever):
            if _is_clip(each):
                passes.append((int(each.metadata["first-fragment"]), each.at_ms))
            elif int(each.metadata["resume-fragment"]):
                passes.append((int(each.metadata["resume-fragment"]), each.at_ms))
        return passes

    def _begin_ms(self) -> int:
        """From when on footage is requested: all of it, or since the first run that requested none before."""
        own = [each for each in self._own(self._outcome.aws.bucket.ever) if "_begin" in each.key]
        if own and own[0].metadata["resume-fragment"] == "0":
            return own[0].at_ms
        starts = {settings.start_from for settings in self._outcome.settings.values()}
        return self._outcome.end_ms if starts == {NOW} and not own else 0

    def _form(self, clip: _Clip) -> None:
        name = self._name(clip.numbers[0])
        fragments = [self._by_number.get(number) for number in clip.numbers]
        if None in fragments:
            self._violation(f"the clip of {name} has a fragment that the camera never sent")
            return
        known = [fragment for fragment in fragments if fragment is not None]
        told = [clip.meta["first-fragment"], clip.meta["last-fragment"], clip.meta["fragments"]]
        if told != [str(known[0].number), str(known[-1].number), str(len(known))]:
            self._violation(f"the clip of {name} holds {len(known)} fragments but its metadata says {told}")
            return
        places = [self._place[fragment.number] for fragment in known]
        if places != list(range(places[0], places[0] + len(places))):
            self._violation(f"the clip of {name} leaves out a fragment between its first and last")
        cut = clip.meta["cut"]
        self._result.cuts[cut] += 1
        excused = known[0].number in self._excused
        rest = self._stream.fragments[places[-1] + 1 :]
        if not excused and not _reason_holds(cut, known, rest, clip, self._settings_of(clip), self._stream):
            self._violation(f"the clip of {name} says it was cut for {cut!r}, which is not so")
        if clip.meta["format"] == "mkv" and not excused and not _is_unreadable(known, self._stream):
            self._violation(f"the clip of {name} was kept raw though GetClip gives it")
        ending, content_type = _FORMATS[clip.meta["format"]]
        if not clip.stored.key.endswith(ending) or clip.stored.content_type != content_type:
            self._violation(f"the clip of {name} is {clip.meta['format']}, but its key or content type is not")
        if clip.meta.get("flags") == "duration" and not self._stream.shown_ms:
            self._violation(f"the clip of {name} is flagged without a cause")

    def _settings_of(self, clip: _Clip) -> Settings:
        return self._outcome.settings[clip.meta["run"]]

    def _name(self, number: int) -> str:
        return f"#{self._place.get(number, -1)} ({number})"


def _is_clip(stored: Stored) -> bool:
    return "first-fragment" in stored.metadata


def _reason_holds(
    cut: str,
    known: list[semantics.Fragment],
    rest: tuple[semantics.Fragment, ...],
    clip: _Clip,
    settings: Settings,
    stream: Stream,
) -> bool:
    last = known[-1]
    following = rest[0] if rest else None
    lengths_ms = _lengths_ms([*known, *rest[:1]], settings.gap_ms)[: len(known)]
    length_ms = sum(lengths_ms)
    if cut == planning.LENGTH:
        group = len(_group_at(tuple(reversed(known))))
        return settings.clip_ms <= length_ms < settings.clip_ms + sum(lengths_ms[-group:])
    if cut == planning.QUIET:
        if following is None or stream.is_hidden(following, clip.stored.at_ms):
            return True
        return following.listed_ms > last.server_ms + last.listed_length_ms + settings.quiet_ms
    if cut == planning.RETENTION:
        retentions = {stream.retention_ms, *(stream.change or ())[1:]}
        age_ms = clip.stored.at_ms - known[0].server_ms
        return any(each - age_ms <= planning.reserve_ms(each) for each in retentions)
    if cut == planning.DEADLINE:
        return length_ms < settings.clip_ms
    if cut == planning.SHORT:
        return bool(stream.shown_ms)
    if cut in (planning.CODEC, planning.UNREADABLE):
        ahead = [*known, *rest[: planning.MAX_FRAGMENTS]]
        return _is_unreadable(known, stream) or _is_unreadable(ahead, stream)
    return bool(rest) and _next_is_in_the_way(cut, known, rest, settings)


def _next_is_in_the_way(
    cut: str, known: list[semantics.Fragment], rest: tuple[semantics.Fragment, ...], settings: Settings
) -> bool:
    last, following = known[-1], rest[0]
    if cut == planning.CLOCK:
        groups = (_group_at(rest), list(reversed(_group_at(tuple(reversed(known))))))
        return following.producer_ms <= last.producer_ms or any(_has_inseparable_starts(group) for group in groups)
    if cut == planning.GAP:
        return _is_gap(last, following, settings.gap_ms)
    together = [*known, *_group_at(rest)]
    if cut == planning.COUNT:
        return len(together) > planning.MAX_FRAGMENTS
    if cut == planning.SIZE:
        return sum(fragment.size for fragment in together) > planning.MAX_BYTES
    if cut == planning.SPAN:
        return together[-1].server_ms - known[0].server_ms > planning.MAX_SPAN_MS
    return False


def _group_at(rest: tuple[semantics.Fragment, ...]) -> list[semantics.Fragment]:
    """The first fragments that no cut can separate."""
    group = [rest[0]]
    for fragment in rest[1:]:
        if abs(fragment.server_ms - group[-1].server_ms) >= planning.MIN_CUT_MS:
            break
        group.append(fragment)
    return group


def _has_inseparable_starts(group: list[semantics.Fragment]) -> bool:
    times = [fragment.producer_ms for fragment in group]
    return times != sorted(set(times))


def _is_gap(fragment: semantics.Fragment, following: semantics.Fragment, gap_ms: int) -> bool:
    """Whether the camera's time jumps; what follows a single frame within 20 s, is as long as that lasts."""
    pause_ms = following.producer_ms - fragment.producer_ms - fragment.listed_length_ms
    return pause_ms < -gap_ms or pause_ms > (gap_ms if fragment.listed_length_ms else max(gap_ms, 20_000))


def _lengths_ms(fragments: list[semantics.Fragment], gap_ms: int) -> list[int]:
    """How long each is by the camera's clock, or as listed where that does not tell."""
    lengths_ms = [fragment.listed_length_ms for fragment in fragments]
    for index, (fragment, following) in enumerate(itertools.pairwise(fragments)):
        if not _is_gap(fragment, following, gap_ms):
            lengths_ms[index] = max(lengths_ms[index], following.producer_ms - fragment.producer_ms)
    return lengths_ms


def _is_unreadable(fragments: list[semantics.Fragment], stream: Stream) -> bool:
    """Whether GetClip gives no clip of these fragments, or none whose duration tells that it is whole."""
    if len(_group_at(tuple(fragments))) > 1 and any(fragment.number in stream.shown_ms for fragment in fragments):
        return True
    if _has_inseparable_starts(_group_at(tuple(fragments))):
        return True
    if stream.policy.dedupe_server_clips and len(semantics.without_duplicates(fragments)) < len(fragments):
        return True
    if sum(fragment.size for fragment in fragments) > semantics.CLIP_BYTES and len(_group_at(tuple(fragments))) > 1:
        return True
    try:
        semantics.check_media(fragments)
    except semantics.MediaError:
        return True
    return False
