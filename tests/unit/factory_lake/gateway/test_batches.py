"""What goes into one publish, and how its samples are found again."""

import json
from collections.abc import Iterator
from itertools import cycle, islice
from random import Random

import pytest

from factory_lake.gateway.batches import MAX_BATCH, Batch, Batching, batched, join, samples_of, split
from factory_lake.gateway.bucket import BYTES_PER_PUBLISH, FASTEST, TokenBucket
from factory_lake.gateway.identities import Source
from factory_lake.gateway.plant import messages
from tests.unit.factory_lake.fixtures import Clock

PRESS = Source("krakow", "line-1", "measurements")
ODD = (b'{ "a" : 1.50e0,"\\u0061":"]},{[" }', b"{}", b'{"\xc3\xa9":[[],{},[1,{"b":null}]]}')
DEEP = b'{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}"


def sent(messages: list[bytes], samples: int = 100) -> list[Batch]:
    return [one for one in batched(messages, Batching(samples, 1e9), Clock()) if one]


def test_a_batch_is_full_at_its_number_and_the_last_one_goes_as_it_is() -> None:
    assert sent([*ODD, *ODD, ODD[0]], samples=3) == [Batch(join(ODD), 3), Batch(join(ODD), 3), Batch(ODD[0], 1)]


def test_samples_keep_their_bytes() -> None:
    (batch,) = sent(list(ODD))
    assert batch.payload == b'{"samples":[' + b",".join(ODD) + b"]}"
    assert split(batch.payload) == list(ODD)


@pytest.mark.parametrize(
    "alone",
    [
        b"",
        b"not JSON",
        b'{"a":NaN}',
        b'{"a":1}{"b":2}',
        b'{"a":1,}',
        b'{"a":01}',
        b'{"a":"\x01"}',
        b'{"a":"\\x"}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'\xef\xbb\xbf{"a":1}',
        b"[1]",
        b"5",
        b'"text"',
        b'{"samples":[{"a":1}]}',
        b'{"s\\u0061mples":[]}',
    ],
)
def test_what_is_not_one_object_or_is_a_batch_goes_alone_and_in_its_place(alone: bytes) -> None:
    good = b'{"a":1}'
    assert sent([good, good, alone, good]) == [Batch(join([good, good]), 2), Batch(alone, 1), Batch(good, 1)]


@pytest.mark.parametrize(
    "member", [b'{"samples":5}', b'{"samples":[1],"more":1}', b'{"a":"\\ud800"}', pytest.param(DEEP, id="deep")]
)
def test_an_object_that_only_the_lane_refuses_goes_with_the_others(member: bytes) -> None:
    """However deep it is nested, it spoils nothing: it is rejected alone."""
    assert sent([member, ODD[0]]) == [Batch(join([member, ODD[0]]), 2)]


@pytest.mark.parametrize("size", [1_000, 60_000, MAX_BATCH - 14, MAX_BATCH, 130_000])
def test_a_batch_has_at_most_120_kb(size: int) -> None:
    """A larger message goes alone, since nothing smaller can be made of it."""
    message = b'{"a":"' + b"x" * (size - 8) + b'"}'
    batches = sent([message] * 200, samples=1000)
    assert sum(one.messages for one in batches) == 200
    assert all(len(one.payload) <= MAX_BATCH or one.messages == 1 for one in batches)
    assert all(len(one.payload) + 1 + size > MAX_BATCH for one in batches[:-1])


def test_nothing_waits_longer_than_it_may() -> None:
    """A source that has nothing more yet is asked again; what is there goes out when the time has come."""
    clock = Clock()

    def trickle() -> Iterator[bytes | None]:
        for number in range(6):
            for _ in range(8):
                clock.sleep(1 / 64)
                yield None
            yield b"{}" if number else ODD[0]

    due = [(clock(), one.messages) for one in batched(trickle(), Batching(100, 250), clock) if one]
    assert due == [(0.375, 2), (0.625, 2), (0.75, 2)]


def test_a_source_that_never_rests_is_cut_by_time_as_well() -> None:
    clock = Clock()

    def steady() -> Iterator[bytes]:
        for _ in range(9):
            clock.sleep(0.125)
            yield b"{}"

    assert [one.messages for one in batched(steady(), Batching(100, 250), clock) if one] == [3, 3, 3]


