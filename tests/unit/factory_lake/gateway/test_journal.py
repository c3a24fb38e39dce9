import json
import subprocess
import sys
from pathlib import Path

import pytest

from factory_lake.gateway.errors import JournalError
from factory_lake.gateway.identities import Source
from factory_lake.gateway.journal import Journal, journal_path, read_journal, read_journals

PRESS = Source("krakow", "line-1", "measurements")
OVEN = Source("krakow", "line-2", "measurements")


def test_tells_what_became_of_each_message(tmp_path: Path) -> None:
    with Journal.open(tmp_path, PRESS) as journal:
        assert journal.add(b"one", 100) == 1
        assert journal.add(b"\xff\x00", 110) == 2
        assert journal.add(b"three", 120) == 3
        journal.acked(1, 130)
        journal.record_retransmission(2, 140)
        journal.record_retransmission(2, 150)
        journal.acked(2, 160)
        journal.refused(3, "Not authorized")

    one, two, three = read_journals(tmp_path)
    assert (one.payload, one.first_ms, one.last_ms, one.attempts, one.acked_ms) == (b"one", 100, 100, 1, 130)
    assert (two.payload, two.first_ms, two.last_ms, two.attempts, two.acked_ms) == (b"\xff\x00", 110, 150, 3, 160)
    assert (three.refused, three.acked_ms, three.is_unacknowledged) == ("Not authorized", None, False)
    assert {entry.source for entry in (one, two, three)} == {PRESS}
    assert one.sha256 == "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"


def test_goes_on_where_it_ended(tmp_path: Path) -> None:
    with Journal.open(tmp_path, PRESS) as journal:
        journal.add(b"one", 100)
        journal.acked(journal.add(b"two", 100), 110)
    with Journal.open(tmp_path, PRESS) as journal:
        assert [(entry.n, entry.payload) for entry in journal.unacknowledged()] == [(1, b"one")]
        journal.record_retransmission(1, 200)
        journal.acked(1, 210)
        assert journal.add(b"three", 220) == 3
    assert [(entry.n, entry.attempts, entry.is_unacknowledged) for entry in read_journals(tmp_path)] == [
        (1, 2, False),
        (2, 1, False),
        (3, 1, True),
    ]


@pytest.mark.parametrize("kept", range(1, 40))
def test_a_torn_last_line_never_happened(tmp_path: Path, kept: int) -> None:
    """It was not written whole, so its publish did not follow; the next writer cuts it off."""
    with Journal.open(tmp_path, PRESS) as journal:
        journal.acked(journal.add(b"one", 100), 110)
        whole = journal.path.read_bytes()
        journal.add(b"two", 120)
    line = journal.path.read_bytes()[len(whole) :]
    journal.path.write_bytes(whole + line[:kept])

    assert [entry.payload for entry in read_journal(journal.path)] == [b"one"]
    with Journal.open(tmp_path, PRESS) as journal:
        assert journal.unacknowledged() == []
        assert journal.add(b"three", 130) == 2
    assert [(entry.n, entry.payload) for entry in read_journal(journal.path)] == [(1, b"one"), (2, b"three")]


def test_a_torn_acknowledgement_leaves_the_message_unacknowledged(tmp_path: Path) -> None:
    with Journal.open(tmp_path, PRESS) as journal:
        journal.acked(journal.add(b"one", 100), 110)
    journal.path.write_bytes(journal.path.read_bytes()[:-3])
    with Journal.open(tmp_path, PRESS) as journal:
        assert [entry.n for entry in journal.unacknowledged()] == [1]


def test_a_journal_that_broke_off_in_its_first_line_begins_anew(tmp_path: Path) -> None:
    journal_path(tmp_path, PRESS).write_bytes(b'{"source":{"fac')
    with Journal.open(tmp_path, PRESS) as journal:
        journal.add(b"one", 100)
    assert [entry.source for entry in read_journals(tmp_path)] == [PRESS]


def test_survives_the_death_of_its_process(tmp_path: Path) -> None:
    """Killed the moment after the write, as by the kernel: the line is there."""
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from factory_lake.gateway.identities import Source\n"
        "from factory_lake.gateway.journal import Journal\n"
        "journal = Journal.open(Path(sys.argv[1]), Source('krakow', 'line-1', 'measurements'))\n"
        "journal.add(b'one', 100)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    died = subprocess.run(  # the program above
        [sys.executable, "-c", program, str(tmp_path)], check=False
    )
    assert died.returncode == -9
    assert [(entry.payload, entry.is_unacknowledged) for entry in read_journals(tmp_path)] == [(b"one", True)]


@pytest.mark.parametrize(
    "damage",
    [b"noise\n", b"{}\n", b'{"n":9,"acked_ms":1}\n', b'{"n":2,"attempt":1,"at_ms":1,"sha256":"","payload_b64":"?"}\n'],
)
def test_a_damaged_line_is_named(tmp_path: Path, damage: bytes) -> None:
    with Journal.open(tmp_path, PRESS) as journal:
        journal.add(b"one", 100)
    journal.path.write_bytes(journal.path.read_bytes() + damage + b'{"n":1,"acked_ms":1}\n')
    with pytest.raises(JournalError, match=f"{journal.path}:3: not a journal's line"):
        read_journal(journal.path)


def test_a_journal_of_another_source_is_refused(tmp_path: Path) -> None:
    with Journal.open(tmp_path, PRESS) as journal:
        journal.add(b"one", 100)
    journal.path.rename(journal_path(tmp_path, OVEN))
    with pytest.raises(JournalError, match="is the journal of krakow/line-1/measurements"):
        Journal.open(tmp_path, OVEN)


def test_two_writers_are_one_too_many(tmp_path: Path) -> None:
    with Journal.open(tmp_path, PRESS), pytest.raises(JournalError, match="is in use"):
        Journal.open(tmp_path, PRESS)
    Journal.open(tmp_path, PRESS).close()


def test_no_journal_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="has no journal"):
        read_journals(tmp_path)


def test_payloads_are_the_only_long_part(tmp_path: Path) -> None:
    """One line when a message is sent and a short one when it is acknowledged: the payload is stored once."""
    payload = b"x" * 3000
    with Journal.open(tmp_path, PRESS) as journal:
        for _ in range(3):
            journal.record_retransmission(journal.add(payload, 100), 110)
    lines = journal.path.read_text().splitlines()
    assert sum("payload_b64" in json.loads(line) for line in lines) == 3
    assert len("".join(lines)) < 3 * 4000 + 800
