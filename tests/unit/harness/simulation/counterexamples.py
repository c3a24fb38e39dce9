"""Histories that show what a rule is for: without it, each of these loses or repeats footage.

They are the rare ones, which random generation would take thousands of histories to meet.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.simulation.history import EPOCH_MS, Action, Fault, History, Run, Stream
from harness.simulation.simulated_aws import GARBLED
from localcloud.kinesisvideo import semantics

_SETTINGS = {"clip_ms": 60_000, "settle_ms": 15_000, "quiet_ms": 60_000, "gap_ms": 5_000}


def _fragments(times: Sequence[tuple[int, int]], length_ms: int) -> tuple[semantics.Fragment, ...]:
    """Fragments at these server and producer times, in milliseconds after the epoch of histories."""
    return tuple(
        semantics.Fragment(
            number=1000 + index,
            server_ms=EPOCH_MS + server_ms,
            producer_ms=EPOCH_MS + producer_ms,
            length_ms=length_ms,
            size=100_000,
            persisted_ms=EPOCH_MS + server_ms + length_ms,
            listed_ms=EPOCH_MS + server_ms + length_ms,
        )
        for index, (server_ms, producer_ms) in enumerate(times)
    )


def repeated_producer_time() -> History:
    """A fragment is sent twice within a millisecond, and a pause hides that GetClip leaves one of them out.

    The two cannot be requested apart. In one clip with the others the pause of three seconds, which the
    clip's time line keeps, makes up for the two seconds that are missing.
    """
    times = [(0, 0), (2000, 2000), (7000, 7000), (9000, 9000), (9001, 9000), (11_000, 11_000)]
    stream = Stream(
        "cam-0", EPOCH_MS, semantics.HOUR_MS, _fragments(times, 2000), semantics.Policy(), keeps_pauses=True
    )
    return History(0, (stream,), (Run(EPOCH_MS + 300_000, 60_000, _SETTINGS),))


def two_runs_at_the_edge() -> History:
    """Footage expires while two runs look: the first sees a fragment that the second no longer sees.

    Each would begin a clip of its own, under two keys, and both clips hold what follows.
    """
    times = [(index * 20_000, index * 20_000) for index in range(190)]
    stream = Stream("cam-0", EPOCH_MS, semantics.HOUR_MS, _fragments(times, 20_000))
    begin_ms = EPOCH_MS + semantics.HOUR_MS
    slow = Run(begin_ms, 300_000, _SETTINGS, (Fault("PutObject", "held", 45_000),))
    quick = Run(begin_ms + 35_000, 300_000, _SETTINGS)
    return History(0, (stream,), (slow, quick))


def runs_that_disagree_on_the_format() -> History:
    """A run has a fragment as an MP4 file and is held up before its put; another gets no whole MP4 file.

    It keeps the fragment as Matroska. Only a record in the place of the MP4 file stops the other's put.
    """
    times = [(index * 2000, index * 2000) for index in range(60)]
    stream = Stream("cam-0", EPOCH_MS, semantics.HOUR_MS, _fragments(times, 2000))
    held_up = Run(EPOCH_MS + 300_000, 300_000, _SETTINGS, (Fault("PutObject", "held", 45_000),))
    unlucky = Run(EPOCH_MS + 301_000, 300_000, _SETTINGS, (Fault("GetClip", GARBLED),))
    return History(0, (stream,), (held_up, unlucky))


def deleted_and_archived_in_shorter_clips() -> History:
    """An operator deletes the newest clip, and what is archived under its key now is another clip.

    Its row is there from before, so it has to be put over that one.
    """
    times = [(index * 2000, index * 2000) for index in range(40)]
    stream = Stream("cam-0", EPOCH_MS, 24 * semantics.HOUR_MS, _fragments(times, 2000))
    before = Run(EPOCH_MS + 300_000, 300_000, _SETTINGS)
    after = Run(EPOCH_MS + 2_000_000, 300_000, {**_SETTINGS, "clip_ms": 10_000})
    return History(0, (stream,), (before, after), (Action(EPOCH_MS + 1_000_000, "delete-newest", "cam-0"),))


def held_up_between_reading_and_listing() -> History:
    """A run reads the archive, is held up, and lists only when what another run has archived has expired.

    What it lists begins long after, far from any edge. But the other run, which takes pauses lightly, has
    archived the beginning of that as well.
    """
    early = [(index * 20_000, index * 20_000) for index in range(12)]
    late = [(3_000_000 + index * 20_000, 3_000_000 + index * 20_000) for index in range(30)]
    stream = Stream("cam-0", EPOCH_MS, semantics.HOUR_MS, _fragments([*early, *late], 20_000))
    patient = {**_SETTINGS, "clip_ms": 3_050_000, "gap_ms": semantics.HOUR_MS, "quiet_ms": semantics.HOUR_MS}
    held_up = Run(EPOCH_MS + 3_000_000, 900_000, _SETTINGS, (Fault(8, "held", 880_000),))
    quick = Run(EPOCH_MS + 3_100_000, 300_000, patient)
    return History(0, (stream,), (held_up, quick))


def retention_changed_behind_the_archive() -> History:
    """The retention is changed while the archiver stands still for some minutes.

    Listings from where the archive ends answer nothing from then on. Those of what came after that window of
    ten minutes do answer, and with them the archive would go on.
    """
    times = [(index * 2000, index * 2000) for index in range(780)]
    change = (EPOCH_MS + 300_000, 48 * semantics.HOUR_MS)
    fragments = _fragments(times, 2000)
    stream = Stream("cam-0", EPOCH_MS, 24 * semantics.HOUR_MS, fragments, change=change)
    runs = [Run(EPOCH_MS + at_ms, 60_000, _SETTINGS) for at_ms in (100_000, 200_000, 295_000, 1_200_000)]
    return History(0, (stream,), tuple(runs))


def retention_changed_amid_old_footage() -> History:
    """The retention is changed in the middle of an hour of footage, of which nothing is archived yet.

    The windows in which it is listed all begin before that, or behind all footage.
    """
    times = [(index * 2000, index * 2000) for index in range(1800)]
    change = (EPOCH_MS + 1_800_000, 48 * semantics.HOUR_MS)
    fragments = _fragments(times, 2000)
    stream = Stream("cam-0", EPOCH_MS, 24 * semantics.HOUR_MS, fragments, change=change)
    return History(0, (stream,), (Run(EPOCH_MS + 3_900_000, 300_000, _SETTINGS),))
