"""Asks two Trino releases what becomes of old files and old queries at each kind of change, and keeps the answers.

Run by hand when a kind was added: ``python -m tests.unit.factory_lake.schema.record [BUILD_FOLDER]``. The releases
need a JDK 25 (``JAVA_HOME``) and Maven, which fetches them (about 500 MB each). Of each kind, a file of the released
schema and one of the changed schema lie side by side in one partition, and the changed table is over both, with
partition projection as in the lake. Two queries run: one names each released column and uses it as one of its type,
the other names every column of the changed table. Both must give the old file's rows as the released table does.
"""

from __future__ import annotations

import json
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localcloud.firehose.openx import Column
from localcloud.firehose.parquet import write
from localcloud.testing.trino.files import ask_trino_of_files
from tests.support.trino import create_table, trino_type
from tests.unit.factory_lake.schema.kinds import KINDS, RELEASED, Document, Kind

ANSWERS = Path(__file__).with_name("trino.json")
RELEASES = ("476", "483")

_PARTITION = "factory=krakow/year=2026/month=03/day=09"
_NUMBERS = frozenset({"tinyint", "smallint", "int", "bigint", "float", "double"})
_AT = datetime(2026, 3, 9, 7, 5, tzinfo=UTC).replace(tzinfo=None)
#: Of each type: what needs all of its range or precision, and what is ordinary.
_VALUES: dict[str, tuple[Any, Any]] = {
    "string": ("press 1", "7"),
    "boolean": (True, False),
    "tinyint": (-128, 7),
    "smallint": (-32768, 7),
    "int": (-(2**31), 7),
    "bigint": (-(2**63) + 1, 7),
    "float": (0.5, 7.0),
    "double": (0.1234567890123, 7.0),
    "timestamp": (_AT, _AT),
}
_LINES = ['{"recipe":"A","_received_at":1773039900000,"_gateway":"line-1"}', '{"_received_at":1773039900001}']


def main() -> None:
    """Write the answers anew."""
    build = Path(sys.argv[1] if len(sys.argv) > 1 else "build/trino").resolve()
    folder = build / "lake"
    shutil.rmtree(folder, ignore_errors=True)
    asked: list[str] = ["CREATE SCHEMA lake.lake"]
    for number, kind in enumerate(KINDS):
        asked += _statements(number, kind, folder)
    answers = {}
    for release in RELEASES:
        shutil.rmtree(folder / "metastore", ignore_errors=True)
        answers[release] = ask_trino_of_files(asked, folder, release, build)
    lines = []
    for number, kind in enumerate(KINDS):
        # Of each release: CREATE and the query before the change, CREATE and both queries after it.
        said = {release: answers[release][1 + 5 * number :][:5] for release in RELEASES}
        ours = {release: _outcome(kind, *each) for release, each in said.items()}
        lines.append(json.dumps({"kind": kind.name, **ours}, ensure_ascii=False))
    ANSWERS.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def _statements(number: int, kind: Kind, folder: Path) -> list[str]:
    released, changed = RELEASED[kind.table], kind.changed
    place = folder / f"t{number}" / _PARTITION
    place.mkdir(parents=True)
    (place / "1").write_bytes(_file(released))
    only = folder / f"before{number}" / _PARTITION
    only.mkdir(parents=True)
    (only / "1").write_bytes(_file(released))
    if _writable(changed):
        (place / "2").write_bytes(_file(changed))
    old, new = f"before{number}", f"t{number}"
    # A table of another name is not the one that the query names.
    named = new if changed["table"] == released["table"] else f"{changed['table']}{number}"
    return [
        create_table(old, f"before{number}", released),
        _old_query(old, released),
        create_table(named, new, changed),
        _old_query(new, released),
        _select(named, changed),
    ]


def _writable(document: Document) -> bool:
    names = [column["name"] for column in document["columns"]]
    types = {column["type"] for column in document["columns"]}
    return len(names) == len(set(names)) and types <= _VALUES.keys()


def _file(document: Document) -> bytes:
    if document["format"] == "line":
        return "".join(f"{line}\n" for line in _LINES).encode()
    columns = [Column(column["name"], column["type"]) for column in document["columns"]]
    return write(columns, [tuple(_VALUES[column.type][row] for column in columns) for row in (0, 1)])


def _old_query(name: str, document: Document) -> str:
    """Use each column as one of its type: compare it with a value of that type, and divide it where it is a number."""
    halves = [f'"{each["name"]}" / 2' for each in document["columns"] if each["type"] in _NUMBERS]
    fits = [
        f'coalesce("{each["name"]}" = CAST(NULL AS {trino_type(each["type"])}), true)'
        for each in document["columns"] + document["partition_keys"]
    ]
    return f"{_select(name, document, halves)} WHERE {' AND '.join(fits)}"


def _select(name: str, document: Document, more: list[str] | None = None) -> str:
    columns = [f'"{each["name"]}"' for each in document["columns"] + document["partition_keys"]]
    return f'SELECT {", ".join([*columns, *(more or ())])}, "$path" FROM {name}'  # noqa: S608 - our own names


def _outcome(kind: Kind, made: Document, before: Document, remade: Document, old: Document, new: Document) -> Document:
    """What breaks, in words; nothing where both queries give every old row with its values."""
    if "error" in made or "error" in before:
        raise SystemExit(f"{kind.name}: the released table cannot be read: {made} {before}")
    released, changed = (
        [each["name"] for each in document["columns"] + document["partition_keys"]]
        for document in (RELEASED[kind.table], kind.changed)
    )
    kept = [(released.index(name), changed.index(name)) for name in released if name in changed]
    width = len(before["rows"][0]) - 1
    everything = [(place, place) for place in range(width)]
    broken: Document = {}
    if "error" in remade:
        broken["table"] = _said(remade)
    for name, answer, places in (("old query", old, everything), ("new query", new, kept)):
        if "error" in answer:
            broken[name] = _said(answer)
            continue
        wanted = _rows(before, [place for place, _ in places])
        got = _rows(answer, [place for _, place in places])
        if got != wanted:
            broken[name] = _difference(wanted, got)
    return broken


def _said(answer: Document) -> str:
    return str(answer["error"])[:160]


def _difference(wanted: list[list[Any]], got: list[list[Any]]) -> str:
    if len(got) != len(wanted):
        return f"{len(got)} rows of the old file instead of {len(wanted)}"
    pairs = (
        (left, right) for one, other in zip(wanted, got, strict=True) for left, right in zip(one, other, strict=True)
    )
    return next(f"{right} instead of {left}" for left, right in pairs if left != right)


def _rows(answer: Document, places: list[int]) -> list[list[Any]]:
    """The rows of the old file, as they are in it; numbers are equal whatever their type."""
    return [[_plain(row[place]) for place in places] for row in answer["rows"] if row[-1].endswith("/1")]


def _plain(value: str | None) -> Any:
    try:
        return float(value) if value is not None and "." in value else int(value or "")
    except ValueError:
        return value


if __name__ == "__main__":
    main()
