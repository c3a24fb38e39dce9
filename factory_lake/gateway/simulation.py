"""The simulated plant on real connections: how many messages each gateway sends, and when it stops."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from factory_lake.gateway import plant
from factory_lake.gateway.bucket import FASTEST
from factory_lake.gateway.connections import Connections
from factory_lake.gateway.fleet import SendOptions, Watcher, send
from factory_lake.gateway.identities import Lane, Source

# A gateway reads registers all the time and is seldom configured.
_SHARES: dict[Lane, int] = {"measurements": 9, "configuration": 1}


@dataclass(frozen=True)
class Simulation:
    """What to simulate."""

    messages: int | None  # over all gateways together; None for as many as fit into `seconds`
    seconds: float | None  # when to stop; None for when `messages` are sent
    seed: int
    start_ms: int  # when the first samples are taken, epoch ms
    options: SendOptions

    sample_rate: float | None = None  # samples a second of each gateway; None for as many as can be sent

    def interval_ms(self, lane: Lane) -> float:
        """Between two messages of a lane of a gateway."""
        if self.sample_rate is not None:
            return 1000 / self.sample_rate * _SHARES["measurements"] / _SHARES[lane]
        together = self.options.batching.samples if self.options.batching and lane == "measurements" else 1
        return 1000 / (min(self.options.rate, FASTEST) * together)


def simulate(
    simulation: Simulation,
    connections: Connections,
    journal_dir: Path,
    watch: Watcher | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Counter[str]:
    """Send the plant's messages from all gateways at once and wait until all are acknowledged.

    Returns:
        How many messages of each kind were sent, `"<lane>: <kind>"` to number.

    Raises:
        GatewayError: As `fleet.send` does.
    """
    shares = share(simulation.messages, connections.sources)
    started = clock()
    deadline = None if simulation.seconds is None else started + simulation.seconds
    # One counter a source, since each source is read by its own thread.
    counted: dict[Source, Counter[str]] = {source: Counter() for source in connections.sources}

    def payloads(source: Source) -> Iterator[bytes | None]:
        interval_ms = simulation.interval_ms(source.lane)
        stream = plant.messages(source, simulation.seed, simulation.start_ms, interval_ms)
        for number, message in enumerate(islice(stream, shares[source])):
            taken_at = started + number * interval_ms / 1000 if simulation.sample_rate is not None else started
            while clock() < taken_at and (deadline is None or clock() < deadline):
                yield None
            if deadline is not None and clock() >= deadline:
                return
            counted[source][f"{source.lane}: {message.kind}"] += 1
            yield message.payload

    work = {source: payloads(source) for source in connections.sources if shares[source] != 0}
    send(connections, work, journal_dir, simulation.options, watch)
    return sum(counted.values(), Counter())


def share(messages: int | None, sources: Sequence[Source]) -> dict[Source, int | None]:
    """How many messages each source sends: nine measurements for one configuration update, gateways alike.

    The parts add up to the whole; None stays None.
    """
    if messages is None:
        return dict.fromkeys(sources)
    total = sum(_SHARES[source.lane] for source in sources)
    shares: dict[Source, int | None] = {}
    weighed = given = 0
    for source in sources:
        weighed += _SHARES[source.lane]
        upto = messages * weighed // total
        shares[source] = upto - given
        given = upto
    return shares
