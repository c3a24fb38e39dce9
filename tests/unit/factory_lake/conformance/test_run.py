"""Each way in which a probe can end is an outcome, and what is made goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from factory_lake.conformance import deletion
from factory_lake.conformance.context import Context
from factory_lake.conformance.deletion import delete_all
from factory_lake.conformance.ledger import Entry, Ledger
from factory_lake.conformance.probe import CouldNotTell, Differs, Probe, Stopped
from factory_lake.conformance.run import run_probes

_ERROR = ClientError({"Error": {"Code": "SlowDown", "Message": "wait"}}, "PutObject")


def _ending(error: Exception | None) -> Callable[[Any], None]:
    def run(_: Any) -> None:
        if error is not None:
            raise error

    return run


@pytest.mark.parametrize(
    ("error", "state", "seen"),
    [
        (None, "held", ""),
        (Differs("it is otherwise"), "differs", "it is otherwise"),
        (CouldNotTell("nothing came"), "could not tell", "nothing came"),
        (Stopped(), "could not tell", "the run was stopped"),
        (_ERROR, "could not tell", "AWS PutObject: SlowDown: wait"),
        (KeyError("Records"), "could not tell", "the probe failed, KeyError: 'Records'"),
    ],
)
def test_how_a_probe_ends(
    context: Context,
    tmp_path: Path,
    error: Exception | None,
    state: str,
    seen: str,
) -> None:
    probe = Probe("s3_any", "Any.", ("README.md",), "none", 0.01, _ending(error))
    told: list[int] = []
    (outcome,) = run_probes(context, [probe], 2, tmp_path / "run.log", lambda ended, _: told.append(ended))
    assert (outcome.state, outcome.seen, told) == (state, seen, [1])
    assert (tmp_path / "run.log").exists() == isinstance(error, KeyError)


class _Account:
    """Kinds and identifiers that are there; some are in use for a number of calls, some cannot be deleted."""

    region = "eu-central-1"

    def __init__(self, there: list[Entry], busy: dict[str, int], denied: set[str]) -> None:
        self.there, self.busy, self.denied = there, busy, denied

    def client(self, service: str) -> Any:
        raise NotImplementedError(service)

    def delete(self, _: object, kind: str, identifier: str) -> None:
        if identifier in self.denied:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "Delete")
        if self.busy.get(identifier, 0):
            self.busy[identifier] -= 1
            raise ClientError({"Error": {"Code": "DeleteConflict"}}, "Delete")
        self.there.remove(Entry(kind, identifier))


def test_what_is_in_use_is_tried_again_and_what_is_denied_is_left(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [Entry("role", "denied"), Entry("role", "busy"), Entry("bucket", "free")]
    account = _Account([*entries], {"busy": 2}, {"denied"})
    monkeypatch.setattr(deletion, "delete", account.delete)
    monkeypatch.setattr("factory_lake.conformance.deletion.time.sleep", lambda _: None)
    for entry in entries:
        ledger.add(entry)
    left = delete_all(account, entries, [ledger], lambda *_: None)
    assert [(one.entry.identifier, one.why) for one in left] == [("denied", "AccessDenied")]
    assert account.there == [entries[0]]
    assert ledger.outstanding() == [entries[0]]
