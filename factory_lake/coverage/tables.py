"""What Athena answers, as evidence."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from factory_lake import query as athena
from factory_lake.connections import COLUMNS, Event
from factory_lake.coverage import sql
from factory_lake.coverage.evidence import Clock, Pauses, Run, Tag, TagHistory
from factory_lake.coverage.times import MINUTE_MS
from factory_lake.errors import FactoryLakeError

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient

Row = Mapping[str, Any]
# How Athena says that there is no such table (Athena User Guide, "Error catalog").
_NO_TABLE = "TABLE_NOT_FOUND"


class CoverageError(FactoryLakeError):
    """A range cannot be told."""


@dataclass
class Tables:
    """Asks Athena, and counts what that takes."""

    client: "AthenaClient"
    workgroup: str
    database: str
    scanned_bytes: int = 0
    query_ms: int = 0
    #: Whether there is a table of connections.
    has_connections: bool = field(default=True, init=False)

    def histories(self, window: sql.Window, from_ms: int, to_ms: int, gateways: Collection[str]) -> list[TagHistory]:
        """What arrived of each tag.

        Raises:
            QueryError: When Athena cannot answer.
            CoverageError: When the range has more runs of samples than one answer holds.
        """
        return histories(self._rows(sql.runs(window, from_ms, to_ms, gateways)), from_ms, to_ms)

    def clocks(
        self, window: sql.Window, from_ms: int, to_ms: int, gateways: Collection[str]
    ) -> dict[str, list[Clock]]:
        """When the clock of each gateway was off."""
        found: dict[str, list[Clock]] = defaultdict(list)
        for row in self._rows(sql.clocks(window, from_ms, to_ms, gateways)):
            found[str(row["gateway"])].append(clock_of(row))
        return found

    def messages(self, window: sql.Window, gateways: Collection[str]) -> dict[str, list[tuple[int, int]]]:
        """When configuration messages of each gateway arrived, and how many at once."""
        found: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for row in self._rows(sql.configuration(window, gateways)):
            if str(row["received_at_ms"] or "").isdecimal():
                found[str(row["gateway"])].append((int(row["received_at_ms"]), int(row["messages"])))
        return {gateway: sorted(times) for gateway, times in found.items()}

    def connections(self, window: sql.Window) -> list[Event]:
        """The events of connections; none where the lake has no such table."""
        if not self.has_connections:
            return []
        try:
            rows = self._rows(sql.connections(window, COLUMNS))
        except athena.QueryError as error:
            if _NO_TABLE not in str(error):
                raise
            self.has_connections = False
            return []
        return [Event.from_row(row) for row in rows]

    def _rows(self, text: str) -> list[Row]:
        result = athena.run(self.client, text, self.workgroup, self.database)
        self.scanned_bytes += result.bytes_scanned
        self.query_ms += round(result.seconds * 1000)
        if len(result.rows) > sql.MOST_ROWS:
            raise CoverageError(
                "--from, --to", f"must be a range of at most {sql.MOST_ROWS} runs of data; take a shorter one"
            )
        return result.records


def clock_of(row: Row) -> Clock:
    """A time when a gateway's clock was off, from a row that `sql.clocks` asks for."""
    ends = (int(row["least_ms"]), int(row["most_ms"]))
    first_ms, last_ms = (epoch_ms(row[name]) for name in ("first_minute", "last_minute"))
    return Clock(first_ms, last_ms + MINUTE_MS, min(ends, key=abs), int(row["samples"]))


def histories(rows: Iterable[Row], from_ms: int, to_ms: int) -> list[TagHistory]:
    """Tags' histories, from the rows that `sql.runs` asks for."""
    by_tag: dict[Tag, list[Row]] = defaultdict(list)
    for row in rows:
        by_tag[Tag(str(row["gateway"]), str(row["device_name"]), str(row["tag_name"]))].append(row)
    return [_history(tag, by_tag[tag], from_ms, to_ms) for tag in sorted(by_tag)]


def _history(tag: Tag, rows: Sequence[Row], from_ms: int, to_ms: int) -> TagHistory:
    ordered = sorted(rows, key=lambda row: row["place"])
    first = ordered[0]
    # The last sample before the range: the first row is that, or says when it was taken.
    before = first["ts"] if epoch_ms(first["ts"]) < from_ms else first["previous_ts"]
    runs = list(_runs(ordered, from_ms, to_ms))
    if before is not None:
        runs.insert(0, Run(epoch_ms(before), epoch_ms(before), 0, late=bool(first["late"])))
    names = ("tenth_ms", "median_ms", "ninetieth_ms", "rare_ms", "longest_before_ms")
    pauses = Pauses(int(first["samples"]), *(int(first[name] or 0) for name in names))
    return TagHistory(tag, tuple(runs), pauses, seen_before=before is not None)


def _runs(ordered: Sequence[Row], from_ms: int, to_ms: int) -> Iterator[Run]:
    for at, row in enumerate(ordered):
        start_ms = epoch_ms(row["ts"])
        if start_ms < from_ms:
            continue
        if at + 1 < len(ordered):
            following = ordered[at + 1]
            yield Run(
                start_ms,
                epoch_ms(following["previous_ts"]),
                int(following["place"]) - int(row["place"]),
                late=bool(row["late"]),
            )
        else:
            yield Run(start_ms, start_ms, 1, late=bool(row["late"]))
        if start_ms >= to_ms:
            # What is behind the range ends its last pause, and no more.
            return


def epoch_ms(moment: datetime) -> int:
    """Epoch milliseconds of a timestamp as the tables have it: UTC, without a zone."""
    at = moment.replace(tzinfo=UTC)
    return int(at.timestamp()) * 1000 + at.microsecond // 1000
