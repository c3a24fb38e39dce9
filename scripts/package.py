"""Build the Lambda packages: one zip for each folder of ``lambda_src`` that has a handler.

A zip holds the function's own package and ``lambda_common``, which the functions share.

The same sources give the same bytes on every machine: entries are sorted, stored uncompressed (compressors
differ between zlib builds), dated 1980 and readable by all, whatever the clock, the umask or the platform. So
a package changes when its code does, and Terraform redeploys a function only then. A package that has not
changed is not written, and one that has is replaced in one step, so that no reader sees half of it.

Run ``python -m scripts.package``; it prints the path, size and SHA-256 of each package.
"""

from __future__ import annotations

import hashlib
import io
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "lambda_src"
PACKAGES = ROOT / "build" / "packages"

#: The folder beside the functions that each of their zips holds as well, if it is there.
SHARED = "lambda_common"

# The earliest date that a zip can name.
_DATE = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_READABLE = 0o100644


@dataclass(frozen=True)
class Package:
    """A package as it lies in its folder.

    Attributes:
        path: The zip.
        size: Its bytes.
        sha256: Its digest, in hex.
        written: Whether its content is new.
    """

    path: Path
    size: int
    sha256: str
    written: bool


def functions(sources: Path = SOURCES) -> list[Path]:
    """Return the folders that have a handler, sorted by name."""
    return sorted(handler.parent for handler in sources.glob("*/handler.py"))


def content(function: Path) -> dict[str, bytes]:
    """Return what belongs into a function's package, by its path inside the zip.

    Everything below the function's folder and the shared one does, but for what Python or an editor leaves
    there. Links are followed, which is how the transform takes the schema files along.
    """
    sources = function.parent
    folders = [folder for folder in (function, sources / SHARED) if folder.is_dir()]
    files = sorted(file for folder in folders for file in _files(folder))
    return {file.relative_to(sources).as_posix(): file.read_bytes() for file in files}


def pack(files: dict[str, bytes]) -> bytes:
    """Make a zip whose bytes depend on nothing but the files' names and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system = _UNIX
            entry.external_attr = _READABLE << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def build(function: Path, packages: Path = PACKAGES) -> Package:
    """Build one package."""
    data = pack(content(function))
    path = packages / f"{function.name}.zip"
    written = not path.is_file() or path.read_bytes() != data
    if written:
        packages.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=packages, delete=False) as file:
            file.write(data)
        Path(file.name).chmod(0o644)
        Path(file.name).replace(path)
    return Package(path, len(data), hashlib.sha256(data).hexdigest(), written)


def main(sources: Path = SOURCES, packages: Path = PACKAGES) -> int:
    """Build every package and say what came of it; return the exit status."""
    found = functions(sources)
    if not found:
        print(f"package: no folder in {sources} has a handler.py", file=sys.stderr)
        return 1
    for function in found:
        package = build(function, packages)
        state = "written" if package.written else "unchanged"
        print(f"{package.path}  {package.size} bytes  sha256 {package.sha256}  {state}")
    return 0


def _files(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.name.startswith(".") or entry.name == "__pycache__" or entry.suffix == ".pyc":
            continue
        if entry.is_dir():
            yield from _files(entry)
        else:
            yield entry


if __name__ == "__main__":
    sys.exit(main())