@pytest.mark.parametrize(
    ("payload", "elements"),
    [
        (b"[]", []),
        (b' {"samples" : [ ] } ', []),
        (b'\r\n[ {"a":1} ,\n5,null,"x", [1,2] ]\t', [b'{"a":1}', b"5", b"null", b'"x"', b"[1,2]"]),
        (b'{"s\\u0061mples":[{}]}', [b"{}"]),
        pytest.param(b"[" + DEEP + b",{}]", [DEEP, b"{}"], id="deep"),
        (b'{"samples":5}', None),
        (b'{"samples":[],"samples":[]}', None),
        (b'{"samples":[{}],"more":1}', None),
        (b'{"other":[{}]}', None),
        (b'{"samples":[{}]', None),
        (b'{"samples":[{},]}', None),
        (b'{"samples":[{}]}}', None),
        (b"[{}]}", None),
        (b"[{}]]", None),
        (b"[{} {}]", None),
        (b"[{", None),
        (b"[1,NaN]", None),
        (b'[{"a":]}]', None),
        (b'[{"a"}]', None),
        (b'[{"a":1,}]', None),
        (b"[[}]", None),
        (b"\xef\xbb\xbf[{}]", None),
        (b'[{},"\xff"]', None),
        (b'{"\xff":[]}', None),
        (b'{"\\ud800":[]}', None),
        (b"{}", None),
        (b"", None),
    ],
)
def test_the_elements_of_a_batch(payload: bytes, elements: list[bytes] | None) -> None:
    assert split(payload) == elements


def test_random_texts_are_split_where_json_splits_them() -> None:
    """Against Python's own reader, on texts that are right and on texts with a byte changed."""
    rng = Random(7)
    source = [one.payload for one in islice(messages(PRESS, 1, 1_772_600_000_000, 10), 200)]
    good = [one for one in source if len(sent([one, b"{}"])) == 1]
    split_at_all = 0
    for _ in range(3000):
        text = bytearray(join(rng.sample(good, rng.randrange(1, 4))))
        for _ in range(rng.randrange(3)):
            text[rng.randrange(len(text))] = rng.choice(b'[]{},:"\\ \n0e.')
        elements = split(bytes(text))
        try:
            whole = json.loads(text.decode(), parse_constant=float.fromhex, object_pairs_hook=list)
        except ValueError:
            whole = None
        is_batch = isinstance(whole, list) and len(whole) == 1 and whole[0][0] == "samples" and text[0] == ord("{")
        assert (elements is not None) == (is_batch and isinstance(whole[0][1], list))
        if elements is not None:
            split_at_all += 1
            assert [json.loads(one, object_pairs_hook=list) for one in elements] == whole[0][1]
    assert 1000 < split_at_all < 2900


@pytest.mark.parametrize(
    ("payload", "samples"),
    [
        (b"not JSON", [b"not JSON"]),
        (b"[]", [b"[]"]),
        (b'{"samples":[{"a":1}]}', [b'{"a":1}']),
        (b"[1, 2]", [b"1", b"2"]),
        (b'[[1,{"samples":[2,3]}],4]', [b"1", b"2", b"3", b"4"]),
        (b"[[1,2]]", [b"[1,2]"]),
        (b"[[],1]", [b"[]", b"1"]),
    ],
)
def test_what_is_judged_one_by_one(payload: bytes, samples: list[bytes]) -> None:
    """A batch in a batch is one of its own, but in a batch of one, which is rejected as it came."""
    assert samples_of(payload) == samples


@pytest.mark.parametrize(("samples", "least"), [(1, 90), (18, 1700), (100, 1800)])
def test_how_many_samples_a_connection_may_send(samples: int, least: int) -> None:
    """Within 100 publishes and 512 KiB a second, whatever a batch holds."""
    clock = Clock()
    publishes, volume = TokenBucket(FASTEST, clock), TokenBucket(FASTEST, clock)
    plant = cycle([one.payload for one in islice(messages(PRESS, 1, 1_772_600_000_000, 1), 1000) if one.accepted])
    times: list[tuple[float, int, int]] = []
    for batch in batched(plant, Batching(samples), clock):
        assert batch is not None
        while publishes.wait() or volume.wait():
            clock.sleep(0.001)
        publishes.take()
        volume.charge(len(batch.payload) / BYTES_PER_PUBLISH)
        times.append((clock(), batch.messages, len(batch.payload)))
        if clock() > 6:
            break
    measured = [one for one in times if 1 <= one[0] < 6]
    assert sum(number for _, number, _ in measured) / 5 >= least
    assert sum(size for _, _, size in measured) / 5 <= 512 * 1024
    assert max(sum(1 for at, _, _ in times if begin <= at < begin + 1) for begin, _, _ in times) <= 100
