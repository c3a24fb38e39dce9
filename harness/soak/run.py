"""A soak from its beginning to its summary."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from factory_lake.gateway.errors import DeliveryError
from harness.soak import reconciliation as reckoning
from harness.soak.cameras import Cameras
from harness.soak.fault_scheduler import Striking
from harness.soak.faults import Field
from harness.soak.gateways import Gateways
from harness.soak.memory import Memory
from harness.soak.plan import Planned, draw
from harness.soak.summary import Summary
from harness.soak.targets import Grounds

_TICK_SECONDS = 0.1
_START_SECONDS = 90.0
_BETWEEN_LINES = 10.0
_SHOWN = 20


@dataclass(frozen=True)
class Settings:
    """How to soak.

    Attributes:
        seconds: How long gateways and cameras send while faults strike, and longer when a fault of `plan`
            lasts longer.
        seed: Messages, footage and faults follow from it; the machine's own timing does not.
        rate: Samples a second of each gateway.
        plan: The faults; None draws them from the seed.
    """

    seconds: float
    seed: int
    rate: float = 10.0
    plan: Sequence[Planned] | None = None


@dataclass
class Told:
    """Progress: lines with the time since the beginning, and how long each part took."""

    say: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    seconds: dict[str, float] = field(default_factory=dict)

    def line(self, text: str) -> None:
        """Say a line."""
        self.say(f"[{time.monotonic() - self.began:5.0f} s] {text}")

    @contextmanager
    def part(self, name: str, title: str) -> Iterator[None]:
        """Say what begins, and keep how long it took."""
        self.line(title)
        began = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - began


def soak(grounds: Grounds, settings: Settings, say: Callable[[str], None] = print) -> Summary:
    """Soak a lake, let it come to rest, and account for everything.

    Whatever happens, no fault stays up and nothing goes on sending.

    Args:
        grounds: A lake that is applied. Nobody else sends for its factories.
        settings: How.
        say: Gets the lines of progress.

    Returns:
        The summary; its `failures` say what was lost or repeated. Beside it, what is wrong with which message
        or fragment is in `account.json` and `video.json` of the grounds' folder.

    Raises:
        GatewayError: When a connection failed for good.
        PutMediaError: When a fragment was refused.
        FlushError, DrainError: When the lake did not come to rest.
    """
    told = Told(say)
    summary = Summary(settings.seed)
    with ExitStack() as parts:
        memory = parts.enter_context(Memory(grounds.lake.cloud.pid))
        gateways = parts.enter_context(Gateways(grounds, settings.seed, settings.rate))
        cameras = parts.enter_context(Cameras(grounds, settings.seed))
        ground = Field(grounds, gateways, cameras)
        plan = draw(settings.seed, settings.seconds) if settings.plan is None else settings.plan
        strikes = parts.enter_context(Striking(ground, plan, settings.seconds))
        with told.part("soak", f"seed {settings.seed}: {_sizes(ground)}; {len(plan)} faults are planned"):
            gateways.start()
            cameras.start()
            _await_all(ground)
            before, began = gateways.acknowledged, time.monotonic()
            _strike(ground, strikes, settings, told, memory)
            lasted = time.monotonic() - began
            summary.minutes = lasted / 60
            summary.messages_per_second = (gateways.acknowledged - before) / lasted
        with told.part("heal", "Heal, stop the gateways and the cameras"):
            strikes.heal()
            strikes.check()
            gateways.finish()
            cameras.finish()
        summary.faults, summary.faults_without_effect = strikes.struck, strikes.missed
        summary.reconnects = sum(one.reconnects for one in gateways.progress)
        summary.resent = sum(one.resent for one in gateways.progress)
        sent = list(cameras.journal.read())
        with told.part("deliver", "Deliver what is buffered"):
            reckoning.deliver(grounds)
        with told.part("messages", "Account for every message"):
            messages = reckoning.reckon_messages(grounds, ground.kills, ground.outages)
        with told.part("archive", "Archive the rest of the footage"):
            reckoning.archive(grounds, sent)
        with told.part("video", "Decode every clip and account for every frame"):
            video = reckoning.reckon_video(grounds, sent)
        memory.sample()
    summary.refused_puts = sum(ground.refused)
    summary.take_messages(messages)
    summary.take_video(video)
    summary.peak_rss_mb = sum(memory.peak.values())
    summary.rss_mb = {"first": memory.first, "peak": memory.peak, "last": memory.last}
    summary.seconds = told.seconds
    _keep(grounds, messages, video.offenders)
    for text in [*_words(messages), *video.offenders[:_SHOWN]]:
        told.line(text)
    return summary


def _await_all(ground: Field) -> None:
    """Return when every connection has sent something: faults are to meet a plant at work.

    Raises:
        GatewayError: When a connection fails for good, or one of them stays silent.
    """
    deadline = time.monotonic() + _START_SECONDS
    while not ground.gateways.are_at_work:
        ground.gateways.check()
        ground.cameras.check()
        if time.monotonic() > deadline:
            raise DeliveryError("a gateway", f"the broker acknowledged nothing in {_START_SECONDS:.0f} s")
        time.sleep(_TICK_SECONDS)


def _strike(ground: Field, strikes: Striking, settings: Settings, told: Told, memory: Memory) -> None:
    """Let the faults strike at their times."""
    began = time.monotonic()
    told_at = began
    while (now := time.monotonic()) - began < settings.seconds or not strikes.are_over:
        strikes.advance(now - began)
        ground.gateways.check()
        ground.cameras.check()
        if now - told_at >= _BETWEEN_LINES:
            told_at = now
            under_way = ", ".join(sorted(strikes.under_way)) or "all is well"
            told.line(
                f"{ground.gateways.acknowledged} messages acknowledged, "
                f"{ground.cameras.fragments} fragments, {strikes.struck.total()} faults, "
                f"{sum(memory.last.values()):.0f} MB; now: {under_way}"
            )
        time.sleep(_TICK_SECONDS)


def _sizes(ground: Field) -> str:
    factories, gateways = len(ground.grounds.factories), len(ground.gateways.gateways)
    return f"{factories} factories, {gateways} gateways, {len(ground.cameras.filming)} cameras"


def _words(messages: reckoning.Messages) -> Iterator[str]:
    """What is wrong with the messages, the first of it."""
    for one in messages.faulty[:_SHOWN]:
        position = "" if one.n is None else f" message {one.n} of its journal"
        place = f" ({one.where})" if one.where else ""
        yield f"{one.kind}: {one.source}{position}: {one.detail}{place}"
    yield from messages.disagreements[:_SHOWN]


def _keep(grounds: Grounds, messages: reckoning.Messages, video: Sequence[str]) -> None:
    """Keep all of what is wrong, for whoever looks for the cause."""
    account = {**messages.account.to_json(), "disagreements": messages.disagreements}
    (grounds.folder / "account.json").write_text(json.dumps(account, indent=2) + "\n", encoding="utf-8")
    (grounds.folder / "video.json").write_text(json.dumps(list(video), indent=2) + "\n", encoding="utf-8")
