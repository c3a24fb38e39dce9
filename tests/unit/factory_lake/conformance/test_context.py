"""Waiting has an end, set-ups are made once, and nothing is made that no ledger knows."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from factory_lake.clients import Clients
from factory_lake.conformance.context import Context
from factory_lake.conformance.ledger import Entry, Ledger
from factory_lake.conformance.probe import CouldNotTell, Stopped


def test_names_have_the_prefix_and_fit_every_service(context: Context, ledger: Ledger) -> None:
    assert context.name("objects") == "factory-lake-conformance-0a1b2c3d-objects"
    assert context.underscored("bare-select") == "factory_lake_conformance_0a1b2c3d_bare_select"
    assert context.made("bucket", context.name("x" * 29)) == context.name("x" * 29)
    with pytest.raises(ValueError, match="at most 63 characters"):
        context.name("x" * 30)
    with pytest.raises(ValueError, match="must have the prefix"):
        context.made("bucket", "mine")
    with pytest.raises(ValueError, match="kind must be one of"):
        context.made("queue", context.name("x"))
    assert ledger.outstanding() == [Entry("bucket", context.name("x" * 29))]


def test_until_gives_the_first_answer_that_is_true(context: Context) -> None:
    answers = iter([None, [], ["there"]])
    assert context.until(lambda: next(answers), 10, "an answer") == ["there"]


def test_until_names_what_was_awaited(context: Context) -> None:
    with pytest.raises(CouldNotTell, match=r"^waited 0\.05 s in vain for the stream to be ACTIVE$"):
        context.until(lambda: None, 0.05, "the stream to be ACTIVE")


def test_nothing_waits_longer_than_the_run(ledger: Ledger) -> None:
    context = Context(cast("Clients", None), ledger, "aws", seconds=0)
    with pytest.raises(CouldNotTell):
        context.until(lambda: None, 3600, "ever")


def test_a_run_that_ends_makes_nothing_and_waits_for_nothing(context: Context, ledger: Ledger) -> None:
    threading.Timer(0.05, context.stop.set).start()
    with pytest.raises(Stopped):
        context.until(lambda: None, 60, "ever")
    with pytest.raises(Stopped):
        context.made("bucket", context.name("late"))
    assert ledger.outstanding() == []


def _refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "not yet"}}, "CreateFunction")


def test_eventually_repeats_what_passes_by_itself(context: Context) -> None:
    answers: list[Any] = [_refusal("InvalidParameterValueException"), "made"]

    def call() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    codes = ("InvalidParameterValueException",)
    assert context.eventually(call, codes, 10, "Lambda to see the role") == "made"
    answers[:] = [_refusal("AccessDenied")]
    with pytest.raises(ClientError, match="AccessDenied"):
        context.eventually(call, codes, 10, "Lambda to see the role")
    answers[:] = [_refusal(codes[0])] * 9
    with pytest.raises(CouldNotTell, match=r"in vain for Lambda to see the role; the last answer: .*not yet"):
        context.eventually(call, codes, 0.05, "Lambda to see the role")


def test_a_set_up_is_made_once_for_each_of_its_arguments(context: Context) -> None:
    made: list[str] = []

    def setup(_: Context, of: str = "") -> str:
        made.append(of)
        return f"made {of}"

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: context.shared(setup, "a"), range(16))) == {"made a"}
    assert context.shared(setup, "b") == "made b"
    assert made == ["a", "b"]


def test_a_set_up_that_fails_is_told_by_each_that_needs_it(context: Context) -> None:
    def stream(_: Context) -> None:
        raise _refusal("LimitExceededException")

    for _ in range(2):
        with pytest.raises(CouldNotTell, match=r"^the set-up stream failed: .*LimitExceededException"):
            context.shared(stream)


def test_nothing_within_a_time_is_none(context: Context) -> None:
    assert context.within(lambda: [7, 8], 5) == 7
    assert context.within(list, 0.01) is None


def test_a_run_that_ends_before_the_time_tells_nothing(ledger: Ledger) -> None:
    context = Context(cast(Clients, None), ledger, "aws", seconds=0.01)
    with pytest.raises(CouldNotTell):
        context.within(list, 60)
