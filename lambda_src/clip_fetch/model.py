"""The nouns of the video path: streams, fragments, and how far an archive reaches.

All times are epoch milliseconds and all fragment numbers integers: Kinesis Video Streams keeps times to the
millisecond, and its fragment numbers are decimal strings that sort wrongly as text.

Records are named tuples in both functions: a cold start with dataclasses takes ten milliseconds longer.
"""

from __future__ import annotations

from typing import NamedTuple


class Stream(NamedTuple):
    """One camera's video stream.

    Attributes:
        camera: Camera ID: the name after the factory's prefix.
        created_ms: Creation time. A stream that was deleted and made again has a new one, which is how the
            archive tells the two apart.
        retention_ms: Data retention.
    """

    name: str
    camera: str
    created_ms: int
    retention_ms: int

    def remaining_retention_ms(self, fragment: Fragment, now_ms: int) -> int:
        """Return how long a fragment is still retained."""
        return fragment.start_ms + self.retention_ms - now_ms


class Fragment(NamedTuple):
    """A fragment as ListFragments reports it.

    Attributes:
        number: Grows with ingestion.
        start_ms: Server timestamp.
        producer_ms: Producer timestamp.
        length_ms: Playback duration up to the start of its last frame, so 0 where it has one frame (seen on
            AWS; not documented).
        size: Bytes.
    """

    number: int
    start_ms: int
    producer_ms: int
    length_ms: int
    size: int

    @property
    def end_ms(self) -> int:
        """Server timestamp plus listed duration."""
        return self.start_ms + self.length_ms


class Position(NamedTuple):
    """How far the archive of one stream reaches; all that a run knows when it begins.

    Attributes:
        number: Fragments up to and including this number are settled: archived, or recorded as expired.
        start_ms: Fragments that start before this need not be looked for.
        end_ms: Until when footage is settled.
        previous_ms: Start of the last fragment before the next one, where it is known.
        expected: The number that the next clip must begin with, where a gap record names it.
        token: The key stem of what states this position; a gap record that follows it is put there.
    """

    number: int
    start_ms: int
    end_ms: int
    previous_ms: int | None
    expected: int | None
    token: str
