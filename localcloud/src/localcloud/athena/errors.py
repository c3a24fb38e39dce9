"""What a query can fail with, worded as Athena words it in ``StateChangeReason``."""

from __future__ import annotations

from sqlglot import exp


class QueryError(Exception):
    """A query that cannot be answered.

    Attributes:
        code: Athena's error name, such as ``TYPE_MISMATCH`` or ``HIVE_BAD_DATA``.
        detail: what is wrong and, where that is known, what to write instead.
        position: line and column of the place in the query, both counted from 1.
    """

    def __init__(self, code: str, detail: str, position: tuple[int, int] | None = None) -> None:
        self.code = code
        self.detail = detail
        self.position = position
        super().__init__(str(self))

    def __str__(self) -> str:
        place = "line {}:{}: ".format(*self.position) if self.position else ""
        return f"{self.code}: {place}{self.detail}"


class UnsupportedError(QueryError):
    """A query that Athena would take, or might, and that this engine could not answer as Athena does."""

    def __init__(self, construct: str, write: str, node: exp.Expr | None = None) -> None:
        super().__init__(
            "NOT_SUPPORTED_LOCALLY", f"{construct}: {write}", position_of(node) if node is not None else None
        )


class AccessDeniedError(QueryError):
    """The caller's policies do not allow what the query needs."""

    def __init__(self, action: str, resource: str, principal: str) -> None:
        super().__init__(
            "PERMISSION_DENIED",
            f"{principal or 'the caller'} is not authorized to perform: {action} on resource: {resource}",
        )


def position_of(node: exp.Expr) -> tuple[int, int] | None:
    """Line and column of the first token below ``node`` whose place the parser kept."""
    for found in node.walk(bfs=False):
        if "line" in found.meta and "col" in found.meta:
            # The parser notes the column of a token's last character.
            width = found.meta["end"] - found.meta["start"] if "start" in found.meta else 0
            return found.meta["line"], found.meta["col"] - width
    return None
