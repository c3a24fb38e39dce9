"""Packages have the same bytes wherever they are built, and change only when their content does."""

from __future__ import annotations

import ast
import io
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from scripts import package

NAMES = [folder.name for folder in package.functions()]


def make_function(sources: Path) -> Path:
    """Make the sources of a small function, with what tools leave beside them."""
    folder = sources / "press"
    (folder / "deep").mkdir(parents=True)
    (folder / "__pycache__").mkdir()
    (folder / "handler.py").write_text("def handler(event, context):\n    return event\n")
    (folder / "__init__.py").write_text("")
    (folder / "deep" / "data.json").write_text("{}")
    (folder / "__pycache__" / "handler.cpython-313.pyc").write_bytes(b"\0")
    (folder / "__pycache__" / "lock").write_text("")
    (folder / "stray.pyc").write_bytes(b"\0")
    (folder / ".handler.py.swp").write_text("x")
    (sources / "lambda_common").mkdir()
    (sources / "lambda_common" / "__init__.py").write_text("shared = True\n")
    (sources / "notes").mkdir()
    (sources / "notes" / "readme.txt").write_text("not a function")
    return folder


def test_the_lakes_functions_are_found() -> None:
    assert "transform" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_package_holds_the_sources_and_nothing_else(name: str) -> None:
    function = package.SOURCES / name
    files = package.content(function)
    assert f"{name}/handler.py" in files
    assert {Path(file).suffix for file in files} <= {".py", ".json"}
    assert {Path(file).parts[0] for file in files} == {name, package.SHARED}
    for file, data in files.items():
        assert data == (package.SOURCES / file).read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_the_handler_imports_every_module_of_its_package(name: str) -> None:
    """So no test, no tool and no dead module goes to AWS; imports inside functions count."""
    files = package.content(package.SOURCES / name)
    modules = {
        ".".join(Path(file).with_suffix("").parts).removesuffix(".__init__"): data
        for file, data in files.items()
        if file.endswith(".py")
    }
    reached: set[str] = set()
    waiting = {f"{name}.handler"}
    while waiting:
        module = waiting.pop()
        reached.add(module)
        parent = module.rpartition(".")[0]
        waiting |= (imports(modules[module], module) | {parent}) & modules.keys() - reached
    assert reached == set(modules)


def imports(source: bytes, module: str) -> set[str]:
    """What a module of a package imports, by full name, names that are no modules included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package_name = module.rpartition(".")[0] if node.level else ""
            base = ".".join(filter(None, (package_name, node.module or "")))
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return found


def test_the_archiver_runs_from_its_zip_alone(tmp_path: Path) -> None:
    """Nothing of the repository is on the path; of the transform, test_contract says the same."""
    built = package.build(package.SOURCES / "clip_fetch", tmp_path)
    zipfile.ZipFile(built.path).extractall(tmp_path / "unpacked")
    script = "import clip_fetch.handler, lambda_common; print(clip_fetch.handler.__file__, lambda_common.__file__)"
    environment = {"PATH": os.defpath, "PYTHONPATH": str(tmp_path / "unpacked")}
    done = subprocess.check_output([sys.executable, "-c", script], env=environment, cwd=tmp_path, text=True)
    assert all(path.startswith(str(tmp_path / "unpacked")) for path in done.split())


def test_the_transform_takes_the_schema_files_along() -> None:
    files = package.content(package.SOURCES / "transform")
    for schema in (package.ROOT / "glue_schemas").glob("*.json"):
        assert files[f"transform/schemas/{schema.name}"] == schema.read_bytes()


def test_what_tools_leave_behind_stays_out(tmp_path: Path) -> None:
    files = package.content(make_function(tmp_path))
    assert list(files) == [
        "lambda_common/__init__.py",
        "press/__init__.py",
        "press/deep/data.json",
        "press/handler.py",
    ]


def test_entries_do_not_depend_on_the_machine(tmp_path: Path) -> None:
    function = make_function(tmp_path)
    before = package.build(function, tmp_path / "first").path.read_bytes()
    for path in function.rglob("*"):
        path.chmod(0o700)
        os.utime(path, (time.time() - 1e6, time.time() - 1e6))
    umask = os.umask(0o077)
    try:
        built = package.build(function, tmp_path / "second")
    finally:
        os.umask(umask)
    assert built.path.read_bytes() == before
    assert built.path.stat().st_mode & 0o777 == 0o644
    for entry in zipfile.ZipFile(io.BytesIO(before)).infolist():
        assert entry.date_time == (1980, 1, 1, 0, 0, 0)
        assert entry.external_attr >> 16 == 0o100644
        assert entry.create_system == 3
        assert entry.compress_type == zipfile.ZIP_STORED


def test_an_unchanged_package_is_not_written_again(tmp_path: Path) -> None:
    function = make_function(tmp_path)
    first = package.build(function, tmp_path / "packages")
    stamp = first.path.stat().st_mtime_ns
    again = package.build(function, tmp_path / "packages")
    assert (first.written, again.written) == (True, False)
    assert again.path.stat().st_mtime_ns == stamp
    (function / "handler.py").write_text("changed = True\n")
    changed = package.build(function, tmp_path / "packages")
    assert changed.written
    assert changed.sha256 != first.sha256
    assert [path.name for path in changed.path.parent.iterdir()] == ["press.zip"]


def test_the_command_names_path_size_and_digest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_function(tmp_path)
    packages = tmp_path / "packages"
    assert package.main(tmp_path, packages) == 0
    built = package.build(tmp_path / "press", packages)
    line = f"{built.path}  {built.size} bytes  sha256 {built.sha256}"
    assert capsys.readouterr().out == f"{line}  written\n"
    assert package.main(tmp_path, packages) == 0
    assert capsys.readouterr().out == f"{line}  unchanged\n"


def test_no_function_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert package.main(tmp_path) == 1
    assert str(tmp_path) in capsys.readouterr().err
