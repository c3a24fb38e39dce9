"""What the parser would let pass and Athena would not, found in the query's text before it is parsed.

sqlglot reads many dialects and is forgiving: it takes a trailing comma, ``x::int``, ``INTERVAL '7 days'`` or
the functions of other databases. A query with one of these would work here and fail on Athena.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from localcloud.athena.errors import QueryError, UnsupportedError
from localcloud.athena.functions import NAMES

Tokens = Sequence[Token]


@dataclass(frozen=True)
class Rule:
    """Something that Trino's grammar does not have, what to write instead, and the tokens where it stands."""

    name: str
    write: str
    found: Callable[[Tokens], Iterator[int]]


def _kind(tokens: Tokens, at: int) -> TokenType | None:
    return tokens[at].token_type if 0 <= at < len(tokens) else None


def _width(token: Token) -> int:
    return token.end - token.start + 1


def _where(stands: Callable[[Tokens, int], bool]) -> Callable[[Tokens], Iterator[int]]:
    """The places of what is told from a token and its neighbours."""
    return lambda tokens: (at for at in range(len(tokens)) if stands(tokens, at))


def _trailing_comma(tokens: Tokens, at: int) -> bool:
    ends = (TokenType.FROM, TokenType.WHERE, TokenType.R_PAREN, TokenType.ORDER_BY, TokenType.SEMICOLON, None)
    return _kind(tokens, at) == TokenType.COMMA and _kind(tokens, at + 1) in ends


def _double_slash(tokens: Tokens, at: int) -> bool:
    return _kind(tokens, at - 1) == _kind(tokens, at) == TokenType.SLASH and tokens[at].start == tokens[at - 1].end + 1


def _double_equals(tokens: Tokens, at: int) -> bool:
    return _kind(tokens, at) == TokenType.EQ and _width(tokens[at]) == 2


def _back_quote(tokens: Tokens, at: int) -> bool:
    return _kind(tokens, at) == TokenType.UNKNOWN and tokens[at].text == "`"


def _group_by_all(tokens: Tokens, at: int) -> bool:
    return _kind(tokens, at - 1) == TokenType.GROUP_BY and _kind(tokens, at) == TokenType.ALL


def _interval(tokens: Tokens) -> Iterator[int]:
    units = ("second", "minute", "hour", "day", "month", "year")
    for at, token in enumerate(tokens):
        if token.token_type != TokenType.INTERVAL:
            continue
        match tokens[at + 1 : at + 3]:
            case [amount, unit] if (
                amount.token_type == TokenType.STRING
                and amount.text.removeprefix("-").isdecimal()
                and unit.text.lower() in units
            ):
                continue
            case _:
                yield at


def _limit_before_offset(tokens: Tokens) -> Iterator[int]:
    depth, limits = 0, set[int]()
    for at, token in enumerate(tokens):
        if token.token_type == TokenType.L_PAREN:
            depth += 1
        elif token.token_type == TokenType.R_PAREN:
            limits.discard(depth)
            depth -= 1
        elif token.token_type == TokenType.LIMIT:
            limits.add(depth)
        elif token.token_type == TokenType.OFFSET and depth in limits:
            yield at


RULES = (
    Rule("a trailing comma", "leave it out", _where(_trailing_comma)),
    Rule("the operator ::", "write CAST(x AS type)", _where(lambda tokens, at: _kind(tokens, at) == TokenType.DCOLON)),
    Rule("the operator ==", "write =", _where(_double_equals)),
    Rule("the operator //", "write / (between integers, it drops the fraction)", _where(_double_slash)),
    Rule("an identifier in back quotes", 'use double quotes: "name"', _where(_back_quote)),
    Rule("this interval", "write INTERVAL '7' DAY: digits in quotes, then the unit in the singular", _interval),
    Rule("OFFSET after LIMIT", "write OFFSET n LIMIT m", _limit_before_offset),
    Rule("GROUP BY ALL", "repeat the grouped expressions", _where(_group_by_all)),
)

# What may stand before a parenthesis without being a function of the table: grammar, types and special forms.
_NOT_FUNCTIONS = frozenset(
    (
        *("all", "and", "any", "array", "as", "between", "by", "case", "cast", "decimal", "distinct", "else"),
        *("except", "exists", "extract", "filter", "from", "group", "having", "if", "in", "intersect", "is"),
        *("join", "like", "limit", "mod", "not", "offset", "on", "or", "order", "over", "partition", "row"),
        *("select", "then", "timestamp", "try_cast", "union", "unnest", "using", "values", "varchar", "when"),
        *("where", "with", "within", "current_timestamp", "date", "localtimestamp", "now"),
    )
)


def parse(sql: str) -> exp.Query:
    """The tree of a query in Athena's SQL.

    Raises:
        QueryError: it is not one statement, does not parse, or is no query.
        UnsupportedError: it calls a function that this engine does not vouch for.
    """
    tokens = _tokens(sql)
    for rule in RULES:
        for at in rule.found(tokens):
            place = tokens[min(at, len(tokens) - 1)]
            raise QueryError("SYNTAX_ERROR", f"{rule.name} is not Athena's: {rule.write}", _position(place))
    if not tokens or tokens[0].text.lower() not in ("select", "with", "values", "("):
        first = tokens[0].text.upper() if tokens else "nothing"
        raise UnsupportedError(first, "the local engine runs queries (SELECT, WITH); make tables with Glue's API")
    try:
        statements = [found for found in sqlglot.parse(sql, read="athena") if found is not None]
    except SqlglotError as error:
        raise _syntax_error(error) from error
    if len(statements) != 1:
        raise QueryError("SYNTAX_ERROR", f"one statement at a time, not {len(statements)}")
    (statement,) = statements
    if not isinstance(statement, exp.Query):
        raise UnsupportedError(type(statement).__name__.upper(), "the local engine runs queries (SELECT, WITH)")
    _check_function_names(tokens, statement)
    return statement


def _tokens(sql: str) -> list[Token]:
    try:
        tokens = list(sqlglot.tokenize(sql, read="trino"))
    except SqlglotError as error:
        raise QueryError("SYNTAX_ERROR", str(error)) from error
    if tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        del tokens[-1]
    return tokens


def _check_function_names(tokens: Tokens, statement: exp.Expr) -> None:
    relations = {alias.name.lower() for alias in statement.find_all(exp.TableAlias)}
    for at, token in enumerate(tokens[:-1]):
        name = token.text.lower()
        if _kind(tokens, at + 1) != TokenType.L_PAREN or not name.replace("_", "").isalnum():
            continue
        if token.token_type in (TokenType.STRING, TokenType.NUMBER) or name in _NOT_FUNCTIONS:
            continue
        if name not in NAMES and name not in relations:
            raise UnsupportedError(
                f"function {name}()", "it is not among those known to mean the same here as on Athena"
            )


def _position(token: Token) -> tuple[int, int]:
    return token.line, token.col - _width(token) + 1


def _syntax_error(error: SqlglotError) -> QueryError:
    for found in getattr(error, "errors", ()):
        description = str(found.get("description", "")).rstrip(".")
        near = str(found.get("highlight") or "")
        return QueryError(
            "SYNTAX_ERROR",
            f"mismatched input {near!r}: {description}",
            (int(found.get("line") or 1), int(found.get("col") or 1)),
        )
    return QueryError("SYNTAX_ERROR", str(error))
