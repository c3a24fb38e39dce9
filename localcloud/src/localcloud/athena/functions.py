"""The functions that the local engine answers as Athena does, each with its types and its local spelling.

A function that is not in the table is refused: it may not mean the same on both engines. To let one in, add a
row, and to the reference queries under ``localcloud/tests/athena`` what Trino answers.

Parameters are named as sqlglot names the arguments of its node and typed by family: ``any``, ``numeric``,
``integer``, ``text``, ``boolean``, ``temporal`` (a date or a timestamp), ``clock`` (the same, or the wall clock of
another zone), ``array``, ``map``. A ``?`` after it says that the argument may be missing, a ``*`` that it is a list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from localcloud.athena.errors import QueryError, UnsupportedError
from localcloud.athena.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    TIMESTAMP,
    TIMESTAMP_TZ,
    UNKNOWN,
    VARCHAR,
    Type,
    array,
    supertype,
    to_duckdb,
)


@dataclass(frozen=True)
class Call:
    """One call in a query.

    Attributes:
        node: its node; arguments that were rewritten already are in place.
        types: the types of each argument that is there.
    """

    name: str
    node: exp.Expr
    types: Mapping[str, Sequence[Type]]

    def argument(self, key: str) -> exp.Expr:
        """The one argument ``key``."""
        found = self.node.args[key]
        if not isinstance(found, exp.Expr):
            raise TypeError(f"{self.name} has no argument {key}")
        return found

    def type(self, key: str = "this") -> Type:
        """The type of the one argument ``key``."""
        return self.types[key][0]

    def literal(self, key: str, advice: str) -> str:
        """The text of an argument that has to be a literal."""
        found = self.node.args.get(key)
        if isinstance(found, exp.Literal):
            return str(found.this)
        raise UnsupportedError(f"{self.name}() with a computed argument", advice, self.node)


Result = Type | Callable[[Call], Type]
Rewrite = Callable[[Call], exp.Expr]


@dataclass(frozen=True)
class Function:
    """A row of the table.

    Attributes:
        names: how Athena's users spell it.
        parameters: argument name to family; see the module's docstring.
        result: its type.
        local: what to run locally instead, where the generated spelling means something else.
        cast: whether the local engine's result has another type, to be cast back.
        aggregate: whether it takes DISTINCT.
        settings: arguments that are no expressions to check.
    """

    names: tuple[str, ...]
    node: type[exp.Expr]
    parameters: Mapping[str, str]
    result: Result
    local: Rewrite | None = None
    cast: bool = False
    aggregate: bool = False
    settings: tuple[str, ...] = ()

    def check(self, call: Call) -> Type:
        """The type of the call's result.

        Raises:
            QueryError: its arguments do not fit, as Trino would say.
        """
        for key, value in call.node.args.items():
            present = value is not None and value is not False and value != []
            if present and key not in self.parameters and key not in self.settings and value is not True:
                raise UnsupportedError(f"{call.name}() with {key}", "leave that argument out", call.node)
        for key, spec in self.parameters.items():
            given = call.types.get(key, ())
            if not given and spec[-1] not in "?*":
                raise self._mismatch(call)
            if not all(fits(kind, spec.rstrip("?*")) for kind in given):
                raise self._mismatch(call)
        return self.result if isinstance(self.result, Type) else self.result(call)

    def _mismatch(self, call: Call) -> QueryError:
        given = ", ".join(str(kind) for kinds in call.types.values() for kind in kinds)
        wanted = ", ".join(self.parameters.values())
        return QueryError(
            "FUNCTION_NOT_FOUND",
            f"Unexpected parameters ({given}) for function {call.name}. Expected: {call.name}({wanted})",
            call.node,
        )


def fits(kind: Type, family: str) -> bool:
    """Whether a value of type ``kind`` is of the ``family``; NULL is of each."""
    if kind == UNKNOWN:
        return True
    if family == "any":
        return kind.zone is None
    if family == "numeric":
        return kind.is_numeric
    if family == "integer":
        return kind.is_integer
    if family == "temporal":
        return kind.is_temporal
    if family == "clock":
        return kind.is_temporal or kind.zone is not None
    return kind.name == {"text": "varchar"}.get(family, family)


def local_call(name: str, *arguments: exp.Expr) -> exp.Expr:
    """A call of one of the local engine's functions."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def local_cast(node: exp.Expr, kind: Type) -> exp.Expr:
    """``node`` cast to the local engine's counterpart of ``kind``."""
    return exp.Cast(this=node, to=exp.DataType.build(to_duckdb(kind), dialect="duckdb"))


