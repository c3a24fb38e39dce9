"""The hashes that stay in the lock files: those of files that an environment of the project may install."""

import pytest

from scripts.lock import fits, installable, reduced

_PYTHONS = ("3.11", "3.13")


@pytest.mark.parametrize(
    ("wheel", "taken"),
    [
        ("typer-1.0-py3-none-any.whl", True),
        ("six-1.0-py2.py3-none-any.whl", True),
        ("old-1.0-py2-none-any.whl", False),
        ("numpy-2.4-cp313-cp313-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl", True),
        ("numpy-2.4-cp312-cp312-manylinux_2_28_aarch64.whl", False),
        ("numpy-2.4-cp313-cp313t-manylinux_2_28_x86_64.whl", False),
        ("numpy-2.4-cp313-cp313-musllinux_1_2_x86_64.whl", False),
        ("numpy-2.4-cp311-cp311-macosx_14_0_arm64.whl", True),
        ("numpy-2.4-cp311-cp311-win_amd64.whl", False),
        ("cryptography-50.0-cp38-abi3-manylinux2014_x86_64.whl", True),
        ("ruff-0.9-py3-none-macosx_10_12_universal2.whl", True),
        ("tool-1.0-2-py3-none-linux_ppc64le.whl", False),
    ],
)
def test_a_wheel_is_taken_by_its_tags(wheel: str, *, taken: bool) -> None:
    assert fits(wheel, _PYTHONS) is taken


def test_only_hashes_of_what_can_be_installed_stay() -> None:
    lock = """
        [[packages]]
        name = "thing"
        sdist = { url = "https://files.example/thing-1.tar.gz", hashes = { sha256 = "SOURCE" } }
        wheels = [
          { url = "https://files.example/thing-1-cp311-cp311-macosx_11_0_arm64.whl", hashes = { sha256 = "MAC" } },
          { name = "thing-1-cp311-cp311-win32.whl", url = "https://files.example/1", hashes = { sha256 = "WINDOWS" } },
        ]
        [[packages]]
        name = "pure"
        wheels = [{ url = "https://files.example/pure-2-py3-none-any.whl", hashes = { sha256 = "PURE" } }]
    """
    digests = {name: f"{number:064x}" for number, name in enumerate(("SOURCE", "MAC", "WINDOWS", "PURE"))}
    for name, digest in digests.items():
        lock = lock.replace(name, digest)
    kept = installable(lock, _PYTHONS)
    assert kept == {f"sha256:{digests[name]}" for name in ("SOURCE", "MAC", "PURE")}

    def line(*names: str) -> str:
        return "".join(f" \\\n    --hash=sha256:{digests[name]}" for name in names)

    before = f"thing==1{line('WINDOWS', 'SOURCE', 'MAC', 'WINDOWS')}\npure==2{line('PURE')}\n"
    assert reduced(before, kept) == f"thing==1{line('SOURCE', 'MAC')}\npure==2{line('PURE')}\n"
