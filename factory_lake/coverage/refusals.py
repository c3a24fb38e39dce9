"""Messages that did not get into their table, by the objects under `errors/`.

An error line of Firehose has neither gateway nor rule: the transform's log has both, for as long as it is kept.
Without it the rule is what the transform's own code says of the message now, and the gateway that of its tag.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from factory_lake.canary.marks import is_marked
from factory_lake.coverage.evidence import Failure
from factory_lake.gateway.batches import samples_of
from factory_lake.reconcile.stored import ERROR_ACTION, ORIGINAL
from factory_lake.redrive.lake import LaneNames
from factory_lake.redrive.lines import ErrorLine, ErrorObject, list_objects, read_lines
from factory_lake.redrive.origins import Origin, RejectionLog
from factory_lake.redrive.prediction import Prediction
from factory_lake.redrive.restore import Restorer
from transform import errors as rules
from transform.errors import MessageError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: Lines of one lane's objects that are read; beyond them the evidence has an end, and a note says so.
MOST_LINES = 100_000
#: Rules by which a message's own time is not to be believed.
_NOT_THE_TIME = frozenset(
    {rules.NOT_MILLISECONDS, rules.TIMESTAMP_TOO_OLD, rules.TIMESTAMP_TOO_FAR_AHEAD, rules.NOT_AN_INTEGER}
)
# What is never a rule of the transform's.
_UNKNOWN = "unknown"


@dataclass
class Refusals:
    """Reads the error objects of one lane."""

    s3: "S3Client"
    names: LaneNames
    log: RejectionLog
    prediction: Prediction | None = None
    most_lines: int = MOST_LINES
    notes: list[str] = field(default_factory=list, init=False)

    def failures(self, first_day: date, last_day: date) -> list[Failure]:
        """The failures of messages that arrived on these days, both included.

        Raises:
            DamagedError: When an object is not what its key says.
        """
        found: list[Failure] = []
        left = self.most_lines
        for source in list_objects(self.s3, self.names.bucket, self.names.factory, self.names.lane):
            if not first_day <= source.day <= last_day:
                continue
            lines = []
            for line in read_lines(self.s3, source):
                if left == 0:
                    self.notes.append(
                        f"under errors/ of {self.names.factory}'s {self.names.lane} lie more than "
                        f"{self.most_lines} messages of these days; the first ones are evidence here"
                    )
                    return found
                left -= 1
                lines.append(line)
            found += self._of_object(source, lines)
        return found

    def _of_object(self, source: ErrorObject, lines: Sequence[ErrorLine]) -> Iterator[Failure]:
        origins = self.log.origins(lines) if source.kind == ORIGINAL else {}
        for line in lines:
            place = f"{source}#{line.number}"
            if source.kind == ERROR_ACTION:
                state, origin, data = "error_action", Origin(line.arrival_ms, line.gateway, line.reason), line.data
            elif source.kind == ORIGINAL:
                origin = origins.get(line.number) or Origin(line.arrival_ms, None)
                state, data = "refused", line.data
            else:
                origin, data = self._restored(line)
                state = "refused"
            for sample in samples_of(data) if self.names.lane == "measurements" else [data]:
                if is_marked(self.names.lane, sample):
                    continue
                yield self._failure(state, origin, sample, place, source.kind)

    def _restored(self, line: ErrorLine) -> tuple[Origin, bytes]:
        """Origin and message of a line that failed behind the transform."""
        try:
            restored = Restorer().restore(self.names.lane, line.data)
        except (MessageError, ValueError):
            restored = None
        if restored is None:
            return Origin(line.arrival_ms, None, line.reason), line.data
        return Origin(restored.received_ms, restored.gateway, line.reason), restored.payload

    def _failure(self, state: Any, origin: Origin, sample: bytes, place: str, kind: str) -> Failure:
        reason = origin.rule
        if reason is None and self.prediction is not None:
            reason = self.prediction.refusal(sample, "-", origin.received_ms)
        reason = reason or f"{_UNKNOWN} ({kind})"
        tag, taken_ms = _named(sample) if self.names.lane == "measurements" else (None, None)
        believed = taken_ms is not None and (state == "error_action" or reason not in _NOT_THE_TIME)
        at_ms = taken_ms if believed and taken_ms is not None else origin.received_ms
        return Failure(state, self.names.lane, at_ms, origin.gateway, tag, reason, place)


def _named(sample: bytes) -> tuple[tuple[str, str] | None, int | None]:
    """Device and name of a sample's tag, and when it was taken, as far as it says so."""
    try:
        document = json.loads(sample)
    except (ValueError, RecursionError):
        return None, None
    if not isinstance(document, dict):
        return None, None
    device, name, at = (document.get(key) for key in ("deviceName", "tagName", "timestamp"))
    names = [one.strip() for one in (device, name) if isinstance(one, str) and one.strip()]
    taken_ms = at if isinstance(at, int) and not isinstance(at, bool) and 10**12 <= at < 10**13 else None
    return (names[0], names[1]) if len(names) == 2 else None, taken_ms
