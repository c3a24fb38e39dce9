"""Batches of samples: the usual one as quickly as its text allows, any other one sample at a time.

Nearly every batch comes from one serializer, its samples are valid and of one day, and all of them go on. Such a batch
is converted by one call of a regular expression, which finds the samples in which nothing changes, and by the fast
path for what that leaves. What does not fit is judged sample by sample, and may have to be put back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .envelope import RECEIVED_AT
from .errors import BATCH_NOT_SPLIT, NOT_JSON, MessageError
from .lines import DAY_MS, MAX_BYTES, MAX_MS, MIN_MS, Delivered, check_milliseconds
from .planning import MAX_REJECTED, Outcome, Split, plan
from .splitting import cut, elements, objects, remaining

if TYPE_CHECKING:
    from .measurements import Measurements


class Batches:
    """Converts the batches of a lane."""

    __slots__ = ("_lane",)

    def __init__(self, lane: Measurements) -> None:
        """Take the lane, which says what each sample is worth."""
        self._lane = lane

    def convert(self, text: str, received_at: int, line_suffix: str) -> Delivered | Split | None:
        """Convert a batch; return None where the message is none, or is not JSON.

        Args and raises are those of ``Measurements.convert``, but for the message, which is text already.
        """
        inside = objects(text)
        outcomes = None
        if inside is not None:
            delivered = self._deliver(inside, received_at, line_suffix)
            if delivered is not None:
                return delivered
            texts = cut(inside)
            outcomes = self._judge(texts, received_at, line_suffix, pieces=True)
        if outcomes is None:
            found = elements(text)
            if found is None:
                return None
            texts = found
            outcomes = self._judge(texts, received_at, line_suffix) or []
        planned = plan(texts, outcomes, self._lane.partitions)
        if isinstance(planned, Split):
            # They are judged by the arrival of the batch when they come again, and its key can only keep a time.
            check_milliseconds(RECEIVED_AT, received_at)
        return planned

    def _deliver(self, text: str, received_at: int, line_suffix: str) -> Delivered | None:
        """Convert objects with commas between them if all are accepted by the fast path and are of one day."""
        lane = self._lane
        parts, samples = [text], 0
        days: list[int] = []
        for template in lane.known["\\" in text]:
            found = template.convert_many(text, line_suffix)
            if found is not None:
                parts, times = found
                oldest, newest = int(min(times)), int(max(times))
                if oldest - received_at < -lane.past_ms or newest - received_at > lane.future_ms:
                    return None
                days, samples = [oldest // DAY_MS, newest // DAY_MS], len(times)
                break
        if any(parts[::4]):
            others = self._match_others(parts, received_at, line_suffix)
            if others is None:
                return None
            days += others
            samples += len(others)
        lines = "".join(parts).encode()
        day = days[0]
        if days.count(day) < len(days) or len(lines) > MAX_BYTES or not MIN_MS <= received_at <= MAX_MS:
            return None
        return lines, lane.partitions[day], samples

    def _match_others(self, parts: list[str], received_at: int, line_suffix: str) -> list[int] | None:
        """Put lines in the place of the objects that one template has left, each by any template; return their days.

        None where that does not go for all of them.
        """
        match = self._lane.match
        days: list[int] = []
        for index in range(0, len(parts), 4):
            if parts[index]:
                lines: list[str] = []
                for piece in remaining(parts[index], last=index == len(parts) - 1):
                    sample = match(piece, received_at, line_suffix)
                    if sample is None:
                        return None
                    lines.append(sample[0])
                    days.append(sample[1])
                if not lines:
                    return None
                parts[index] = "".join(lines)
        return days

    def _judge(
        self, texts: list[str], received_at: int, line_suffix: str, *, pieces: bool = False
    ) -> list[Outcome] | None:
        """Return what each element is worth alone, whatever goes wrong with it.

        None for pieces that may have been cut where no element ends: the slow path, which looks for that before all
        else, finds that one is not JSON. Where more than ``MAX_REJECTED`` are rejected, the rest is not looked at.

        Raises:
            MessageError: So many elements are rejected that they cannot all be put back.
        """
        outcomes: list[Outcome] = []
        rejected = 0
        for text in texts:
            fast = self._lane.match(text, received_at, line_suffix)
            if fast is not None:
                line = fast[0].encode()
                if len(line) <= MAX_BYTES:
                    outcomes.append((line, fast[1]))
                    continue
            try:
                line, event_time = self._lane.read(text, received_at, line_suffix)
                outcomes.append((line, event_time // DAY_MS))
            except MessageError as error:
                rejected += 1
                if pieces and (error.rule == NOT_JSON or rejected > MAX_REJECTED):
                    return None
                # The traceback leads to this list: thousands of them would wait for the garbage collector.
                outcomes.append(error.with_traceback(None))
            except Exception as error:
                rejected += 1
                if pieces:  # nobody knows whether it is JSON
                    return None
                outcomes.append(error)
            if rejected > MAX_REJECTED:
                raise MessageError(BATCH_NOT_SPLIT)
        return outcomes
