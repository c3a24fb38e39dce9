"""The reckoning of cameras: clips, footage that waits, and footage that is lost."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from factory_lake.coverage.canvas import Canvas
from factory_lake.coverage.evidence import CameraHistory, Footage, Loss
from factory_lake.coverage.habits import spoken
from factory_lake.coverage.model import Span, Subject, Timeline
from factory_lake.coverage.times import iso

#: The flag of a clip before which footage may have expired (`clip_fetch.camera`).
EXPIRED_BEFORE = "expired-before"


def camera_timeline(factory: str, camera: CameraHistory, from_ms: int, to_ms: int, now_ms: int) -> Timeline:
    """The timeline of a camera."""
    canvas = Canvas(from_ms, to_ms)
    everything = [*camera.clips, *camera.waiting]
    bridged = list(_bridged(everything, camera.pause_ms, to_ms))
    archived = bridged[: len(camera.clips)]
    canvas.paint(Span(one.start_ms, one.end_ms, "data", one.fragments) for one in archived)
    canvas.paint(map(_lost, [*camera.losses, *_before_flagged(camera.clips)]))
    canvas.paint(_waiting(one, camera, now_ms) for one in bridged[len(camera.clips) :])
    canvas.paint(_nothing(factory, camera, from_ms, to_ms))
    basis = f"a longer pause than {spoken(camera.pause_ms)} is a gap in the footage"
    return Timeline(Subject("camera", factory, camera.camera), canvas.spans(), camera.pause_ms, basis)


def _bridged(footage: Sequence[Footage], pause_ms: int, to_ms: int) -> Iterator[Footage]:
    """Each piece up to the next one, or to the range's end, where the pause between them is short."""
    for at, one in enumerate(footage):
        next_ms = footage[at + 1].start_ms if at + 1 < len(footage) else to_ms
        yield replace(one, end_ms=next_ms) if 0 < next_ms - one.end_ms <= pause_ms else one


def _before_flagged(clips: Sequence[Footage]) -> Iterator[Loss]:
    """Holes before clips that say so: how much was lost such a clip does not tell."""
    for before, clip in pairwise(clips):
        if EXPIRED_BEFORE in clip.flags.split(","):
            yield Loss(before.end_ms, clip.start_ms, EXPIRED_BEFORE, clip.place)


def _lost(loss: Loss) -> Span:
    cause = "footage was lost before it was archived, or may have been; the archive goes on behind it"
    if "unlisted" in loss.flags:
        cause = (
            "Kinesis Video Streams listed no footage of this time, so it may be lost; the archive goes on behind it"
        )
    return Span(loss.start_ms, loss.end_ms, "expired", reason=loss.flags, cause=cause, evidence=(loss.place,))


def _waiting(one: Footage, camera: CameraHistory, now_ms: int) -> Span:
    """Footage in the stream that is not archived yet."""
    if one.end_ms + camera.due_ms > now_ms:
        cause = f"the footage is in the stream; its clip is due {spoken(camera.due_ms)} after its end at most"
        return Span(one.start_ms, one.end_ms, "waiting", one.fragments, cause=cause, evidence=(one.place,))
    overdue_ms = now_ms - one.end_ms - camera.due_ms
    cause = f"the footage is in the stream, and its clip is overdue by {spoken(overdue_ms)}"
    return Span(
        one.start_ms, one.end_ms, "archiver_behind", one.fragments, cause=cause, evidence=(one.place, camera.metric)
    )


def _nothing(factory: str, camera: CameraHistory, from_ms: int, to_ms: int) -> Iterator[Span]:
    """What a moment without any footage is."""
    if from_ms < camera.created_ms:
        cause = f"the camera's stream was made at {iso(camera.created_ms)}"
        yield Span(from_ms, camera.created_ms, "camera_silent", reason="NOT_MADE", cause=cause)
    # Behind the archive's end and before what the stream retains, nothing tells silence from loss.
    reached_ms = max(
        [camera.created_ms, *(clip.end_ms for clip in camera.clips), *(loss.end_ms for loss in camera.losses)]
    )
    if reached_ms < camera.listed_from_ms:
        cause = (
            "the archive does not reach this far, and what the stream had of it is past its retention; "
            "whether the camera filmed cannot be told"
        )
        yield Span(reached_ms, camera.listed_from_ms, "unexplained", cause=cause, evidence=(camera.metric,))
    place = f"s3 prefix factory={factory}/camera={camera.camera}/, ListFragments of {camera.stream}"
    cause = "neither the archive nor the video stream has footage of it"
    yield Span(from_ms, to_ms, "camera_silent", cause=cause, evidence=(place,))
