"""Trino's own answers over files of this machine, of any release whose libraries Maven has.

It needs Maven and a JDK that the release runs on (25 for 483), by `JAVA_HOME`; the libraries are about 500 MB.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def ask_trino_of_files(asked: Sequence[str], folder: Path, release: str, build: Path) -> list[dict[str, Any]]:
    """Trino's answers to statements: ``{rows}`` or ``{error}``; ``local:///`` in them is the folder."""
    build = build / release
    build.mkdir(parents=True, exist_ok=True)
    libraries = build / "lib"
    if not libraries.exists():
        fetch = ["mvn", "-q", "-B", "-f", str(HERE / "files.xml"), f"-Dtrino={release}"]
        subprocess.run([*fetch, "dependency:copy-dependencies", f"-DoutputDirectory={libraries}"], check=True)
    binaries = Path(os.environ["JAVA_HOME"]) / "bin" if "JAVA_HOME" in os.environ else Path()
    compiler, java = str(binaries / "javac"), str(binaries / "java")
    subprocess.run([compiler, "-cp", f"{libraries}/*", "-d", str(build), str(HERE / "Files.java")], check=True)
    opened = [part for name in ("nio", "lang") for part in ("--add-opens", f"java.base/java.{name}=ALL-UNNAMED")]
    ran = subprocess.run(
        [java, "--add-modules", "jdk.incubator.vector", *opened, "-cp", f"{libraries}/*:{build}", "Files"]
        + [f"{name}={value}" for name, value in _properties(folder).items()],
        input=json.dumps(list(asked)),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    answers: list[dict[str, Any]] = json.loads(ran.stdout)
    return answers


def _properties(folder: Path) -> Mapping[str, str]:
    return {
        "hive.metastore": "file",
        "hive.metastore.catalog.dir": "local:///metastore",
        "hive.partition-projection-enabled": "true",
        # As Athena, which passes over partitions without a folder.
        "hive.ignore-absent-partitions": "true",
        # Those are asked of the metastore, which has no projected partition.
        "hive.table-statistics-enabled": "false",
        "fs.native-local.enabled": "true",
        "local.location": str(folder),
    }
