"""What is generated is up to date, and the package keeps its shape."""

import ast
from pathlib import Path

from linkage.config_reference import render_reference
from tests.builders import REPOSITORY

STAGES = {
    "sources",
    "standardise",
    "quality",
    "match",
    "resolve",
    "estimate",
    "register",
    "release",
    "review",
    "report",
    "fiction",
    "evaluate",
    "compare",
}


def test_the_configuration_reference_is_the_models() -> None:
    written = (REPOSITORY / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert written == render_reference(), "run: linkage config-reference > docs/configuration.md"


def imports_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        name
        for node in ast.walk(tree)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [a.name for a in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }


def test_a_stage_never_imports_another_stage_and_nothing_imports_airflow() -> None:
    for path in (REPOSITORY / "linkage").rglob("*.py"):
        own = path.relative_to(REPOSITORY / "linkage").parts[0]
        for name in imports_of(path):
            assert not name.startswith("airflow"), path
            other = name.removeprefix("linkage.").split(".")[0]
            if name.startswith("linkage.") and own in STAGES:
                assert other in (own, "kernel"), f"{path} imports {name}"
