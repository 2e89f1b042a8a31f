"""Prints the files over 400 lines, and the functions over 50 lines or of complexity over 10, for whoever changes them.

Size is a smell, not a gate: this never fails.
"""

import ast
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src"
BRANCHES = (ast.If, ast.For, ast.While, ast.ExceptHandler, ast.BoolOp, ast.IfExp, ast.comprehension, ast.match_case)


def complexity(function):
    """One more than the number of places where the function branches."""
    return 1 + sum(isinstance(node, BRANCHES) for node in ast.walk(function))


def main():
    """Print the report."""
    files = {path: path.read_text(encoding="utf-8") for path in sorted(SOURCE.rglob("*.py"))}
    lengths = sorted(len(text.splitlines()) for text in files.values())
    functions = []
    for path, text in files.items():
        lines = len(text.splitlines())
        if lines > 400:
            print(f"{path.relative_to(SOURCE)}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length, branches = node.end_lineno - node.lineno + 1, complexity(node)
                functions.append(length)
                if length > 50 or branches > 10:
                    where = f"{path.relative_to(SOURCE)}:{node.lineno}"
                    print(f"{where} {node.name}: {length} lines, complexity {branches}")
    functions.sort()
    print(
        f"{len(files)} files, median {lengths[len(lengths) // 2]} lines; "
        f"{len(functions)} functions, median {functions[len(functions) // 2]} lines"
    )


if __name__ == "__main__":
    main()