def number(value: int) -> exp.Expr:
    """An integer literal."""
    return exp.Literal.number(value)


# Results


def _same(call: Call) -> Type:
    return call.type()


def _common(call: Call) -> Type:
    kinds = [kind for kinds in call.types.values() for kind in kinds]
    found = supertype(kinds)
    if found is None:
        raise QueryError(
            "TYPE_MISMATCH",
            f"All {call.name}() arguments must be the same type: {', '.join(map(str, kinds))}",
            call.node,
        )
    return found


def _sum(call: Call) -> Type:
    kind = call.type()
    return BIGINT if kind.is_integer else _no_decimal(call, kind)


def _no_decimal(call: Call, result: Type) -> Type:
    if call.type().name == "decimal":
        raise UnsupportedError(f"{call.name}() of a decimal", "CAST it AS double first", call.node)
    return result


def _double_unless_decimal(call: Call) -> Type:
    return _no_decimal(call, DOUBLE)


def _correlation(call: Call) -> Type:
    if DOUBLE not in (call.type("this"), call.type("expression")):
        raise UnsupportedError("corr() without a double", "CAST its arguments AS double", call.node)
    return DOUBLE


def _percentile(call: Call) -> Type:
    return BIGINT if call.type().is_integer else _no_decimal(call, call.type())


def _rounded(call: Call) -> Type:
    return _no_decimal(call, call.type())


def _truncated(call: Call) -> Type:
    unit = _unit(call, ("SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"))
    _no_clock_on_dates(call, unit)
    return call.type()


def _moved(call: Call) -> Type:
    unit = _unit(call, ("MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"))
    _no_clock_on_dates(call, unit)
    return call.type()


def _elapsed(call: Call) -> Type:
    unit = _unit(call, tuple(_MILLISECONDS))
    if all(kind == DATE for kind in (call.type("this"), call.type("expression"))):
        _no_clock_on_dates(call, unit)
    return BIGINT


def _element(call: Call) -> Type:
    kind = call.type()
    if kind.name not in ("array", "map"):
        raise QueryError("FUNCTION_NOT_FOUND", f"Unexpected parameters ({kind}) for function element_at")
    return kind.element


def _keys(call: Call) -> Type:
    first = call.type().args[0]
    return array(first if isinstance(first, Type) else UNKNOWN)


def _of_map(call: Call) -> Type:
    return Type("map", (call.type("keys").element, call.type("values").element))


def _sequence(call: Call) -> Type:
    start, end = call.type("start"), call.type("end")
    if not (start.is_integer and end.is_integer) and not start == end == DATE:
        raise UnsupportedError("sequence() of other than integers or dates", "CAST its bounds AS date", call.node)
    if start == DATE and "step" not in call.types:
        raise UnsupportedError("sequence() of dates without a step", "add INTERVAL '1' DAY", call.node)
    return array(BIGINT if start.is_integer else DATE)


# Local spellings

_MILLISECONDS = {
    "MILLISECOND": 1,
    "SECOND": 1_000,
    "MINUTE": 60_000,
    "HOUR": 3_600_000,
    "DAY": 86_400_000,
    "WEEK": 604_800_000,
}

# Java's white space, which Trino's trim() removes; the local engine's removes blanks alone.
_WHITE_SPACE = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a\u2028\u2029\u205f\u3000"  # noqa: E501

