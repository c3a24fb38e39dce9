"""Get a clip's media, or the longest beginning of it that there is."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Callable, Iterator

from . import planning
from .deadline import Deadline
from .download import Downloader, Part
from .errors import DeadlineExceededError
from .keys import MP4
from .planning import Clip
from .spool import Spool
from .throughput import Throughput
from .video import Video


class Fetcher:
    """Fetches the clips of one stream."""

    def __init__(
        self,
        downloader: Downloader,
        video: Video,
        spool: Spool,
        deadline: Deadline,
        throughput: Throughput,
        log: Callable[[str, dict[str, Any]], None],
    ) -> None:
        self._downloader = downloader
        self._video = video
        self._spool = spool
        self._deadline = deadline
        self._throughput = throughput
        self._log = log

    @contextmanager
    def longest_part(self, clip: Clip, file_format: str = MP4) -> Iterator[Part]:
        """Return the clip or, where it is unavailable, its longest beginning; gone when the block ends.

        Args:
            clip: The clip.
            file_format: ``MKV`` for one that must be kept as Matroska.

        Raises:
            StaleStateError: Its fragments expire.
            DeadlineExceededError: There is no time for it.
            FragmentUnavailableError: Its first fragments are listed, but no call returns them.
            Exception: That of the last call, after retries.
        """
        clip = self._affordable(clip)
        result = None
        if file_format == MP4 and not planning.has_inseparable_starts(clip.groups[0]):
            with self._spool.files(1, clip.size, self._deadline) as (file,):
                begun_ms = self._deadline.now_ms()
                result = self._downloader.attempt(clip, file)
                if result.is_whole:
                    yield Part(clip, file, MP4, result.duration_ms, "")
                    self._throughput.record(clip.size, self._deadline.now_ms() - begun_ms)
                    return
            self._log("clip refused", {"first": str(clip.first.number), "problem": result.problem})
        from .recovery import Recovery  # rarely needed, so a cold start does not compile it

        with Recovery(self._downloader, self._video, self._spool, self._deadline).longest_part(clip, result) as part:
            yield part

    def _affordable(self, clip: Clip) -> Clip:
        """Return the clip, or what there is time for of one that is too much for any run."""
        if self._throughput.affords(clip.size):
            return clip
        groups = len(clip.groups) - 1 if self._throughput.exceeds_any_run(clip.size) else 0
        while groups and not self._throughput.affords(clip.head(groups, clip.cut).size):
            groups -= 1
        if not groups:
            raise DeadlineExceededError
        return clip.head(groups, planning.DEADLINE)
