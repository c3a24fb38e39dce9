"""Which configuration was in force when, against an oracle that steps through the messages."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

from factory_lake.config.timeline import Message, in_force, intervals
from factory_lake.reconcile.lossless_json import canonical

_STEPS = 600


def _history(chance: random.Random, messages: Sequence[str]) -> list[Message]:
    """Messages in the order of their objects: some twice, several at one moment, later ones before earlier ones."""
    made = [
        Message(factory, gateway, chance.randrange(_STEPS), chance.choice(messages))
        for factory, gateway in (("krakow", "line-1"), ("krakow", None), ("lyon", "line-1"))
        for _ in range(120)
    ]
    made += chance.sample(made, 60)
    chance.shuffle(made)
    return made


def _stepped(history: Sequence[Message], at_ms: int) -> dict[tuple[str, str | None], Message]:
    """What each gateway had last, of the messages that had arrived by a moment, one by one."""
    held: dict[tuple[str, str | None], Message] = {}
    for message in history:
        if message.received_ms > at_ms:
            continue
        last = held.get((message.factory, message.gateway))
        if last is None or (last.received_ms, last.text) < (message.received_ms, message.text):
            held[message.factory, message.gateway] = message
    return held


def test_a_thousand_instants_are_as_the_oracle_says() -> None:
    chance = random.Random(13)
    history = _history(chance, [f'{{"v":{at}}}' for at in range(4)])
    timeline = intervals(history)
    for _ in range(1_000):
        at_ms = chance.randrange(-5, _STEPS + 5)
        found = {(one.factory, one.gateway): one.text for one in in_force(timeline, at_ms)}
        assert found == {sender: message.text for sender, message in _stepped(history, at_ms).items()}


def test_a_thousand_instants_of_merge_patches_are_as_the_oracle_says() -> None:
    chance = random.Random(7396)
    patches = ['{"a":1}', '{"a":null}', '{"b":{"c":1}}', '{"b":{"c":null,"d":2}}', '{"b":3}', '{"e":[1]}', "{}"]
    history = _history(chance, patches)
    timeline = intervals(history, merged=True)
    for _ in range(1_000):
        at_ms = chance.randrange(-5, _STEPS + 5)
        found = {(one.factory, one.gateway): json.loads(canonical(one.document)) for one in in_force(timeline, at_ms)}
        assert found == _merged(history, at_ms)


def _merged(history: Sequence[Message], at_ms: int) -> dict[tuple[str, str | None], Any]:
    """The settings at a moment, by plain dictionaries."""
    held: dict[tuple[str, str | None], Any] = {}
    for message in sorted(history, key=lambda one: (one.received_ms, one.text)):
        if message.received_ms <= at_ms:
            _patch(held.setdefault((message.factory, message.gateway), {}), json.loads(message.text))
    return held


def _patch(settings: dict[str, Any], patch: dict[str, Any]) -> None:
    for key, value in patch.items():
        if isinstance(value, dict):
            if not isinstance(settings.get(key), dict):
                settings[key] = {}
            _patch(settings[key], value)
        elif value is None:
            settings.pop(key, None)
        else:
            settings[key] = value


def test_repeats_open_no_interval() -> None:
    sent = [(5, '{"v":1}'), (5, '{"v":1}'), (9, '{"v":1}'), (12, '{"v":2}'), (20, '{"v":1}'), (21, '{"v":1}')]
    found = intervals(Message("krakow", "line-1", at_ms, text) for at_ms, text in sent)
    assert [(one.from_ms, one.until_ms, one.text) for one in found] == [
        (5, 12, '{"v":1}'),
        (12, 20, '{"v":2}'),
        (20, None, '{"v":1}'),
    ]


def test_of_one_millisecond_the_text_that_sorts_last_is_in_force() -> None:
    found = intervals(Message("krakow", "line-1", 5, text) for text in ('{"v":2}', '{"v":10}'))
    assert [(one.from_ms, one.until_ms, one.text) for one in found] == [(5, 5, '{"v":10}'), (5, None, '{"v":2}')]
    assert [one.text for one in in_force(found, 5)] == ['{"v":2}']


def test_a_patch_that_changes_nothing_opens_no_interval() -> None:
    sent = [(1, '{"a":1,"b":2}'), (2, '{"b":2}'), (3, '{"a":null}'), (4, '{"a":null}')]
    found = intervals((Message("krakow", "line-1", *one) for one in sent), merged=True)
    assert [(one.from_ms, one.until_ms, one.text) for one in found] == [(1, 3, '{"a":1,"b":2}'), (3, None, '{"b":2}')]