_DATE_FORMATS = frozenset("YmdHMSyjfBbAaIp%")


def _unit(call: Call, allowed: Sequence[str]) -> str:
    unit = call.node.args.get("unit")
    name = unit.name.upper() if isinstance(unit, exp.Expr) else ""
    if name not in allowed:
        raise UnsupportedError(
            f"{call.name}({name.lower()!r}, ...)", f"use one of {', '.join(allowed).lower()}", call.node
        )
    return name


def _no_clock_on_dates(call: Call, unit: str) -> None:
    if call.type() == DATE and unit in ("MILLISECOND", "SECOND", "MINUTE", "HOUR"):
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"'{unit.lower()}' is not a valid DATE field", call.node)


def _date_diff(call: Call) -> exp.Expr:
    """Whole units elapsed; the local engine's own date_diff counts boundaries crossed."""
    unit = _unit(call, tuple(_MILLISECONDS))
    later, earlier = (
        local_call("epoch_ms", local_cast(call.argument(key), TIMESTAMP)) for key in ("this", "expression")
    )
    elapsed = exp.Paren(this=exp.Sub(this=later, expression=earlier))
    return local_call("divide", elapsed, number(_MILLISECONDS[unit]))


def _date_add(call: Call) -> exp.Expr:
    unit = _unit(call, ("MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"))
    amount: exp.Expr = exp.Paren(this=call.argument("expression"))
    if unit == "QUARTER":
        unit, amount = "MONTH", exp.Mul(this=amount, expression=number(3))
    moved = exp.Add(
        this=exp.Paren(this=call.argument("this")),
        expression=local_call(f"to_{unit.lower()}s", local_cast(amount, Type("integer"))),
    )
    return local_cast(exp.Paren(this=moved), call.type())


def _date_trunc(call: Call) -> exp.Expr:
    unit = call.node.args["unit"].name.lower()
    return local_cast(local_call("date_trunc", exp.Literal.string(unit), call.argument("this")), call.type())


def _called(name: str, *keys: str) -> Rewrite:
    """A call of the local engine's function ``name`` with these arguments."""
    return lambda call: local_call(name, *(call.argument(key) for key in keys))


def _date_format(call: Call) -> exp.Expr:
    pattern = call.literal("format", "give the format as a literal")
    unknown = set(re.findall(r"%(.?)", pattern, re.DOTALL)) - _DATE_FORMATS
    if unknown:
        raise UnsupportedError(
            f"date_format() with {pattern!r}", "use %Y %m %d %H %i %s and plain characters", call.node
        )
    return local_call("strftime", call.argument("this"), exp.Literal.string(pattern))


def _from_unixtime(call: Call) -> exp.Expr:
    return local_call("to_timestamp", local_cast(call.argument("this"), DOUBLE))


def _trim(call: Call) -> exp.Expr:
    side = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(call.node.args.get("position") or ""), "trim")
    chars = call.node.args.get("expression") or exp.Literal.string(_WHITE_SPACE)
    return local_call(side, call.argument("this"), chars)


def _substr(call: Call) -> exp.Expr:
    """Nothing for a start of 0 or before the beginning, where the local engine gives what follows it."""
    text, start, length = call.argument("this"), call.argument("start"), call.node.args.get("length")
    before = exp.LT(this=_copy(start), expression=exp.Neg(this=local_call("length", _copy(text))))
    outside = exp.Or(this=exp.EQ(this=_copy(start), expression=number(0)), expression=before)
    arguments = [text, start]
    if length is not None:
        # A negative length counts backwards in the local engine.
        none = exp.If(this=exp.LT(this=_copy(length), expression=number(0)), true=number(0))
        arguments.append(exp.Case(ifs=[none], default=length))
    return exp.Case(
        ifs=[
            exp.If(this=exp.Is(this=_copy(text), expression=exp.Null()), true=exp.Null()),
            exp.If(this=outside, true=exp.Literal.string("")),
        ],
        default=local_call("substr", *arguments),
    )


