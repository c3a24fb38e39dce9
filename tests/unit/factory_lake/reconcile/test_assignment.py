from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from factory_lake.reconcile.assignment import assign

_letters = "abcd"


def most(copies: Mapping[str, int], candidates: Mapping[str, Sequence[int]], room: Mapping[int, int]) -> int:
    """How many copies can be placed at most, by trying everything."""
    group = next((one for one, count in copies.items() if count), None)
    if group is None:
        return 0
    rest = {**copies, group: copies[group] - 1}
    tries = [
        1 + most(rest, candidates, {**room, messages: room[messages] - 1})
        for messages in candidates[group]
        if room[messages]
    ]
    return max([most(rest, candidates, room), *tries])


@given(
    copies=st.dictionaries(st.sampled_from(_letters), st.integers(0, 2), max_size=3),
    room=st.fixed_dictionaries({number: st.integers(0, 2) for number in range(3)}),
    data=st.data(),
)
def test_places_as_many_as_can_be(copies: dict[str, int], room: dict[int, int], data: st.DataObject) -> None:
    candidates = {
        group: data.draw(st.lists(st.sampled_from(sorted(room)), unique=True), label=group) for group in copies
    }

    given_copies = assign(copies, candidates, room)

    assert sum(given_copies.values()) == most(copies, candidates, room)
    for group, count in copies.items():
        assert sum(number for (one, _), number in given_copies.items() if one == group) <= count
    for messages, count in room.items():
        assert sum(number for (_, one), number in given_copies.items() if one == messages) <= count
    assert all(messages in candidates[group] and number >= 0 for (group, messages), number in given_copies.items())


def test_a_copy_gives_way() -> None:
    """What is first given to 1 moves to 2, since the other copy can go nowhere else."""
    assert assign({"a": 1, "b": 1}, {"a": [1, 2], "b": [1]}, {1: 1, 2: 1}) == {("a", 1): 0, ("a", 2): 1, ("b", 1): 1}
