"""A soak from its beginning to its summary."""

import json
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from factory_lake.gateway.errors import DeliveryError
from factory_lake.output import output_width
from harness.camera.archiver import archive_all
from harness.camera.reconciliation import reconcile_targets
from harness.lake.draining import drain
from harness.lake.metrics import samples_put_back
from harness.lake.targets import Targets
from harness.outages.gateway import Pace
from harness.outages.run import Extent, Outages
from harness.soak.cameras import Cameras
from harness.soak.fault_scheduler import FaultScheduler
from harness.soak.faults import FaultContext, PutBackFault
from harness.soak.gateways import Gateways
from harness.soak.memory import Memory
from harness.soak.plan import PlannedFault, generate_plan
from harness.soak.reconciliation import Messages, reconcile_messages
from harness.soak.redriving import redrive
from harness.soak.summary import Summary

_TICK_SECONDS = 0.1
_START_SECONDS = 90.0
_BETWEEN_LINES = 10.0
_FLUSH_SECONDS = 180.0
_ARCHIVE_SECONDS = 180.0
_SHOWN = 20
#: Gateways that have one outage after the other.
OUTAGE_GATEWAYS = 3
_SECONDS_OF_LONG_OUTAGES = 300


@dataclass(frozen=True)
class Settings:
    """How to soak.

    Attributes:
        seconds: How long gateways and cameras send while faults are injected, and longer when a fault of
            `plan` lasts longer.
        seed: Messages, footage and faults follow from it; the machine's own timing does not.
        rate: Samples a second of each gateway.
        plan: The faults; None generates them from the seed.
        outages: The factory that has outages beside that, which a coverage must name; none without.
    """

    seconds: float
    seed: int
    rate: float = 10.0
    plan: Sequence[PlannedFault] | None = None
    outages: str | None = None

    @property
    def has_minutes(self) -> bool:
        """Whether there is time for outages that take minutes."""
        return self.seconds >= _SECONDS_OF_LONG_OUTAGES


@dataclass
class ProgressLog:
    """Lines with the seconds since the beginning, and how long each part took."""

    write: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    seconds: dict[str, float] = field(default_factory=dict)

    def line(self, text: str) -> None:
        """Write a line, wrapped at blanks where standard output has a width."""
        head = f"[{time.monotonic() - self.began:5.0f} s] "
        width = output_width() or len(head) + len(text)
        more = " " * len(head)
        lines = textwrap.wrap(
            text, width, initial_indent=head, subsequent_indent=more, break_long_words=False, break_on_hyphens=False
        )
        self.write("\n".join(lines))

    @contextmanager
    def part(self, name: str, title: str) -> Iterator[None]:
        """Write what begins, and keep how long it took."""
        self.line(title)
        began = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - began


def soak(targets: Targets, settings: Settings, write: Callable[[str], None] = print) -> Summary:
    """Soak a lake, let it come to rest, and reconcile everything.

    Whatever happens, no fault stays active and nothing goes on sending.

    Args:
        targets: A lake that is applied. Only the soak sends for its factories.
        settings: How.
        write: Gets the lines of progress.

    Returns:
        The summary; its `failures` say what was lost or repeated. `reconciliation.json` and `video.json` in
        the targets' folder name each message and each fragment that is not as it should be.

    Raises:
        GatewayError: When a connection failed for good.
        PutMediaError: When a fragment was refused.
        FlushError, ArchiveError: When the lake did not come to rest.
    """
    progress = ProgressLog(write)
    summary = Summary(settings.seed)
    with ExitStack() as parts:
        memory = parts.enter_context(Memory(targets.lake.cloud.pid))
        gateways = parts.enter_context(Gateways(targets, settings.seed, settings.rate))
        cameras = parts.enter_context(Cameras(targets, settings.seed))
        context = FaultContext(targets, gateways, cameras)
        plan = generate_plan(settings.seed, settings.seconds) if settings.plan is None else settings.plan
        scheduler = parts.enter_context(FaultScheduler(context, plan, settings.seconds))
        with progress.part("soak", f"seed {settings.seed}: {_sizes(context)}; {len(plan)} faults planned"):
            gateways.start()
            cameras.start()
            outages = _outages(context, settings)
            if outages is not None:
                parts.enter_context(outages).start()
            _await_all(context)
            before, began = gateways.acknowledged, time.monotonic()
            _inject_faults(context, scheduler, outages, settings, progress, memory)
            lasted = time.monotonic() - began
            summary.minutes = lasted / 60
            summary.messages_per_second = (gateways.acknowledged - before) / lasted
        with progress.part("heal", "Recover from all faults, stop the gateways and the cameras"):
            scheduler.recover()
            scheduler.check()
            gateways.finish()
            cameras.finish()
        summary.faults, summary.faults_without_effect = scheduler.injected, scheduler.no_effect
        summary.reconnects = sum(one.reconnects for one in gateways.progress)
        summary.resent = sum(one.resent for one in gateways.progress)
        if outages is not None:
            with progress.part("coverage", f"Judge a coverage of {outages.caused} outages and more"):
                summary.coverage = outages.finish()
            for text in summary.coverage.wrong[:_SHOWN]:
                progress.line(text)
        sent = list(cameras.journal.read())
        with progress.part("deliver", "Deliver what is buffered"):
            drain(targets.lake.cloud, targets.delivery_streams, _FLUSH_SECONDS)
        summary.put_back = samples_put_back(targets.lake.cloud, targets.factories)
        with progress.part("messages", "Reconcile every message"):
            messages = reconcile_messages(targets, context.kills, context.outages, context.put_backs)
        summary.take_rejected(messages)
        if messages.to_redrive:
            with progress.part("redrive", "Redrive what was rejected in outages, and reconcile again"):
                messages = _redrive(context, messages, summary)
        with progress.part("archive", "Archive the rest of the footage"):
            archive_all(targets, sent, _ARCHIVE_SECONDS)
        with progress.part("video", "Decode every clip and reconcile every frame"):
            video = reconcile_targets(targets, sent)
        memory.sample()
    summary.refused_puts, summary.put_back_calls_hit = sum(context.refused), sum(context.put_back_calls)
    summary.take_messages(messages)
    summary.take_video(video)
    summary.peak_rss_mb = sum(memory.peak.values())
    summary.rss_mb = {"first": memory.first, "peak": memory.peak, "last": memory.last}
    summary.seconds = progress.seconds
    _keep(targets, messages, video.discrepancies)
    for text in [*_discrepancies(messages), *video.discrepancies[:_SHOWN]]:
        progress.line(text)
    return summary