def _copy(node: exp.Expr) -> exp.Expr:
    return exp.Paren(this=node.copy())


def _split_part(call: Call) -> exp.Expr:
    """NULL when there is no such part; the local engine gives an empty text."""
    index = call.argument("part_index")
    parts = local_call("string_split", call.argument("this"), call.argument("delimiter"))
    refused = local_call("error", exp.Literal.string("Index must be greater than zero"))
    return exp.Case(
        ifs=[exp.If(this=exp.LT(this=index.copy(), expression=number(1)), true=refused)],
        default=local_call("list_extract", parts, index),
    )


def _element_at(call: Call) -> exp.Expr:
    name = "map_extract_value" if call.type().name == "map" else "list_extract"
    return local_call(name, call.argument("this"), call.node.expressions[0])


def _generate(call: Call) -> exp.Expr:
    bounds = [call.argument(key) for key in ("start", "end", "step") if call.node.args.get(key) is not None]
    return local_cast(local_call("generate_series", *bounds), _sequence(call))


def _regexp_extract(call: Call) -> exp.Expr:
    group = call.node.args.get("group") or number(0)
    return local_call(
        "athena_regexp_extract", call.argument("this"), call.argument("expression"), local_cast(group, BIGINT)
    )


def _regexp_replace(call: Call) -> exp.Expr:
    replacement = call.node.args.get("replacement") or exp.Literal.string("")
    return local_call("athena_regexp_replace", call.argument("this"), call.argument("expression"), replacement)


def _json_extract_scalar(call: Call) -> exp.Expr:
    path = call.node.args["expression"]
    steps: list[str] = []
    for part in path.expressions if isinstance(path, exp.JSONPath) else [path]:
        if isinstance(part, exp.JSONPathKey) and isinstance(part.this, str):
            steps.append("." + part.this)
        elif isinstance(part, exp.JSONPathSubscript) and isinstance(part.this, int) and part.this >= 0:
            steps.append(f"#{part.this}")
        elif not isinstance(part, exp.JSONPathRoot):
            raise UnsupportedError(
                "json_extract_scalar() with such a path", "use a literal path of keys and indices", call.node
            )
    return local_call("athena_json_extract_scalar", call.argument("this"), exp.Literal.string("\x00".join(steps)))


def _count_if(call: Call) -> exp.Expr:
    """Zero over no rows, where the local engine's own gives NULL."""
    return exp.Count(this=exp.Case(ifs=[exp.If(this=call.argument("this"), true=number(1))]))


def _approx_distinct(call: Call) -> exp.Expr:
    return exp.Count(this=exp.Distinct(expressions=[call.argument("this")]))


def _approx_percentile(call: Call) -> exp.Expr:
    call.literal("quantile", "give the percentile as a literal")
    return local_call("quantile_disc", call.argument("this"), call.argument("quantile"))


def _row(
    names: str,
    node: type[exp.Expr],
    parameters: str,
    result: Result,
    local: Rewrite | None = None,
    *,
    cast: bool = False,
    aggregate: bool = False,
    settings: str = "",
) -> Function:
    """A row from words: names, parameters as ``argument:family``, settings."""
    families = dict(word.split(":") for word in parameters.split())
    return Function(tuple(names.split()), node, families, result, local, cast, aggregate, tuple(settings.split()))


