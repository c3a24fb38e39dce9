"""Pin what ``requirements/*.in`` asks for, with the hashes of what an environment of the project may install.

An index serves many files of a package that no environment here can take (other Pythons, other systems). Their
hashes would be nine tenths of the lock files, so only these stay: source archives, and wheels for the set's Pythons on
Linux (glibc) and macOS.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

#: Each set's Pythons, as scripts/setup.sh looks for them; the oldest is what versions are chosen for.
SETS = {
    "dev": ("3.11", "3.12", "3.13"),
    "checkov": ("3.11", "3.12", "3.13"),
    "py38": ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13"),
    "uv": ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13"),
}

_UV = ".tools/uv/bin/uv"
_PLATFORM = re.compile(r"any|manylinux.*_(x86_64|aarch64)|linux_(x86_64|aarch64)|macosx_.*_(arm64|x86_64|universal2)")
_HASH = re.compile(r" \\\n    --hash=(sha256:[0-9a-f]{64})")


def fits(wheel: str, pythons: tuple[str, ...]) -> bool:
    """Whether a wheel can be installed by one of the Pythons on a system that the project is developed on.

    Args:
        wheel: Its file name (Python packaging user guide, "Binary distribution format").
        pythons: Their versions, as ``3.13``.
    """
    tags, abi, platform = wheel.removesuffix(".whl").split("-")[-3:]
    own = {"cp" + version.replace(".", "") for version in pythons}
    stable = abi == "abi3" and any(tag.startswith("cp3") for tag in tags.split("."))
    compatible = stable or bool(own & set(tags.split("."))) or "py3" in tags.split(".")
    return compatible and not abi.endswith("t") and any(_PLATFORM.fullmatch(one) for one in platform.split("."))


def installable(lock: str, pythons: tuple[str, ...]) -> set[str]:
    """The hashes of a lock's files that the Pythons may install.

    Args:
        lock: A lock file (PyPA specifications, "pylock.toml").
        pythons: Their versions, as ``3.13``.
    """
    found = set()
    for package in tomllib.loads(lock)["packages"]:
        sources = [package["sdist"]] if "sdist" in package else []
        names = {
            id(wheel): wheel.get("name") or wheel["url"].rpartition("/")[2] for wheel in package.get("wheels", [])
        }
        wheels = [wheel for wheel in package.get("wheels", []) if fits(names[id(wheel)], pythons)]
        found |= {f"sha256:{file['hashes']['sha256']}" for file in sources + wheels}
    return found


def reduced(requirements: str, hashes: set[str]) -> str:
    """A requirements file with these of its hashes alone."""
    return _HASH.sub(lambda found: found[0] if found[1] in hashes else "", requirements)


def main(arguments: list[str]) -> int:
    """Write ``requirements/*.txt``; ``--upgrade`` takes newer versions."""
    for name, pythons in SETS.items():
        source, target = Path(f"requirements/{name}.in"), Path(f"requirements/{name}.txt")
        compiled = [_UV, "pip", "compile", "--quiet", "--python-version", pythons[0], str(source)]
        _run(
            *compiled, *arguments, "--generate-hashes", "--no-annotate", "--custom-compile-command", "make lock",
            "-o", str(target),
        )  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            lock = Path(folder, "pylock.toml")
            _run(*compiled, "--universal", "--constraint", str(target), "--format", "pylock.toml", "-o", str(lock))
            hashes = installable(lock.read_text(encoding="utf-8"), pythons)
        target.write_text(reduced(target.read_text(encoding="utf-8"), hashes), encoding="utf-8")
    return 0


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command[:3])}: {done.stderr.strip()}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
