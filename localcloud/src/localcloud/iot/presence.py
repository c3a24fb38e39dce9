"""Presence: who connects and disconnects, why a connection ended, and connections that fell silent.

MiniStack publishes the events. Put right here, by the AWS IoT Core developer guide, "Lifecycle events" (the reasons)
and "AWS IoT Core message broker and protocol limits" (the keep-alive interval):

* A connection that the broker ended over a packet was named ``CONNECTION_LOST``; it is ``CLIENT_ERROR``, and
  ``SERVER_ERROR`` where the broker failed. A DISCONNECT that asks for the last will is the client's own as well.
* A connection that asked for what its policy does not allow was ``CLIENT_ERROR`` under MQTT 3.1.1; that an
  authorization failed is ``AUTH_ERROR``, whatever the version. One whose certificate is no longer active is
  ``FORBIDDEN_ACCESS``: which reason AWS gives there is not documented.
* A connection might be silent for ever. Now it ends after 1.5 times its keep-alive interval.

Events may repeat and overtake each other on AWS; here they do when a test says so.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

from ministack.services import iot

PREFIX: Final = "$aws/events/presence/"
MANNERS: Final = ("once", "repeat", "overtake")
KEEP_ALIVE_FACTOR: Final = 1.5
MIN_KEEP_ALIVE: Final = 30
MAX_KEEP_ALIVE: Final = 1200
"""What a client gets that asks for more, or for none."""


def keep_alive_seconds(asked: int) -> int:
    """The keep-alive interval that the broker goes by."""
    return MAX_KEEP_ALIVE if not 0 < asked <= MAX_KEEP_ALIVE else max(MIN_KEEP_ALIVE, asked)


class Events:
    """Publishes presence events once each, twice each, or each behind its client's next one."""

    def __init__(self) -> None:
        self.manner = MANNERS[0]
        self._held: dict[str, tuple[str, str, str, dict[str, Any]]] = {}
        self._publish = iot._publish_event
        iot._publish_event = self.publish

    async def publish(self, account_id: str, region: str, topic: str, event: dict[str, Any]) -> None:
        """Publish an event of ``$aws/events`` in the manner that is wanted."""
        if not topic.startswith(PREFIX) or self.manner == "once":
            await self._publish(account_id, region, topic, event)
        elif self.manner == "repeat":
            await self._publish(account_id, region, topic, event)
            await self._publish(account_id, region, topic, event)
        elif (earlier := self._held.pop(event["clientId"], None)) is None:
            self._held[event["clientId"]] = (account_id, region, topic, event)
        else:
            await self._publish(account_id, region, topic, event)
            await self._publish(*earlier)

    async def behave(self, manner: str) -> None:
        """Publish in another manner from now on; events that are held go out first."""
        self.manner = manner
        while self._held:
            await self._publish(*self._held.pop(next(iter(self._held))))


@dataclass
class _Silence:
    """How long a connection may be silent, and since when it is."""

    limit: float
    since: float
    check: asyncio.TimerHandle | None = None


class KeepAlive:
    """Ends connections that send nothing for 1.5 times their keep-alive interval."""

    def __init__(self) -> None:
        self._silences: WeakKeyDictionary[Any, _Silence] = WeakKeyDictionary()
        self._closing: asyncio.Task[None] | None = None  # a task that nothing refers to may end early
        clean_up = iot._WSSession.cleanup

        async def cleanup(session: Any) -> None:
            silence = self._silences.pop(session, None)
            if silence is not None and silence.check is not None:
                silence.check.cancel()
            await clean_up(session)

        iot._WSSession.cleanup = cleanup

    def begin(self, session: Any, asked: int) -> None:
        """Watch a connection that asked for this interval, in seconds."""
        silence = _Silence(KEEP_ALIVE_FACTOR * keep_alive_seconds(asked), time.monotonic())
        self._silences[session] = silence
        self._check(session, silence)

    def heard(self, session: Any) -> None:
        """Note that a packet came."""
        if (silence := self._silences.get(session)) is not None:
            silence.since = time.monotonic()

    def age(self, client_id: str, seconds: float) -> int:
        """Make the silence of a client's connections so many seconds longer; say how many there are."""
        found = [each for each in self._silences.items() if each[0]._client_id == client_id]
        for session, silence in found:
            silence.since -= seconds
            self._check(session, silence)
        return len(found)

    def _check(self, session: Any, silence: _Silence) -> None:
        if silence.check is not None:
            silence.check.cancel()
        left = silence.since + silence.limit - time.monotonic()
        loop = asyncio.get_running_loop()
        if left > 0:
            silence.check = loop.call_later(left, self._check, session, silence)
        else:
            session._forced_disconnect_reason = "MQTT_KEEP_ALIVE_TIMEOUT"
            self._closing = loop.create_task(session._send({"type": "websocket.close", "code": 1000}))


def name_end(session: Any, packet: int) -> None:
    """Say why a packet ended a connection, where MiniStack does not."""
    if session._forced_disconnect_reason is None:
        asked = packet == iot.PKT_DISCONNECT
        session._forced_disconnect_reason = "CLIENT_INITIATED_DISCONNECT" if asked else "CLIENT_ERROR"


def name_refusals() -> None:
    """Tell a connection whose certificate is no longer active from one that asked for what its policy denies."""
    close = iot._WSSession._close_unauthorized

    async def close_unauthorized(session: Any) -> bool:
        stays = bool(await close(session))
        has_certificate = session.certificate_id is not None
        inactive = has_certificate and not iot._mtls_active_registrations(session.certificate_id)
        session._forced_disconnect_reason = "FORBIDDEN_ACCESS" if inactive else "AUTH_ERROR"
        return stays

    iot._WSSession._close_unauthorized = close_unauthorized
