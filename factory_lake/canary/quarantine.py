"""Messages that lie under `errors/`, as operators find them: by the object, and by the transform's log."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from factory_lake.canary.model import REFUSED_BY, Found, Message, StepError
from factory_lake.redrive.lake import LaneNames
from factory_lake.redrive.lines import KINDS, ErrorLine, ErrorObject, list_objects, read_lines
from factory_lake.redrive.origins import RejectionLog

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Clocks differ; an object of before holds nothing of this run's.
_BEFORE = timedelta(minutes=5)


@dataclass
class Quarantine:
    """The error objects of one lane that are written from a moment on; each is read once.

    Attributes:
        log: Gives the transform's log to read; what was read of it is not read anew, and lines come late.
    """

    s3: "S3Client"
    names: LaneNames
    log: Callable[[], RejectionLog]
    since: datetime
    _read: set[str] = field(default_factory=set, init=False)
    _found: list[tuple[ErrorObject, ErrorLine]] = field(default_factory=list, init=False)

    def find(self, message: Message) -> tuple[ErrorObject, ErrorLine] | None:
        """Where a message lies; None when it lies nowhere here.

        Raises:
            DamagedError: When an object is not what its key says.
        """
        for source in self._objects():
            if source.key not in self._read:
                self._found += ((source, line) for line in read_lines(self.s3, source))
                self._read.add(source.key)
        token = message.token.encode()
        return next(((source, line) for source, line in self._found if token in line.data), None)

    def refused(self, message: Message) -> Found | None:
        """What is told of a message that had to be refused; None while something is missing.

        Raises:
            StepError: When it was refused for another reason.
        """
        found = self.find(message)
        if found is None:
            return None
        source, line = found
        if (origin := self.log().origins([line]).get(line.number)) is None:
            return None
        if origin.rule != REFUSED_BY:
            raise StepError(f"was refused by the rule {origin.rule}, not {REFUSED_BY}", str(source))
        return Found(f"lies under errors/, by the rule {origin.rule}", str(source))

    def _objects(self) -> Iterator[ErrorObject]:
        first = self.since - _BEFORE
        days = {f"{day:%Y/%m/%d}" for day in (first, datetime.now(UTC))}
        for kind in KINDS:
            for day in sorted(days):
                yield from list_objects(
                    self.s3, self.names.bucket, self.names.factory, self.names.lane, f"{kind}/{day}/", first
                )