def _redrive(context: FaultContext, messages: Messages, summary: Summary) -> Messages:
    """Redrive valid messages that were rejected; afterwards none has an excuse to be anywhere but in its table."""
    targets, began = context.targets, time.time()
    summary.redriven = redrive(targets, [one.where for one in messages.to_redrive if one.where])
    drain(targets.lake.cloud, targets.delivery_streams, _FLUSH_SECONDS)
    again = [PutBackFault(factory, "redriven", began, time.time()) for factory in targets.factories]
    return reconcile_messages(targets, context.kills, context.outages, [*context.put_backs, *again], is_redriven=True)


def _await_all(context: FaultContext) -> None:
    """Return when every connection has sent something: faults are injected into a plant at work."""
    deadline = time.monotonic() + _START_SECONDS
    while not context.gateways.are_at_work:
        context.gateways.check()
        context.cameras.check()
        if time.monotonic() > deadline:
            raise DeliveryError("a gateway", f"the broker acknowledged nothing in {_START_SECONDS:.0f} s")
        time.sleep(_TICK_SECONDS)


def _inject_faults(
    context: FaultContext,
    scheduler: FaultScheduler,
    outages: Outages | None,
    settings: Settings,
    progress: ProgressLog,
    memory: Memory,
) -> None:
    """Have the faults injected at their times, and log the progress now and then."""
    began = last_line = time.monotonic()
    while (now := time.monotonic()) - began < settings.seconds or not scheduler.is_finished:
        scheduler.advance(now - began)
        context.gateways.check()
        context.cameras.check()
        if outages is not None:
            outages.check()
        if now - last_line >= _BETWEEN_LINES:
            last_line = now
            caused = "" if outages is None else f"{outages.caused} outages, "
            progress.line(
                f"{context.gateways.acknowledged} messages acknowledged, "
                f"{context.cameras.fragments} fragments, {scheduler.injected.total()} faults, {caused}"
                f"{sum(memory.last.values()):.0f} MB"
            )
            progress.line(f"active: {', '.join(sorted(scheduler.active)) or 'no active faults'}")
        time.sleep(_TICK_SECONDS)


def _outages(context: FaultContext, settings: Settings) -> Outages | None:
    """The outages, in a factory that no fault acts on but those of the whole broker and the delivery engine."""
    if settings.outages is None:
        return None
    lake, folder = context.targets.lake, context.targets.folder / "outages"
    extent = Extent(OUTAGE_GATEWAYS, has_minutes=settings.has_minutes)
    return Outages(Targets(lake, [settings.outages], folder), extent, Pace(), context.drops)


def _sizes(context: FaultContext) -> str:
    factories, gateways = len(context.targets.factories), len(context.gateways.gateways)
    return f"{factories} factories, {gateways} gateways, {len(context.cameras.filming)} cameras"


def _discrepancies(messages: Messages) -> Iterator[str]:
    """The first discrepancies of messages, in words."""
    for one in messages.faulty[:_SHOWN]:
        position = "" if one.n is None else f" message {one.n} of its journal"
        position += "" if one.sample is None else f", sample {one.sample}"
        place = f" ({one.where})" if one.where else ""
        yield f"{one.kind}: {one.source}{position}: {one.detail}{place}"
    yield from messages.disagreements[:_SHOWN]


def _keep(targets: Targets, messages: Messages, video: Sequence[str]) -> None:
    """Keep all discrepancies, to look for their cause."""
    report = {**messages.report.to_json(), "disagreements": messages.disagreements}
    for name, content in (("reconciliation", report), ("video", list(video))):
        text = json.dumps(content, indent=2) + "\n"
        (targets.folder / f"{name}.json").write_text(text, encoding="utf-8")
