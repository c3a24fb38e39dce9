"""What a query can fail with, worded as Athena words it in ``StateChangeReason``."""

from __future__ import annotations

from sqlglot import exp


class QueryError(Exception):
    """A query that cannot be answered.

    Attributes:
        code: Athena's error name, such as ``TYPE_MISMATCH`` or ``HIVE_BAD_DATA``.
        detail: what is wrong and, where that is known, what to write instead.

    Its text also says where in the query: at a node, or at a line and a column, both counted from 1.
    """

    def __init__(self, code: str, detail: str, at: exp.Expr | tuple[int, int] | None = None) -> None:
        self.code = code
        self.detail = detail
        position = position_of(at) if isinstance(at, exp.Expr) else at
        place = "line {}:{}: ".format(*position) if position else ""
        super().__init__(f"{code}: {place}{detail}")


class UnsupportedError(QueryError):
    """A query that Athena would take, or might, and that this engine could not answer as Athena does."""

    def __init__(self, construct: str, write: str, node: exp.Expr | None = None) -> None:
        super().__init__("NOT_SUPPORTED_LOCALLY", f"{construct}: {write}", node)


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
