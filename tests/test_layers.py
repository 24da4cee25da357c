"""The folder layout is the architecture: who may import whom, enforced."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "dagtui"
STDLIB = sys.stdlib_module_names
IMPURE = {"asyncio", "time", "random", "secrets", "os", "socket", "logging", "subprocess", "threading", "io"}

# layer -> (dagtui packages it may import, outside packages it may import, stdlib it may never import)
INSIDE: dict[str, set[str]] = {
    "core": {"core"},
    "engine": {"core", "engine"},
    "io": {"core", "io"},
    "simulator": {"core", "simulator"},
    "process": set(),
    "session": {"core", "engine", "io"},
    "audit": {"core", "io"},
    "runs": {"core", "io"},
    "exporting": {"core", "io"},
    "archive": {"core", "io"},
    "resuming": {"core", "engine", "io"},
    "asked_again": {"chosen", "core", "engine", "io", "runs"},
    "inspecting": {"asked_again", "core", "io"},
    "watched": {"core", "session"},
    "turning": {"core", "watched"},
    "stories": {"core"},
    "storyteller": {"core", "stories", "turning", "watched"},
    "fold": {"core", "session"},
    "replay": {"core", "io", "fold", "inspecting", "runs", "exporting", "session", "watched"},
    "recap": {"core", "io", "exporting", "fold", "runs", "session"},
    "report_file": {"core", "recap", "session"},
    "comparing": {"core", "io", "recap"},
    "control": {"core", "watched"},
    "attached": {"core", "io", "control", "fold", "inspecting", "runs", "exporting", "session", "watched"},
    "detached": {"core", "io", "control", "runs", "session"},
    "chosen": {"core", "io", "simulator"},
    "given": {"core", "io", "simulator", "stories"},
    "memory": {"chosen", "core", "io"},
    "gateways": {"chosen", "core", "io"},
    "revised": {"core", "resuming"},
    "editing": {"chosen", "core", "given", "io", "previewing", "runs", "watched"},
    "previewing": {"core", "gateways", "session"},
    "opening": {
        *("core", "io", "chosen", "gateways", "given", "memory", "session", "audit", "control"),
        *("resuming", "revised", "runs", "exporting", "archive", "inspecting", "dagtui"),
    },
    "plan": {"chosen", "core", "editing", "estimate", "io", "opening", "session", "resuming", "runs", "watched"},
    "stopping": {"core", "watched"},
    "headless": {
        *("core", "session", "plan", "resuming", "stopping", "watched", "dagtui"),
        *("stories", "storyteller"),
    },
    "check": {"core", "plan"},
    "sizing": {"core", "engine"},
    "estimate": {"chosen", "core", "io", "memory", "simulator", "sizing"},
    "tui": {
        *("core", "session", "plan", "resuming", "runs", "replay", "attached", "watched", "tui", "dagtui"),
        *("editing", "previewing", "recap", "report_file", "comparing", "taste"),
        *("turning", "stories", "storyteller"),
    },
    "testing": {"core"},
    "options": {"core", "io", "plan"},
    "taste": {"core", "io", "tui"},
    "shell": {
        *("core", "plan", "taste", "headless", "tui", "process", "resuming", "runs", "dagtui"),
        *("replay", "attached", "detached"),
    },
    "cli_runs": {"core", "attached", "options", "plan", "resuming", "runs", "exporting", "shell", "cli_reports"},
    "cli_reports": {"core", "recap", "report_file", "comparing", "runs", "shell"},
    "cli": {
        *(
            "core",
            "options",
            "plan",
            "check",
            "estimate",
            "simulator",
            "stories",
            "shell",
            "cli_runs",
            "cli_screen",
            "dagtui",
        ),
    },
    "cli_screen": {"core", "io", "options", "serving", "shell", "tui"},
    "serving": {"core"},
    "__main__": {"cli"},
    "__init__": {"core", "io", "session", "plan"},
}
OUTSIDE: dict[str, set[str]] = {
    "core": {"pydantic", "genai_prices"},
    "engine": {"aiolimiter", "tenacity"},
    "io": {"httpx", "httptools", "aiohappyeyeballs", "pydantic", "platformdirs", "tomli_w"},
    "simulator": {"aiohttp", "pydantic"},
    "process": set(),
    "session": set(),
    "audit": set(),
    "chosen": set(),
    "editing": set(),
    "gateways": set(),
    "given": set(),
    "previewing": set(),
    "revised": set(),
    "memory": {"platformdirs"},
    "taste": {"platformdirs", "rich"},
    "opening": set(),
    "runs": {"platformdirs"},
    "exporting": set(),
    "archive": set(),
    "stopping": set(),
    "resuming": set(),
    "asked_again": set(),
    "inspecting": set(),
    "watched": set(),
    "turning": set(),
    "stories": set(),
    "storyteller": set(),
    "fold": set(),
    "replay": set(),
    "recap": set(),
    "report_file": set(),
    "comparing": set(),
    "control": set(),
    "attached": set(),
    "detached": set(),
    "plan": {"platformdirs"},
    "headless": {"rich", "pydantic"},
    "check": set(),
    "sizing": set(),
    "estimate": set(),
    "tui": {"textual", "rich"},
    "testing": set(),
    "options": {"click"},
    "shell": {"click"},
    "cli_runs": {"click"},
    "cli_reports": {"click"},
    "cli": {"click"},
    "cli_screen": {"click"},
    "serving": {"aiohttp"},
    "__main__": set(),
    "__init__": set(),
}
NEVER: dict[str, set[str]] = {
    "core": IMPURE,
    "engine": {"time", "socket", "ssl", "http", "urllib", "os", "pathlib", "sqlite3"},
    "session": {"argparse", "sys"},
    "tui": {"socket", "http", "urllib", "sqlite3"},
}
ONLY_IN: dict[str, set[str]] = {
    "aiolimiter": {"engine/limiter.py"},
    "tenacity": {"engine/caller.py"},
    "httpx": {"io/portkey.py", "io/transport.py", "io/connection.py", "io/connector.py"},
    "httptools": {"io/connection.py"},
    "aiohappyeyeballs": {"io/connector.py"},
    "tomli_w": {"io/toml.py"},
    "sqlite3": {f"io/journal/{name}.py" for name in ("schema", "writer", "reader", "rescue")},
    "genai_prices": {"core/pricing.py"},
    "platformdirs": {"io/config.py", "memory.py", "plan.py", "runs.py", "taste.py"},
}


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def layer_of(path: Path) -> str:
    inside = path.relative_to(ROOT)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def imports(path: Path) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found.append(node.module or "")
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_its_layer_may(path: Path) -> None:
    layer, place = layer_of(path), path.relative_to(ROOT).as_posix()
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "dagtui":
            target = parts[1] if len(parts) > 1 else "dagtui"
            assert target in INSIDE[layer], f"{place} may not import {name}"
        elif parts[0] in STDLIB:
            assert parts[0] not in NEVER.get(layer, set()), f"{place} may not import {name}"
        else:
            assert parts[0] in OUTSIDE[layer], f"{place} may not import {name}"
        if parts[0] in ONLY_IN:
            assert place in ONLY_IN[parts[0]], f"only {ONLY_IN[parts[0]]} may import {parts[0]}, not {place}"


def loaded_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.split()}


def test_a_run_without_a_screen_never_loads_textual() -> None:
    assert "textual" not in loaded_after("import dagtui.headless, dagtui.cli, dagtui.check")


def test_importing_the_library_costs_nothing_until_a_name_is_used() -> None:
    assert loaded_after("import dagtui").isdisjoint({"pydantic", "httpx", "aiohttp", "textual", "rich"})


def test_the_command_line_loads_no_engine_before_it_knows_the_command() -> None:
    assert loaded_after("import dagtui.cli").isdisjoint({"pydantic", "httpx", "aiohttp", "textual", "rich"})
