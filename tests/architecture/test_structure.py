"""The house keeps its shape: layers, no cycles, nothing of the world in `protocols`, packages equal to the tree."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SOURCE = ROOT / "src"
MODULES = sorted(SOURCE.rglob("*.py"))


def module_name(path):
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(("meterwire", *(part for part in parts if part != "__init__")))


def imports(tree, *, top_only=False):
    """Names of all modules a module imports; with `top_only` those it imports when it is itself imported."""
    found = set()
    nodes = tree.body if top_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}


def test_layers_are_kept():
    """Protects the dependency rule of the design, as import-linter reads it."""
    lint = Path(sys.executable).with_name("lint-imports")
    if not lint.exists():
        pytest.skip("import-linter is not installed")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_import_cycle():
    """Protects reading and moving of modules one at a time: importing never goes in a circle."""
    names = {module_name(path): path for path in MODULES}
    graph = {name: {i for i in imports(TREES[path], top_only=True) if i in names} for name, path in names.items()}
    graph = {name: {i for i in used if not name.startswith(i + ".")} - {name} for name, used in graph.items()}
    done, open_ = set(), []

    def visit(name):
        if name in open_:
            cycle = " -> ".join([*open_[open_.index(name) :], name])
            raise AssertionError(cycle)
        if name not in done:
            open_.append(name)
            for other in sorted(graph[name]):
                visit(other)
            open_.pop()
            done.add(name)

    for name in sorted(graph):
        visit(name)


FORBIDDEN = {
    "socket",
    "asyncio",
    "serial",
    "serial_asyncio",
    "threading",
    "select",
    "time",
    "random",
    "secrets",
    "os.urandom",
}
CLOCKS = {"now", "today", "utcnow", "monotonic", "perf_counter", "urandom"}


@pytest.mark.parametrize("folder", ["protocols", "meter_model", "quantities"])
def test_no_clock_socket_or_chance(folder):
    """Protects replay: time, randomness and lines are arguments of the protocols and of the meter."""
    for path, tree in TREES.items():
        if path.is_relative_to(SOURCE / folder):
            used = imports(tree)
            allowed = {"random"} if folder == "meter_model" else set()
            assert not used & (FORBIDDEN - allowed), path
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS:
                    owner = ast.unparse(node.func.value)
                    assert owner.split(".")[-1] not in {"datetime", "date", "time", "os"}, f"{path}:{node.lineno}"
                if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("random."):
                    assert ast.unparse(node.func) == "random.Random", f"{path}:{node.lineno}"
                    assert node.args, f"{path}:{node.lineno}: a generator without a seed"


def test_construct_is_imported_in_one_place():
    """Protects the rule that declarations are independent of construct, which is one of their readers."""
    users = [
        module_name(path) for path, tree in TREES.items() if any(i.split(".")[0] == "construct" for i in imports(tree))
    ]
    assert users == ["meterwire.protocols.wire.reference"]


def test_a_dialect_never_imports_another():
    """Protects the independence of the dialects also where import-linter would allow an indirect way."""
    dialects = {"dlt645", "dlt69845", "dlms", "gdw376_2"}
    for path, tree in TREES.items():
        parts = path.relative_to(SOURCE).parts
        if parts[0] == "protocols" and parts[1] in dialects:
            for name in imports(tree):
                bits = name.split(".")
                assert not (bits[:2] == ["meterwire", "protocols"] and set(bits[2:3]) & (dialects - {parts[1]})), path


def test_package_list_equals_the_tree():
    """Protects wheel and sdist: every folder with modules is a package, and every package is installed."""
    from setuptools import find_packages

    found = {"meterwire", *(f"meterwire.{name}" for name in find_packages(str(SOURCE)))}
    tree = {module_name(path.parent / "__init__.py") for path in MODULES}
    assert found == tree
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
    known = {".py", ".c", ".h", ".so", ".pyc", ".pyd"}
    for path in SOURCE.rglob("*"):
        if path.is_file() and path.suffix not in known and "egg-info" not in str(path):
            assert any(path.match(pattern) for pattern in patterns), f"{path} is not installed"


def test_importing_the_package_is_cheap():
    """Protects the start of the command line: help must not import what only work needs."""
    heavy = ["asyncio", "numpy", "construct", "cryptography", "serial", "hypothesis", "rich"]
    code = "import sys, meterwire, meterwire.errors, meterwire.quantities; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & set(heavy)
