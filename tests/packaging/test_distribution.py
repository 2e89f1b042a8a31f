"""What is installed is what is in the tree: sdist, wheel, and a package that runs from the wheel alone."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
KEPT = {".py", ".pyi", ".csv", ".toml"}


def run(*words, cwd, **environment):
    done = subprocess.run(
        words, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The files that git tracks, or would, alone in a folder: no stale build, no generated file."""
    folder = tmp_path_factory.mktemp("tree")
    listed = run("git", "ls-files", "-co", "--exclude-standard", cwd=ROOT).splitlines()
    for name in listed:
        if name.startswith(
            ("src/", "setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "CHANGELOG.md")
        ):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_file():
                target.write_bytes((ROOT / name).read_bytes())
    return folder


@pytest.fixture(scope="module")
def built(tree, tmp_path_factory):
    """The sdist, and the wheel made from that sdist."""
    out = tmp_path_factory.mktemp("dist")
    pytest.importorskip("build")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(tree), cwd=out)
    (sdist,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    return sdist, wheel


def package_files(tree):
    source = tree / "src"
    return {
        str(path.relative_to(source)) for path in source.rglob("*") if path.suffix in KEPT or path.name == "py.typed"
    }


def test_wheel_holds_the_whole_package(built, tree):
    """Protects users of the wheel: every module, table, profile and stub, the C extension, and nothing else."""
    names = set(zipfile.ZipFile(built[1]).namelist())
    inside = {name.removeprefix("meterwire/") for name in names if name.startswith("meterwire/")}
    assert package_files(tree) <= inside
    extra = {name for name in inside - package_files(tree) if not name.endswith(".so")}
    assert not extra
    assert any(name.startswith("meter_model/core/_core") and name.endswith(".so") for name in inside)
    assert not any(name.startswith(("tests/", "fuzz/", "src/")) for name in names)


def test_sdist_can_be_built_anywhere(built, tree):
    """Protects those who build from source: C sources, headers and data are in the sdist."""
    with tarfile.open(built[0]) as sdist:
        names = {name.split("/", 1)[-1] for name in sdist.getnames()}
    wanted = {
        str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file() and path.suffix in KEPT | {".c", ".h"}
    }
    assert {name for name in wanted if name.startswith("src/")} <= names
    assert {"LICENSE", "README.md", "pyproject.toml", "setup.py"} <= names


def test_the_wheel_runs_alone(built, tmp_path):
    """Protects the installed package from leaning on the checkout."""
    run(
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--target",
        str(tmp_path),
        str(built[1]),
        cwd=tmp_path,
    )
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "import meterwire; from meterwire.cli.main import run;"
        "assert meterwire.__file__.startswith(sys.argv[1]), meterwire.__file__;"
        "sys.exit(run(['demo']))"
    )
    shown = run(sys.executable, "-P", "-c", code, str(tmp_path), cwd=tmp_path)
    assert "read the same through 3 dialects" in shown


def test_versions_agree():
    """Protects the one number that two files have to write."""
    import tomllib

    import meterwire

    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == meterwire.__version__
