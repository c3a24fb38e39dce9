"""`make soak`: ``python -m harness.soak --help``."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from factory_lake.options import number, whole
from harness.camera.archiver import ArchiveError
from harness.commands import empty_folder, run_app
from harness.lake import LocalLake
from harness.lake.local import build_packages, default_factories
from harness.lake.targets import Targets
from harness.outages.run import FACTORY, factory
from harness.soak.run import OUTAGE_GATEWAYS, Settings, soak

# As soon as AWS lets dynamic partitioning write an object, so that objects are under way all the time.
_DELIVERY = {"delivery": {"buffer_seconds": 60, "transform_buffer": {"mb": 0.5, "seconds": 5}}}


def command(
    *,
    minutes: Annotated[
        float, typer.Option("--minutes", parser=number(above=True), metavar="N", help="How long faults are injected.")
    ] = 10,
    seed: Annotated[
        int, typer.Option("--seed", parser=whole(), metavar="N", help="Another seed is another run of faults.")
    ] = 1,
    rate: Annotated[
        float, typer.Option("--rate", parser=number(above=True), metavar="N", help="Samples a second of each gateway.")
    ] = 10,
    workdir: Annotated[
        Path, typer.Option("--workdir", metavar="DIR", help="Emptied first; the results stay in it.")
    ] = Path("build/soak"),
) -> int:
    """Have gateways and cameras at work while faults are injected, then reconcile every message and frame."""
    folder = empty_folder(workdir)
    settings = Settings(minutes * 60, seed, rate, outages=FACTORY)
    build_packages()
    try:
        return _run(folder, settings)
    except Exception:
        print(f"\nFAILED  seed {settings.seed}; logs and journals: {folder}", file=sys.stderr)
        raise


def _run(folder: Path, settings: Settings) -> int:
    print("Start the local cloud and apply environments/local", flush=True)
    with LocalLake.start(folder / "lake") as lake:
        factories = _factories()
        lake.apply({**factories, FACTORY: factory(OUTAGE_GATEWAYS, has_minutes=settings.has_minutes)})
        targets = Targets(lake, sorted(factories), folder)
        summary = soak(targets, settings, lambda line: print(line, flush=True))
    summary.write(folder / "summary.json")
    print((folder / "summary.json").read_text(), end="")
    if not summary.failures:
        return 0
    print(
        f"\nFAILED  seed {settings.seed}: {', '.join(summary.failures)}\n"
        f"  every discrepancy: {folder}/reconciliation.json, {folder}/video.json\n"
        f"  journals and logs: {folder}",
        file=sys.stderr,
    )
    return 1


def _factories() -> dict[str, Any]:
    """Environment `local`'s factories, delivering as often as AWS allows."""
    return {
        name: {**factory, "lanes": {"measurements": _DELIVERY, "configuration": _DELIVERY}}
        for name, factory in default_factories().items()
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak."""
    return run_app(command, "harness.soak", arguments, ArchiveError)


if __name__ == "__main__":
    sys.exit(main())
