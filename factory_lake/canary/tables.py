"""What users see of the canary's messages and footage, by Athena."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from factory_lake import query as athena
from factory_lake.canary.marks import MARK
from factory_lake.canary.model import VALUE, Found, Message, StepError
from factory_lake.coverage.sql import Window, days_between
from factory_lake.coverage.tables import epoch_ms
from factory_lake.coverage.times import moment, text

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient

# A row lies on the day of its sample, or of its arrival, which may be the next one.
_DAYS_AFTER = 1


@dataclass(frozen=True)
class Tables:
    """Asks Athena."""

    client: "AthenaClient"
    workgroup: str
    database: str

    def arrived(self, message: Message) -> Found | None:
        """What the table says of a message; None when it has no row of it.

        Raises:
            StepError: When its row is not as it was sent.
        """
        rows = self._rows(_SAMPLE if message.lane == "measurements" else _LINE, message)
        if not rows:
            return None
        if (gateway := rows[0]["gateway"]) != message.source.gateway:
            raise StepError(f"the row has the gateway {gateway}, not {message.source.gateway}")
        if message.lane == "measurements" and rows[0]["value"] != VALUE:
            raise StepError(f"the row has the value {rows[0]['value']}, not {VALUE}")
        copies = f", {len(rows)} times" if len(rows) > 1 else ""
        return Found(f"is in the table {message.lane}{copies}")

    def clip(self, factory: str, camera: str, at_ms: int) -> str | None:
        """Key of the clip that has a moment by the camera's clock; None when there is none."""
        sql = _CLIP.format(window=_window(factory, at_ms), camera=text(camera), at=moment(at_ms))
        for row in self._asked(sql):
            if at_ms < epoch_ms(row["producer_started_at"]) + int(row["duration_ms"] or 0):
                return str(row["key"])
        return None

    def _rows(self, sql: str, message: Message) -> Sequence[Mapping[str, Any]]:
        window = _window(message.source.factory, message.at_ms)
        return self._asked(sql.format(window=window, token=text(message.token), beginning=text(_beginning(message))))

    def _asked(self, sql: str) -> Sequence[Mapping[str, Any]]:
        return athena.run(self.client, sql, self.workgroup, self.database).records


_SAMPLE = "SELECT gateway, value\nFROM measurements\nWHERE {window}\n    AND register_id = {token}"
_LINE = "SELECT gateway\nFROM configuration\nWHERE {window}\n    AND regexp_like(line, {beginning})"
_CLIP = """SELECT key, producer_started_at, duration_ms
FROM clips
WHERE {window}
    AND camera = {camera} AND kind = 'clip' AND producer_started_at <= {at}
ORDER BY producer_started_at DESC
LIMIT 1"""


def _window(factory: str, at_ms: int) -> str:
    return Window(factory, *days_between(at_ms, at_ms + 1, _DAYS_AFTER, _DAYS_AFTER)).condition()


def _beginning(message: Message) -> str:
    return rf'^\{{"{MARK}":\s*"{message.token}"'
