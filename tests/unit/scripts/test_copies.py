"""What modules bring along is what its one place says."""

from pathlib import Path

import pytest

from scripts import copies
from scripts.copies import Copies


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One with two files, of which a module holds copies."""
    monkeypatch.setattr(copies, "COPIES", (Copies("parts", "*", ("modules/press/parts",)),))
    (tmp_path / "modules" / "press").mkdir(parents=True)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "a.json").write_text("{}\n")
    (tmp_path / "parts" / "b.tf").write_text("locals {}\n")
    return tmp_path


def test_copies_are_made_and_say_where_they_are_changed(repository: Path) -> None:
    copies.write(repository)
    copied = repository / "modules" / "press" / "parts"
    assert (copied / "a.json").read_text() == "{}\n"
    assert (copied / "b.tf").read_text() == "# A copy, kept by `make docs`: change parts/b.tf.\nlocals {}\n"


def test_a_copy_of_what_is_gone_goes_too(repository: Path) -> None:
    copies.write(repository)
    (repository / "parts" / "b.tf").unlink()
    copies.write(repository)
    assert [file.name for file in (repository / "modules" / "press" / "parts").iterdir()] == ["a.json"]