_ROWS = (
    # Aggregates
    _row("count", exp.Count, "this:any?", BIGINT, aggregate=True),
    _row("count_if", exp.CountIf, "this:boolean", BIGINT, _count_if, aggregate=True),
    _row("sum", exp.Sum, "this:numeric", _sum, cast=True, aggregate=True),
    _row("avg", exp.Avg, "this:numeric", _double_unless_decimal, aggregate=True),
    _row("min", exp.Min, "this:any", _same, aggregate=True),
    _row("max", exp.Max, "this:any", _same, aggregate=True),
    _row("max_by", exp.ArgMax, "this:any expression:any", _same, _called("arg_max_null", "this", "expression")),
    _row("min_by", exp.ArgMin, "this:any expression:any", _same, _called("arg_min_null", "this", "expression")),
    _row("arbitrary any_value", exp.AnyValue, "this:any", _same),
    _row("bool_or", exp.LogicalOr, "this:boolean", BOOLEAN),
    _row("bool_and", exp.LogicalAnd, "this:boolean", BOOLEAN),
    _row("array_agg", exp.ArrayAgg, "this:any", lambda call: array(call.type()), aggregate=True),
    _row("approx_distinct", exp.ApproxDistinct, "this:any", BIGINT, _approx_distinct),
    _row(
        "approx_percentile",
        exp.ApproxQuantile,
        "this:numeric quantile:numeric",
        _percentile,
        _approx_percentile,
        cast=True,
    ),
    _row("stddev", exp.Stddev, "this:numeric", _double_unless_decimal, aggregate=True),
    _row("stddev_samp", exp.StddevSamp, "this:numeric", _double_unless_decimal, aggregate=True),
    _row("stddev_pop", exp.StddevPop, "this:numeric", _double_unless_decimal, aggregate=True),
    _row("variance", exp.Variance, "this:numeric", _double_unless_decimal, aggregate=True),
    _row("var_pop", exp.VariancePop, "this:numeric", _double_unless_decimal, aggregate=True),
    _row("corr", exp.Corr, "this:numeric expression:numeric", _correlation, settings="null_on_zero_variance"),
    # Window functions
    _row("row_number", exp.RowNumber, "", BIGINT),
    _row("rank", exp.Rank, "", BIGINT),
    _row("dense_rank", exp.DenseRank, "", BIGINT),
    _row("percent_rank", exp.PercentRank, "", DOUBLE),
    _row("cume_dist", exp.CumeDist, "", DOUBLE),
    _row("ntile", exp.Ntile, "this:integer", BIGINT),
    _row("lag", exp.Lag, "this:any offset:integer? default:any?", _same),
    _row("lead", exp.Lead, "this:any offset:integer? default:any?", _same),
    _row("first_value", exp.FirstValue, "this:any", _same),
    _row("last_value", exp.LastValue, "this:any", _same),
    _row("nth_value", exp.NthValue, "this:any offset:integer", _same),
    # Conditions
    _row("coalesce", exp.Coalesce, "this:any expressions:any*", _common),
    _row("nullif", exp.Nullif, "this:any expression:any", _same),
    _row("greatest", exp.Greatest, "this:any expressions:any*", _common),
    _row("least", exp.Least, "this:any expressions:any*", _common),
    # Numbers
    _row("abs", exp.Abs, "this:numeric", _same),
    _row("ceil ceiling", exp.Ceil, "this:numeric", _rounded, cast=True),
    _row("floor", exp.Floor, "this:numeric", _rounded, cast=True),
    _row("round", exp.Round, "this:numeric decimals:integer?", _rounded, cast=True),
    _row("sign", exp.Sign, "this:numeric", _rounded, cast=True),
    _row("sqrt", exp.Sqrt, "this:numeric", DOUBLE),
    _row("exp", exp.Exp, "this:numeric", DOUBLE),
    _row("ln", exp.Ln, "this:numeric", DOUBLE),
    _row("power pow", exp.Pow, "this:numeric expression:numeric", DOUBLE, cast=True),
    _row("is_nan", exp.IsNan, "this:numeric", BOOLEAN),
    # Texts
    _row("lower", exp.Lower, "this:text", VARCHAR),
    _row("upper", exp.Upper, "this:text", VARCHAR),
    _row("length", exp.Length, "this:text", BIGINT),
    _row("trim ltrim rtrim", exp.Trim, "this:text expression:text?", VARCHAR, _trim, settings="position"),
    _row("concat", exp.Concat, "expressions:text*", VARCHAR),
    _row("concat_ws", exp.ConcatWs, "expressions:text*", VARCHAR),
    _row("replace", exp.Replace, "this:text expression:text replacement:text", VARCHAR),
    _row("strpos position", exp.StrPosition, "this:text substr:text", BIGINT),
    _row("starts_with", exp.StartsWith, "this:text expression:text", BOOLEAN),
    _row("substr substring", exp.Substring, "this:text start:integer length:integer?", VARCHAR, _substr),
    _row("split_part", exp.SplitPart, "this:text delimiter:text part_index:integer", VARCHAR, _split_part),
    _row("split", exp.Split, "this:text expression:text", array(VARCHAR)),
    _row("lpad rpad", exp.Pad, "this:text expression:integer fill_pattern:text", VARCHAR),
    _row(
        "regexp_like",
        exp.RegexpLike,
        "this:text expression:text",
        BOOLEAN,
        _called("athena_regexp_like", "this", "expression"),
    ),
    _row("regexp_extract", exp.RegexpExtract, "this:text expression:text group:integer?", VARCHAR, _regexp_extract),
    _row("regexp_replace", exp.RegexpReplace, "this:text expression:text replacement:text?", VARCHAR, _regexp_replace),
    _row(
        "json_extract_scalar", exp.JSONExtractScalar, "this:text", VARCHAR, _json_extract_scalar, settings="expression"
    ),
    # Dates and timestamps
    _row("year", exp.Year, "this:clock", BIGINT),
    _row("quarter", exp.Quarter, "this:clock", BIGINT),
    _row("month", exp.Month, "this:clock", BIGINT),
    _row("week week_of_year", exp.WeekOfYear, "this:clock", BIGINT),
    _row("day", exp.Day, "this:clock", BIGINT),
    _row("day_of_month", exp.DayOfMonth, "this:clock", BIGINT),
    _row("day_of_week dow", exp.DayOfWeekIso, "this:clock", BIGINT, _called("isodow", "this")),
    _row("day_of_year doy", exp.DayOfYear, "this:clock", BIGINT),
    _row("hour", exp.Hour, "this:clock", BIGINT),
    _row("minute", exp.Minute, "this:clock", BIGINT),
    _row("second", exp.Second, "this:clock", BIGINT),
    _row("date_trunc", exp.TimestampTrunc, "this:clock", _truncated, _date_trunc, settings="unit"),
    _row("date_trunc", exp.DateTrunc, "this:clock", _truncated, _date_trunc, settings="unit"),
    _row("date_add", exp.DateAdd, "this:temporal expression:integer", _moved, _date_add, settings="unit"),
    _row("date_diff", exp.DateDiff, "this:temporal expression:temporal", _elapsed, _date_diff, settings="unit"),
    _row("date_format", exp.TimeToStr, "this:clock", VARCHAR, _date_format, settings="format"),
    _row("from_unixtime", exp.UnixToTime, "this:numeric", TIMESTAMP_TZ, _from_unixtime),
    _row("to_unixtime", exp.TimeToUnix, "this:temporal", DOUBLE),
    # Arrays and maps
    _row("cardinality", exp.ArraySize, "this:array", BIGINT),
    _row("contains", exp.ArrayContains, "this:array expression:any", BOOLEAN),
    _row("array_join", exp.ArrayToString, "this:array expression:text", VARCHAR),
    _row("element_at", exp.Bracket, "this:any expressions:any*", _element, _element_at, settings="offset"),
    _row("sequence", exp.GenerateSeries, "start:any end:any step:any?", _sequence, _generate),
    _row("map", exp.Map, "keys:array values:array", _of_map),
    _row("map_keys", exp.MapKeys, "this:map", _keys),
)

BY_NODE: Mapping[type[exp.Expr], Function] = {row.node: row for row in _ROWS}
"""The table by the parser's class of the call."""

NAMES = frozenset(name for row in _ROWS for name in row.names)
"""Every name that a call may have."""
