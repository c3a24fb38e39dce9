"""A ledger knows what may still be there, also after a kill."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from factory_lake.conformance.ledger import Entry, Ledger, Place
from factory_lake.errors import FactoryLakeError

PLACE = Place("eu-central-1", "123456789012", "")
FIRST, SECOND = Entry("bucket", "first"), Entry("role", "second")


def test_what_is_made_is_outstanding_until_it_is_deleted(tmp_path: Path) -> None:
    ledger = Ledger.begin(tmp_path, "0a1b2c3d", PLACE)
    for entry in (FIRST, SECOND, FIRST):
        ledger.add(entry)
    (read,) = Ledger.all_in(tmp_path)
    assert (read.run, read.place) == ("0a1b2c3d", PLACE)
    assert read.outstanding() == [FIRST, SECOND]
    read.deleted(FIRST)
    assert ledger.outstanding() == [SECOND]
    ledger.close()
    assert list(Ledger.all_in(tmp_path)) == []


def test_a_line_that_a_kill_has_cut_is_of_nothing_that_was_made(tmp_path: Path) -> None:
    ledger = Ledger.begin(tmp_path, "0a1b2c3d", PLACE)
    ledger.add(FIRST)
    with ledger.file.open("a") as file:
        file.write('{"made": ["role", "sec')
    (read,) = Ledger.all_in(tmp_path)
    assert read.outstanding() == [FIRST]


def test_a_ledger_that_is_cut_in_its_first_line_is_removed(tmp_path: Path) -> None:
    ledger = Ledger.begin(tmp_path, "0a1b2c3d", PLACE)
    ledger.file.write_text('{"run": "0a1')
    assert list(Ledger.all_in(tmp_path)) == []
    assert not ledger.file.exists()


def test_a_file_that_is_no_ledger_is_named(tmp_path: Path) -> None:
    (tmp_path / "ledgers").mkdir()
    (tmp_path / "ledgers" / "mine.jsonl").write_text('{"a": 1}\n')
    with pytest.raises(FactoryLakeError, match=r"mine\.jsonl: must begin with the line|mine\.jsonl must begin with"):
        list(Ledger.all_in(tmp_path))


def test_a_search_beside_a_run_that_begins_leaves_its_ledger_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dumps = json.dumps

    def searching(document: object) -> str:
        list(Ledger.all_in(tmp_path))
        return dumps(document)

    monkeypatch.setattr("factory_lake.conformance.ledger.json.dumps", searching)
    Ledger.begin(tmp_path, "0123abcd", PLACE).add(FIRST)
    (read,) = Ledger.all_in(tmp_path)
    assert read.outstanding() == [FIRST]
