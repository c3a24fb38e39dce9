"""What modules bring along so that each can be used alone: copies of files that have one place in the repository.

`make docs` writes them, `make lint` refuses one that differs.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Copies(NamedTuple):
    """Files of one folder that other folders hold as well.

    Attributes:
        source: The folder that they are edited in.
        files: Which of its files, as a pattern.
        targets: The folders that hold nothing but copies of them.
    """

    source: str
    files: str
    targets: tuple[str, ...]


COPIES = (
    Copies("glue_schemas", "*.json", ("modules/glue_catalog/schemas",)),
    Copies("glue_schemas", "*s.json", ("modules/factory_pipeline/schemas",)),
    Copies(
        "modules/monitoring",
        "*.tf",
        tuple(f"modules/{module}/monitoring" for module in ("factory_pipeline", "lake", "video_archiver")),
    ),
)


def copied(repository: Path) -> Iterator[tuple[Path, str | None]]:
    """Every copy with its text as it should be, and what must not be in their folders with none."""
    for source, files, targets in COPIES:
        texts = {
            file.name: f"{_origin(source, file)}{file.read_text(encoding='utf-8')}"
            for file in sorted((repository / source).glob(files))
        }
        for target in targets:
            folder = repository / target
            yield from ((folder / name, text) for name, text in texts.items())
            yield from ((file, None) for file in sorted(folder.glob("*")) if file.is_file() and file.name not in texts)


def write(repository: Path) -> None:
    """Make all copies anew."""
    for file, text in copied(repository):
        put(file, text)


def put(file: Path, text: str | None) -> None:
    """Give a file this text, or remove it when it shall have none."""
    if text is None:
        file.unlink()
        return
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _origin(source: str, file: Path) -> str:
    # JSON has no comments.
    return "" if file.suffix == ".json" else f"# A copy, kept by `make docs`: change {source}/{file.name}.\n"
