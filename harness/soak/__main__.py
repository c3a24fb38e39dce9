"""`make soak`: a lake of its own on the local cloud, soaked and reconciled."""

import argparse
import math
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from factory_lake.gateway.errors import GatewayError
from harness.camera.archiver import ArchiveError
from harness.lake import LocalLake, TerraformError
from harness.lake.local import build_packages, default_factories
from harness.lake.targets import Targets
from harness.soak.run import Settings, soak
from localcloud import StartError
from localcloud.cloud import FlushError
from localcloud.testing.producer import PutMediaError

# As soon as AWS lets dynamic partitioning write an object, so that objects are under way all the time.
_DELIVERY = {"delivery": {"buffer_seconds": 60, "transform_buffer": {"mb": 0.5, "seconds": 5}}}


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak.

    Returns:
        0 when nothing was lost and nothing repeated without an explanation, 1 when something was or the soak
        failed, 130 after Ctrl-C.
    """
    given = _parser().parse_args(arguments)
    # A polite end (a CI job that is cancelled, say) unwinds like Ctrl-C, so that no server stays behind.
    signal.signal(signal.SIGTERM, _interrupt)
    folder = given.workdir.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    settings = Settings(given.minutes * 60, given.seed, given.rate)
    try:
        return _run(folder, settings)
    except (StartError, TerraformError, GatewayError, PutMediaError, FlushError, ArchiveError) as error:
        print(f"\nFAILED  seed {given.seed}: {error}\n  logs and journals: {folder}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130


def _run(folder: Path, settings: Settings) -> int:
    build_packages()
    print("Start the local cloud and apply environments/local", flush=True)
    with LocalLake.start(folder / "lake") as lake:
        factories = _factories()
        lake.apply(factories)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness.soak", description=__doc__)
    parser.add_argument("--minutes", type=_positive, default=10.0, metavar="N", help="(default: 10)")
    parser.add_argument(
        "--seed", type=int, default=1, help="another seed is another run of faults (default: 1)"
    )
    parser.add_argument(
        "--rate", type=_positive, default=10.0, help="samples a second of each gateway (default: 10)"
    )
    parser.add_argument("--workdir", type=Path, default=Path("build/soak"), help="emptied first")
    return parser


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"must be above 0, got {text}")
    return number


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
