"""Broken messages of learned spellings get the answer that they get alone, whatever came before them.

``make fuzz N=1000000`` runs many more rounds than this.
"""

from __future__ import annotations

from itertools import islice
from random import Random

import pytest

from harness.fuzz.__main__ import main
from harness.fuzz.rounds import MESSAGES, Case, Counts, Lane, Setup, generated_messages, run_round
from tests.unit.transform import oracle
from tests.unit.transform.support import ARRIVAL, sample, spell
from transform import fast_path

ROUNDS = 16
# Cases that were found, as `make fuzz` prints them.
FOUND = [
    Case(
        Setup(ARRIVAL),
        (spell(sample(metadata={})).encode(),) * 3,
        spell(sample(metadata={})).replace("{}", inside).encode(),
    )
    for inside in ("{]", "{ ]", "[}", "{\u00a0}", "{\u2003}", "{\u0085}", "{\u1680 }", "{\u3000 ]", "[ ]")
]


@pytest.mark.parametrize("case", FOUND)
def test_what_was_found_stays_mended(case: Case) -> None:
    assert case.differences() is None


def test_a_broken_message_is_answered_as_it_is_alone() -> None:
    total = Counts()
    for seed in range(ROUNDS):
        total.add(run_round(seed))
        assert total.case is None, total.case[1].smallest().spelled()
    assert total.messages == ROUNDS * MESSAGES
    # Else the rounds would show nothing.
    assert total.fast > total.messages / 10
    assert total.accepted < total.messages / 2


@pytest.mark.parametrize("policy", ["reject", "null", "keep"])
def test_the_slow_path_reads_broken_messages_as_a_second_reading_of_the_contract(policy: str) -> None:
    """What both paths agree on could still be wrong."""
    lane = Lane(Setup(ARRIVAL, blank_strings=policy))
    for message in islice(generated_messages(Random(policy), ARRIVAL), MESSAGES):
        if oracle.elements(message) is not None:
            continue  # the properties have batches
        line, metadata = lane.slow(message)
        try:
            expected, keys = oracle.measurement(message, ARRIVAL, policy)
        except oracle.InvalidError:
            assert isinstance(line, str), message
            continue
        assert isinstance(line, bytes), message
        members = oracle.parse(line.decode())
        del members[-2:]
        if members[-1][0] == "attributes":
            members[-1] = ("attributes", oracle.parse(members[-1][1]))
        assert (members, metadata["partitionKeys"]) == (expected, keys), message


def test_a_round_is_the_same_each_time() -> None:
    assert run_round(3) == run_round(3)


def test_a_fault_is_found_and_printed_as_an_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fast_path, "trim_string", str.upper)
    assert main(["--n", "5000", "--seed", "1", "--processes", "1"]) == 1
    printed = capsys.readouterr().out
    assert "from seed 1 on" in printed
    found = printed[printed.index("Case(") : printed.index("\n\nrun it again")]
    (case,) = eval(f"[{found}]", {"Case": Case, "Setup": Setup})  # noqa: S307 - what the line above printed
    assert case.differences() is not None
    monkeypatch.undo()
    assert case.differences() is None


def test_without_a_fault_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--n", "1200", "--seed", "7", "--processes", "2"]) == 0
    assert "1200 messages in" in capsys.readouterr().out
