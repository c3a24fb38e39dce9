"""One camera's archive through whole runs: what is stored, what is flagged, what happens on failures."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError, IncompleteReadError

from clip_fetch import keys, planning
from clip_fetch.events import Summary
from clip_fetch.planning import Clip
from clip_fetch.run import run
from clip_fetch.settings import Settings, Shard
from tests.support.clip_fetch_aws import HOUR, SETTINGS, STREAM, T0, Answerless, Aws, Body, error, footage

NAME = STREAM.name
PREFIX = "factory=krakow/camera=press-1/"


def plant(fragments: int = 25, length_ms: int = 2000) -> Aws:
    """A camera that sent footage and then stopped, long enough ago."""
    aws = Aws()
    aws.fragments[NAME] = footage(fragments, length_ms)
    aws.now_ms = aws.fragments[NAME][-1].end_ms + 100_000
    return aws


def archive(aws: Aws, name: str = "run-1", settings: Settings = SETTINGS) -> Summary:
    """One run; its summary."""
    return run(settings, Shard(), aws.dependencies(), aws.timing(), aws.report(), name)


def test_footage_becomes_consecutive_clips() -> None:
    aws = plant(23)
    summary = archive(aws)
    assert aws.archived() == [(1000, 1004), (1005, 1009), (1010, 1014), (1015, 1019), (1020, 1022)]
    assert [meta["cut"] for _, meta in aws.clips()] == ["length"] * 4 + ["quiet"]
    assert (summary["clips"], summary["fragments"], summary["errors"], summary["unfinished"]) == (5, 23, {}, [])
    assert all(aws.objects[key][2] == "video/mp4" for key, _ in aws.clips())


def test_a_second_run_stores_nothing_again() -> None:
    aws = plant()
    archive(aws)
    before = dict(aws.objects)
    assert archive(aws, "run-2")["clips"] == 0
    assert aws.objects == before


def test_a_change_of_clip_length_neither_skips_nor_repeats() -> None:
    aws = plant(40)
    later_ms, aws.now_ms = aws.now_ms, T0 + 41_000
    archive(aws)
    aws.now_ms = later_ms
    archive(aws, "run-2", SETTINGS._replace(clip_ms=30_000))
    assert aws.archived() == [(1000, 1004), (1005, 1009), (1010, 1014), (1015, 1029), (1030, 1039)]
    assert [meta["clip-seconds"] for _, meta in aws.clips()] == ["10", "10", "10", "30", "30"]


def test_losing_the_race_means_reading_again() -> None:
    """While the first run downloads its second clip, another run with longer clips archives from there on."""
    aws = plant(40)
    others: list[Any] = []

    def interrupt(operation: str) -> None:
        if operation == "GetClip" and aws.calls.count("GetClip") == 1 and not others:
            others.append({})
            others[0] = archive(aws, "other", SETTINGS._replace(clip_ms=30_000))

    aws.hook = interrupt
    summary = archive(aws)
    assert aws.archived() == [(1000, 1004), (1005, 1019), (1020, 1034), (1035, 1039)]
    assert summary["errors"] == {}
    assert summary["clips"] + others[0]["clips"] == 4


def test_a_put_whose_answer_is_lost_counts_once() -> None:
    aws = plant()
    aws.faults["PutObject"] = [Answerless()]
    assert archive(aws)["clips"] == 5
    assert aws.archived() == [(1000 + i, 1004 + i) for i in range(0, 25, 5)]


@pytest.mark.parametrize(
    "fault",
    [
        error("ClientLimitExceededException"),
        error("InternalFailure", 500),
        ConnectionClosedError(endpoint_url="https://media.test"),
        ConnectionResetError(),
    ],
)
@pytest.mark.parametrize("operation", ["ListStreams", "GetDataEndpoint", "ListFragments", "GetClip", "ListObjectsV2"])
def test_what_passes_by_itself_is_tried_again(operation: str, fault: Exception) -> None:
    aws = plant()
    aws.faults[operation] = [fault, fault]
    summary = archive(aws)
    assert (summary["clips"], summary["errors"]) == (5, {})


def spoil_first(aws: Aws, method: str, spoil: Callable[[Body], object]) -> None:
    """Make the first download of a kind come otherwise than it should."""
    whole = getattr(aws, method)
    spoiled: list[Any] = []

    def spoiling(**request: Any) -> dict[str, Any]:
        answer: dict[str, Any] = whole(**request)
        if not spoiled:
            spoiled.append(request)
            spoil(answer["Payload"])
        return answer

    setattr(aws, method, spoiling)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: setattr(body, "_breaks", IncompleteReadError(actual_bytes=1, expected_bytes=2)),
        pytest.param(lambda body: body.truncate(40), id="without an error"),
    ],
)
def test_a_download_that_ends_early_is_begun_again(spoil: Callable[[Body], object]) -> None:
    aws = plant()
    spoil_first(aws, "get_clip", spoil)
    assert archive(aws)["flagged"] == 0
    assert aws.archived() == [(1000 + i, 1004 + i) for i in range(0, 25, 5)]
    assert aws.calls.count("GetClip") == 6


def test_an_error_that_stays_ends_the_camera_s_turn_and_is_named() -> None:
    aws = plant()
    aws.faults["GetClip"] = [error("NotAuthorizedException", 401)]
    summary = archive(aws)
    assert summary["errors"] == {"press-1": "NotAuthorizedException"}
    assert aws.clips() == []
    failed = [line for line in aws.lines() if line.get("message") == "camera failed"]
    assert [(line["camera"], line["code"], line["level"]) for line in failed] == [
        ("press-1", "NotAuthorizedException", "ERROR")
    ]


class TestMediaThatDoesNotFit:
    """Codec changes, unreadable fragments, and clips that come back short."""

    def test_a_codec_change_ends_a_clip_at_the_change(self) -> None:
        aws = plant()
        aws.codecs = dict.fromkeys(range(1007, 1025), "other")
        archive(aws)
        assert aws.archived() == [(1000, 1004), (1005, 1006), (1007, 1011), (1012, 1016), (1017, 1021), (1022, 1024)]
        assert [meta["cut"] for _, meta in aws.clips()][:3] == ["length", "codec", "length"]
        assert "flags" not in aws.clips()[1][1]

    def test_what_getclip_never_gives_is_kept_raw_in_its_place(self) -> None:
        aws = plant()
        aws.unreadable = {1007, 1008}
        summary = archive(aws)
        assert aws.archived()[:4] == [(1000, 1004), (1005, 1006), (1007, 1008), (1009, 1013)]
        key, metadata = aws.clips()[2]
        body, _, content_type = aws.objects[key]
        assert key == PREFIX + keys.stem(T0 + 14_000, 1007) + ".mkv"
        assert content_type == "video/x-matroska"
        assert (metadata["format"], metadata["flags"], metadata["fragments"]) == ("mkv", "unreadable", "2")
        assert metadata["duration-ms"] == "4000"
        names = [b"1007", b"frame 1007a", b"frame 1007b", b"1008", b"frame 1008a", b"frame 1008b"]
        places = [body.index(name) for name in names]
        assert places == sorted(places)
        assert body.count(bytes.fromhex("1A45DFA3")) == 1
        assert (summary["flagged"], summary["fragments"]) == (1, 25)
        # and a record in the place of the MP4 file
        body, metadata, content_type = aws.objects[PREFIX + keys.stem(T0 + 14_000, 1007) + ".mp4"]
        assert content_type == "application/json"
        assert json.loads(body) == metadata
        told = {name: metadata[name] for name in ("format", "flags", "resume-fragment", "resume-format")}
        assert told == {"format": "gap", "flags": "unreadable", "resume-fragment": "1007", "resume-format": "mkv"}
        assert metadata["lost-ms"] == "0"

    def test_runs_that_disagree_on_the_format_archive_once(self) -> None:
        """One run gets no MP4 file of a fragment; another does, and stands before its put meanwhile."""
        for before in range(1, 4):  # the put of the record, of the Matroska file, of the next clip
            aws = plant()
            aws.unreadable = {1005}
            puts: list[str] = []

            def hook(operation: str, aws: Aws = aws, puts: list[str] = puts, before: int = before) -> None:
                if operation == "PutObject":
                    puts.append(operation)
                    if len(puts) == 1 + before:
                        aws.hook = lambda _operation: None
                        aws.unreadable = set()
                        archive(aws, "run-2", SETTINGS._replace(clip_ms=6000))

            aws.hook = hook
            archive(aws)
            numbers = [n for first, last in aws.archived() for n in range(first, last + 1)]
            assert sorted(numbers) == list(range(1000, 1025)), before
            of_1005 = [key for key, meta in aws.clips() if meta["first-fragment"] == "1005"]
            assert [key.rsplit(".", 1)[1] for key in of_1005] == ["mp4" if before == 1 else "mkv"], before

    def test_a_run_that_dies_behind_the_record_leaves_the_matroska_file_to_the_next(self) -> None:
        aws = plant()
        aws.unreadable = {1005}
        aws.faults["PutObject"] = [None, None, error("AccessDenied", 403)]
        assert archive(aws)["errors"] == {"press-1": "AccessDenied"}
        aws.unreadable = set()  # it could be had by now, but the record stands
        assert archive(aws, "run-2")["errors"] == {}
        assert aws.archived()[:3] == [(1000, 1004), (1005, 1005), (1006, 1010)]
        assert aws.clips()[1][1]["format"] == "mkv"

    def test_what_expires_behind_its_record_is_told(self) -> None:
        aws = plant()
        aws.unreadable = {1005}
        aws.faults["PutObject"] = [None, None, error("AccessDenied", 403)]
        archive(aws)
        aws.now_ms = T0 + 24 * HOUR + 15_000 - 30_000
        archive(aws, "run-2")
        record = aws.objects[PREFIX + keys.stem(T0 + 10_000, 1005) + ".mkv"]
        assert (record[1]["flags"], record[2]) == ("expired", "application/json")
        resumed = int(record[1]["resume-fragment"])
        assert aws.archived()[1][0] == resumed > 1005
        assert archive(aws, "run-3")["clips"] == 0

    def test_an_older_archive_s_matroska_under_a_key_in_mp4_counts(self) -> None:
        aws = plant()
        clip = Clip(tuple((each,) for each in footage(7)), planning.UNREADABLE, None, None)
        metadata = keys.clip_metadata(STREAM, clip, 10_000, keys.MKV, 0, "unreadable", "run-0")
        aws.objects[PREFIX + keys.clip_token(clip.first)] = (b"", metadata, "video/x-matroska")
        archive(aws)
        assert aws.archived() == [(1000, 1006), (1007, 1011), (1012, 1016), (1017, 1021), (1022, 1024)]

    def test_what_is_no_matroska_is_kept_as_it_came(self) -> None:
        aws = plant()
        aws.unreadable = {1005}
        body = b"AWS_KINESISVIDEO_FRAGMENT_NUMBER 1005"

        def get_media(**_: Any) -> dict[str, Any]:
            return {"Payload": Body(body)}

        aws.get_media_for_fragment_list = get_media  # type: ignore[method-assign]
        archive(aws)
        key, metadata = aws.clips()[1]
        assert (aws.objects[key][0], metadata["duration-ms"], metadata["flags"]) == (body, "0", "unreadable")

    def test_a_clip_that_comes_back_short_is_fetched_in_halves(self) -> None:
        """A fragment that is left out silently costs no other fragment its place."""
        aws = plant(10)
        whole = Aws.get_clip

        def leaves_out(self: Aws, **request: Any) -> dict[str, Any]:
            low, high = (
                request["ClipFragmentSelector"]["TimestampRange"][name] for name in ("StartTimestamp", "EndTimestamp")
            )
            self.withheld = {1003} if (high - low).total_seconds() > 3 else set()
            return whole(self, **request)

        aws.get_clip = leaves_out.__get__(aws)  # type: ignore[method-assign]
        archive(aws)
        assert [n for first, last in aws.archived() for n in range(first, last + 1)] == list(range(1000, 1010))
        held = b"".join(body for body, meta, _ in aws.objects.values() if "first-fragment" in meta)
        assert all(str(number).encode() in held for number in range(1000, 1010))
        assert all("flags" not in meta for _, meta in aws.clips())

    def test_what_stays_different_is_stored_whole_and_flagged(self) -> None:
        """A camera that misstates its durations costs a few more calls, not clips of one fragment each."""
        aws = plant()
        aws.shown_ms = dict.fromkeys(range(1000, 1025), 500)
        summary = archive(aws)
        assert aws.archived() == [(1000 + i, 1004 + i) for i in range(0, 25, 5)]
        assert {meta["flags"] for _, meta in aws.clips()} == {"duration"}
        assert summary["flagged"] == 5

    def test_one_odd_fragment_is_flagged_alone(self) -> None:
        aws = plant(10)
        aws.shown_ms = {1005: 200}
        archive(aws)
        assert aws.archived() == [(1000, 1004), (1005, 1005), (1006, 1009)]
        assert [meta.get("flags") for _, meta in aws.clips()] == [None, "duration", None]

    def test_what_no_call_returns_waits_while_it_is_young_and_stops_no_other_camera(self) -> None:
        aws = plant()
        aws.withheld = {1005}
        aws.fragments["lake_krakow_press-2"] = footage(5)
        summary = archive(aws)
        assert summary["errors"] == {"press-1": "FragmentUnavailable"}
        assert aws.archived() == [(1000, 1004), (1000, 1004)]

    def test_what_no_call_returns_is_recorded_when_it_is_old_and_the_rest_goes_on(self) -> None:
        aws = plant()
        aws.withheld = {1005}
        aws.now_ms += HOUR
        summary = archive(aws)
        assert aws.archived() == [(1000, 1004), (1006, 1010), (1011, 1015), (1016, 1020), (1021, 1024)]
        record = aws.objects[PREFIX + keys.stem(T0 + 10_000, 1005) + ".mp4"]
        assert record[2] == "application/json"
        assert (record[1]["flags"], record[1]["resume-fragment"], record[1]["lost-ms"]) == (
            "unobtainable",
            "1006",
            "2000",
        )
        assert (summary["expired_seconds"], summary["errors"]) == (2.0, {})

    def test_what_may_be_had_later_is_not_given_up_before_it_nears_expiry(self) -> None:
        """A key that is disabled for a day costs no footage."""
        aws = plant()
        aws.withheld = {1005}
        aws.withheld_code = "4501"
        aws.now_ms = T0 + 22 * HOUR
        assert archive(aws)["errors"] == {"press-1": "FragmentUnavailable"}
        assert aws.archived() == [(1000, 1004)]
        aws.now_ms = T0 + 23 * HOUR + 11_000
        assert archive(aws, "run-2")["errors"] == {}
        assert aws.archived()[1] == (1006, 1010)

    @pytest.mark.parametrize("lacking", [5, 200])
    def test_raw_media_that_ends_early_is_fetched_again(self, lacking: int) -> None:
        aws = plant()
        aws.unreadable = {1005}
        aws.now_ms += HOUR
        spoil_first(aws, "get_media_for_fragment_list", lambda body: body.truncate(len(body.getvalue()) - lacking))
        archive(aws)
        assert [meta["format"] for _, meta in aws.clips()][:3] == ["mp4", "mkv", "mp4"]
        assert b"frame 1005b" in aws.objects[aws.clips()[1][0]][0]
        assert aws.calls.count("GetMediaForFragmentList") == 2


class TestSlowFrames:
    """Time-lapse and motion cameras, whose listed lengths say little of how long their fragments are."""

    SETTINGS = SETTINGS._replace(clip_ms=60_000, quiet_ms=120_000)

    def plant(self, count: int, apart_ms: int, frame_ms: int, shown_ms: int | None = None) -> Aws:
        """Fragments as AWS lists them, whose last frame is shown for a time of its own."""
        aws = Aws()
        aws.fragments[NAME] = footage(count, apart_ms, last_ms=frame_ms)
        aws.frame_ms, aws.last_frame_ms = frame_ms, shown_ms
        aws.now_ms = aws.fragments[NAME][-1].end_ms + 200_000
        return aws

    @pytest.mark.parametrize("keeps_pauses", [False, True])
    @pytest.mark.parametrize("shown_ms", [None, 33])
    @pytest.mark.parametrize(
        ("count", "apart_ms", "frame_ms", "clips"),
        [
            pytest.param(300, 1000, 1000, 5, id="a frame a second, each a key frame"),
            pytest.param(40, 8300, 8300, 5, id="a frame every 8.3 seconds, each a key frame"),
            pytest.param(150, 2000, 1000, 5, id="a frame a second, every second a key frame"),
            pytest.param(20, 16_600, 8300, 5, id="a frame every 8.3 seconds, every second a key frame"),
            pytest.param(150, 2000, 40, 5, id="25 frames a second"),
            pytest.param(300, 1000, 40, 5, id="25 frames a second, a key frame every second"),
        ],
    )
    def test_there_are_as_many_calls_as_clips_and_no_flags(
        self, count: int, apart_ms: int, frame_ms: int, clips: int, shown_ms: int | None, keeps_pauses: bool
    ) -> None:
        aws = self.plant(count, apart_ms, frame_ms, shown_ms)
        aws.keeps_pauses = keeps_pauses
        settings = self.SETTINGS._replace(gap_ms=10_000 if frame_ms < apart_ms == 16_600 else 5_000)
        summary = archive(aws, settings=settings)
        assert (summary["clips"], summary["fragments"], summary["flagged"]) == (clips, count, 0)
        assert aws.calls.count("GetClip") == clips
        assert [meta["cut"] for _, meta in aws.clips()][:-1] == ["length"] * (clips - 1)

    def test_a_last_frame_may_be_as_long_as_the_one_before_it(self) -> None:
        """Of two, behind a pause, and far longer than the frames of the clip's other fragments."""
        aws = self.plant(5, 2000, 1000)
        *rest, last = aws.fragments[NAME]
        aws.fragments[NAME] = [*rest, *footage(1, 14_000, last.start_ms + 4000, last.number, last_ms=7000)]
        aws.now_ms += 10_000
        aws.keeps_pauses = True
        whole = Aws._frames
        aws._frames = lambda fragments: [*whole(aws, fragments)[:7], 5000, 7000, 7000]  # type: ignore[method-assign]
        summary = archive(aws, settings=self.SETTINGS)
        assert (summary["clips"], summary["flagged"]) == (1, 0)

    @pytest.mark.parametrize("shown_ms", [None, 33])
    @pytest.mark.parametrize(("apart_ms", "frame_ms"), [(1000, 1000), (8300, 8300), (2000, 1000), (2000, 40)])
    def test_a_fragment_that_is_left_out_is_noticed(self, apart_ms: int, frame_ms: int, shown_ms: int | None) -> None:
        aws = self.plant(60_000 // apart_ms, apart_ms, frame_ms, shown_ms)
        whole = Aws.get_clip

        def leaves_out(self: Aws, **request: Any) -> dict[str, Any]:
            span = request["ClipFragmentSelector"]["TimestampRange"]
            long = (span["EndTimestamp"] - span["StartTimestamp"]).total_seconds() > apart_ms / 500
            self.withheld = {1003} if long else set()
            return whole(self, **request)

        aws.get_clip = leaves_out.__get__(aws)  # type: ignore[method-assign]
        archive(aws, settings=self.SETTINGS)
        held = b"".join(body for body, meta, _ in aws.objects.values() if "first-fragment" in meta)
        assert all(str(each.number).encode() in held for each in aws.fragments[NAME])

    def test_a_frame_that_no_call_returns_is_lost_for_as_long_as_it_was_shown(self) -> None:
        aws = self.plant(30, 1000, 1000)
        aws.withheld = {1005}
        aws.now_ms += HOUR
        summary = archive(aws, settings=self.SETTINGS)
        assert (summary["expired_seconds"], summary["flagged"], summary["errors"]) == (1.0, 1, {})


class TestIncompleteListing:
    """The API model requires no member of a listed fragment."""

    @pytest.mark.parametrize(
        ("member", "name"),
        [
            *(
                ("FragmentSizeInBytes", "1007"),
                ("ProducerTimestamp", "1007"),
                ("FragmentLengthInMilliseconds", "1007"),
            ),
            *(("FragmentNumber", "None"), ("ServerTimestamp", "1007")),
        ],
    )
    def test_what_lacks_a_member_stops_nothing_else(self, member: str, name: str) -> None:
        """Only what has no place in the order is left out."""
        aws = plant()
        aws.unlisted = {1007: (member,)}
        summary = archive(aws)
        left_out = {1007} if member in ("FragmentNumber", "ServerTimestamp") else set()
        archived = [n for a, b in aws.archived() for n in range(a, b + 1)]
        assert set(archived) | left_out == set(range(1000, 1025))
        assert archived == sorted(set(archived))
        assert (summary["errors"], summary["flagged"] > 0) == ({}, True)
        assert self.told(aws) == [("WARNING", name, member)]

    def test_what_is_archived_is_not_told_again(self) -> None:
        aws = plant()
        aws.unlisted = {1024: ("FragmentSizeInBytes",)}
        archive(aws)
        assert archive(aws, "run-2")["flagged"] == 0
        assert len(self.told(aws)) == 1

    @staticmethod
    def told(aws: Aws) -> list[tuple[str, str, str]]:
        """Level, fragment and missing members of each report."""
        return [
            (line["level"], line["fragment"], line["missing"])
            for line in aws.lines()
            if line.get("message") == "fragment listed incompletely"
        ]


class TestEmptyListing:
    """A listing that begins before the last change of retention may answer nothing."""

    def test_footage_after_a_change_is_archived_and_what_it_may_hide_is_told(self) -> None:
        aws = plant(400)
        later_ms, aws.now_ms = aws.now_ms, T0 + 50_000
        archive(aws)
        last = aws.archived()[-1][1]
        aws.now_ms, aws.changed_ms = later_ms, T0 + 60_000
        aws.calls.clear()
        summary = archive(aws, "run-2")
        archived = [n for a, b in aws.archived() for n in range(a, b + 1)]
        assert archived == [*range(1000, last + 1), *range(1030, 1400)]
        ends_ms = T0 + (last + 1 - 1000) * 2000
        (record,) = [meta for _, meta, _ in aws.objects.values() if meta.get("flags") == "unlisted"]
        assert (record["resume-fragment"], record["lost-ms"]) == ("1030", str(T0 + 60_000 - ends_ms))
        (told,) = [line for line in aws.lines() if line.get("message") == "footage unlisted"]
        assert (told["level"], told["from"], told["until"]) == ("WARNING", keys.iso(ends_ms), keys.iso(T0 + 60_000))
        assert (summary["flagged"], summary["expired_seconds"]) == (1, 0)
        assert aws.calls.count("ListFragments") < 40
        assert archive(aws, "run-3")["flagged"] == 0

    @pytest.mark.parametrize("changed_ms", [T0 + 60_001, T0 + 60_000, T0 + 59_999, T0 + 400_000])
    def test_what_is_hidden_is_not_asked_of_getclip(self, changed_ms: int) -> None:
        """GetClip does give it, and a range that reached into it would bring fragments of no known number."""
        aws = plant(400)
        aws.changed_ms = changed_ms
        summary = archive(aws)
        first = next(each for each in aws.fragments[NAME] if each.start_ms >= changed_ms)
        assert aws.archived()[0][0] == first.number
        assert aws.archived()[-1][1] == 1399
        assert (summary["errors"], summary["flagged"]) == ({}, 1)
        assert aws.calls.count("GetClip") == summary["clips"]

    def test_a_change_behind_all_windows_hides_nothing_behind_it(self) -> None:
        """An hour of old footage, and every listing begins before the change or behind the footage."""
        aws = plant(1800)
        aws.created_ms = T0
        aws.changed_ms = T0 + 1_800_000
        aws.now_ms += 300_000
        archive(aws)
        assert aws.archived()[0][0] == 1900
        assert aws.archived()[-1][1] == 2799

    def test_silence_before_footage_costs_one_call(self) -> None:
        aws = plant()
        archive(aws)
        assert aws.archived()[0][0] == 1000
        # the stream is an hour older: windows of ten minutes, ten and 80, and once more from the beginning
        assert aws.calls.count("ListFragments") == 4
        assert [meta["flags"] for _, meta, _ in aws.objects.values() if "flags" in meta] == []

    def test_a_camera_that_stopped_costs_nothing_while_its_last_fragment_is_retained(self) -> None:
        aws = plant()
        archive(aws)
        aws.now_ms += 20 * HOUR
        aws.calls.clear()
        archive(aws, "run-2")
        # windows of ten minutes, ten, 80, 640 and the rest
        assert aws.calls.count("ListFragments") == 5

    def test_a_camera_without_footage_costs_a_call_for_each_doubling_of_its_age(self) -> None:
        aws = plant(1)
        aws.fragments[NAME] = []
        aws.retention_hours = 24 * 30
        aws.created_ms = T0 - 40 * 24 * HOUR
        archive(aws)
        windows, ages = 6, 19  # from 5 seconds, or up to 10, to 15 days
        assert aws.calls.count("ListFragments") <= windows + ages
        assert aws.objects == {}

    def test_what_a_camera_sent_before_it_stopped_is_found_by_one_run_or_another(self) -> None:
        """Two fragments behind the change, a minute of silence for each of their seconds."""
        aws = plant(400)
        aws.changed_ms = aws.fragments[NAME][-2].start_ms
        aws.now_ms += 140_000
        runs = 0
        while not aws.clips() and runs < 200:
            aws.now_ms += 60_000
            runs += 1
            archive(aws, f"run-{runs}")
        assert aws.archived() == [(1398, 1399)]

    def test_another_run_that_archives_meanwhile_is_believed(self) -> None:
        """This run read the archive, then another went on, and then the retention was changed."""
        aws = plant(400)
        later_ms, aws.now_ms = aws.now_ms, T0 + 50_000
        archive(aws)
        others: list[Any] = []

        def interrupt(operation: str) -> None:
            if operation == "ListFragments" and not others:
                others.append({})
                others[0] = archive(aws, "other", SETTINGS._replace(clip_ms=30_000))
                aws.changed_ms = later_ms - 300_000

        aws.now_ms, aws.hook = later_ms - 250_000, interrupt
        archive(aws, "run-2")
        aws.now_ms, aws.hook = later_ms, lambda _operation: None
        archive(aws, "run-3")
        archived = [n for a, b in aws.archived() for n in range(a, b + 1)]
        assert archived == list(range(1000, 1400))


class TestRetention:
    """Footage that expires."""

    def test_what_expired_before_it_was_archived_is_reported_once(self) -> None:
        aws = plant(400)
        aws.now_ms = T0 + 11_000 + 2000 * 5
        archive(aws)
        assert aws.archived()[-1] == (1000, 1004)
        aws.now_ms = T0 + 24 * HOUR + 200_000  # the first hundred fragments are gone
        summary = archive(aws, "run-2")
        first = aws.archived()[1][0]
        lost_seconds = (first - 1005) * 2
        assert 1100 <= first <= 1116
        assert lost_seconds - 2 <= summary["expired_seconds"] <= lost_seconds + 2
        assert [n for a, b in aws.archived()[1:] for n in range(a, b + 1)] == list(range(first, 1400))
        told = [line for line in aws.lines() if line.get("message") == "footage expired"]
        assert [(line["camera"], line["level"]) for line in told] == [("press-1", "WARNING")]
        assert archive(aws, "run-3")["expired_seconds"] == 0

    def test_footage_that_expires_during_a_run_is_not_taken_for_unreadable(self) -> None:
        aws = plant(400)
        aws.now_ms = T0 + 24 * HOUR - 170_000

        def time_passes(operation: str) -> None:
            if operation == "GetClip":
                aws.now_ms += 50_000

        aws.hook = time_passes
        summary = archive(aws)
        assert {meta["format"] for _, meta in aws.clips()} == {"mp4"}
        assert all("duration" not in meta.get("flags", "") for _, meta in aws.clips())
        numbers = [n for a, b in aws.archived() for n in range(a, b + 1)]
        assert numbers == sorted(set(numbers))
        assert summary["errors"] == {}

    def test_near_the_edge_a_record_names_the_fragment_that_all_runs_begin_with(self) -> None:
        aws = plant(400)
        aws.now_ms = T0 + 24 * HOUR - 100_000
        archive(aws)
        record = aws.objects[PREFIX + f"_begin-{aws.created_ms}.json"]
        assert (record[1]["resume-fragment"], record[1]["flags"]) == ("1000", "edge")
        assert aws.archived()[0][0] == 1000


class TestBegin:
    """Where an empty archive begins."""

    def test_now_means_since_the_first_run(self) -> None:
        aws = plant(40)
        settings = SETTINGS._replace(start_from="now")
        later_ms, aws.now_ms = aws.now_ms, T0 + 30_001
        assert archive(aws, "run-1", settings)["clips"] == 0
        aws.now_ms = later_ms
        archive(aws, "run-2", settings)
        assert aws.archived()[0] == (1016, 1020)
        assert aws.archived()[-1][1] == 1039


class TestDeadline:
    """What does not fit is left for the next run."""

    def test_a_run_without_time_returns_cleanly_and_says_what_is_left(self) -> None:
        aws = plant()
        aws.remaining_ms = 4_500
        summary = archive(aws)
        assert (summary["clips"], summary["unfinished"], summary["errors"]) == (0, ["press-1"], {})

    def test_the_next_run_goes_on(self) -> None:
        aws = plant()
        aws.remaining_ms = 60_000

        def time_passes(operation: str) -> None:
            if operation == "GetClip":
                aws.remaining_ms -= 25_000

        aws.hook = time_passes
        summary = archive(aws)
        assert summary["unfinished"] == ["press-1"]
        assert 0 < summary["clips"] < 5
        while summary["unfinished"]:
            aws.remaining_ms = 60_000
            summary = archive(aws, "next")
        assert aws.archived() == [(1000 + i, 1004 + i) for i in range(0, 25, 5)]

    def test_a_clip_that_no_run_could_finish_is_made_shorter(self) -> None:
        aws = plant()
        aws.fragments[NAME] = [f._replace(size=15_000_000) for f in aws.fragments[NAME]]
        aws.remaining_ms = 30_000
        archive(aws)
        assert aws.archived()[0] == (1000, 1002)
        assert aws.clips()[0][1]["cut"] == "deadline"


def test_a_log_line_for_every_clip() -> None:
    aws = plant(5)
    archive(aws)
    (line,) = [line for line in aws.lines() if line.get("message") == "clip"]
    assert line["key"] == keys.stem(T0, 1000) + ".mp4"
    assert (line["camera"], line["factory"], line["fragments"], line["cut"]) == ("press-1", "krakow", "5", "length")
    assert line["bytes"] == len(aws.objects[PREFIX + line["key"]][0])


def test_in_steady_state_a_clip_costs_six_calls() -> None:
    """A clip a run, in a process that is warm."""
    aws = plant(500)
    dependencies = aws.dependencies()
    counts = []
    for clips in range(1, 20):
        aws.now_ms = T0 + clips * 10_000 + 6_000
        aws.calls.clear()
        summary = run(SETTINGS, Shard(), dependencies, aws.timing(), aws.report(), f"run-{clips}")
        assert summary["clips"] == 1
        counts.append(len(aws.calls))
    assert counts[1:] == [6] * 18
    assert aws.calls == ["ListStreams", "ListObjectsV2", "ListFragments", "GetClip", "PutObject", "PutRow"]
