"""The folder layout is the architecture: who may import whom, enforced."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "dagtui"
STDLIB = sys.stdlib_module_names
IMPURE = {"asyncio", "time", "random", "secrets", "os", "socket", "logging", "subprocess", "threading", "io"}

# Of these packages each module is a layer of its own.
FINE = {"commands", "elsewhere", "past"}

# layer -> (dagtui packages it may import, outside packages it may import, stdlib it may never import)
INSIDE: dict[str, set[str]] = {
    "core": {"core"},
    "engine": {"core", "engine"},
    "io": {"core", "io"},
    "simulator": {"core", "simulator"},
    "process": set(),
    "session": {"core", "engine", "io"},
    "audit": {"core", "io"},
    "past.runs": {"core", "io"},
    "past.exporting": {"core", "io"},
    "past.archive": {"core", "io"},
    "past.resuming": {"core", "engine", "io"},
    "past.asked_again": {"chosen", "core", "engine", "io", "past.runs"},
    "past.inspecting": {"past.asked_again", "core", "io"},
    "past.extracts": {"core", "io", "past.exporting", "past.inspecting"},
    "watched": {"core"},
    "turning": {"core", "watched"},
    "stories": {"core"},
    "storyteller": {"core", "stories", "turning", "watched"},
    "past.fold": {"core"},
    "past.replay": {
        "core",
        "io",
        "past.fold",
        "past.inspecting",
        "past.runs",
        "past.exporting",
        "watched",
    },
    "past.recap": {"core", "io", "past.exporting", "past.fold", "past.runs"},
    "past.report_file": {"core", "past.recap"},
    "past.comparing": {"core", "io", "past.recap"},
    "elsewhere.control": {"core", "watched"},
    "elsewhere.attached": {
        "core",
        "io",
        "elsewhere.control",
        "past.fold",
        "past.inspecting",
        "past.runs",
        "past.exporting",
        "watched",
    },
    "elsewhere.detached": {"core", "io", "elsewhere.control", "past.runs", "session"},
    "chosen": {"core", "io", "simulator"},
    "given": {"core", "io", "simulator", "stories"},
    "memory": {"chosen", "core", "io"},
    "gateways": {"chosen", "core", "io"},
    "revised": {"core", "past.resuming"},
    "editing": {"chosen", "core", "given", "io", "previewing", "past.runs", "watched"},
    "previewing": {"core", "gateways", "session"},
    "opening": {
        *("core", "io", "chosen", "gateways", "given", "memory", "session", "audit", "elsewhere.control"),
        *("past.resuming", "revised", "past.runs", "past.extracts", "past.archive", "past.inspecting", "dagtui"),
    },
    "plan": {
        "chosen",
        "core",
        "editing",
        "estimate",
        "io",
        "opening",
        "session",
        "past.resuming",
        "past.runs",
        "watched",
    },
    "stopping": {"core", "watched"},
    "outlet": {"core", "session"},
    "narrator": {"core", "plan", "watched"},
    "headless": {
        *("core", "session", "plan", "past.resuming", "stopping", "watched", "dagtui"),
        *("narrator", "outlet", "stories", "storyteller"),
    },
    "check": {"core", "plan"},
    "sizing": {"core", "engine"},
    "estimate": {"chosen", "core", "io", "memory", "simulator", "sizing"},
    "tui": {
        *(
            "core",
            "session",
            "plan",
            "past.resuming",
            "past.runs",
            "past.replay",
            "elsewhere.attached",
            "watched",
            "tui",
            "dagtui",
        ),
        *("editing", "previewing", "past.recap", "past.report_file", "past.comparing", "taste"),
        *("turning", "stories", "storyteller"),
    },
    "testing": {"core"},
    "commands.options": {"core", "io", "plan"},
    "taste": {"core", "io", "tui"},
    "commands.shell": {
        *("core", "plan", "taste", "headless", "tui", "process", "past.resuming", "past.runs", "dagtui"),
        *("past.replay", "elsewhere.attached", "elsewhere.detached"),
    },
    "commands.runs": {
        "core",
        "elsewhere.attached",
        "commands.options",
        "plan",
        "past.resuming",
        "past.runs",
        "past.exporting",
        "commands.shell",
        "commands.reports",
    },
    "commands.reports": {
        "core",
        "past.recap",
        "past.report_file",
        "past.comparing",
        "past.runs",
        "commands.shell",
    },
    "cli": {
        *(
            "core",
            "commands.options",
            "plan",
            "check",
            "estimate",
            "simulator",
            "stories",
            "commands.shell",
            "commands.runs",
            "commands.screen",
            "dagtui",
        ),
    },
    "commands.screen": {"core", "io", "commands.options", "serving", "commands.shell", "tui"},
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
    "past.runs": {"platformdirs"},
    "past.exporting": set(),
    "past.archive": set(),
    "stopping": set(),
    "past.resuming": set(),
    "past.asked_again": set(),
    "past.inspecting": set(),
    "past.extracts": set(),
    "watched": set(),
    "turning": set(),
    "stories": set(),
    "storyteller": set(),
    "past.fold": set(),
    "past.replay": set(),
    "past.recap": set(),
    "past.report_file": set(),
    "past.comparing": set(),
    "elsewhere.control": set(),
    "elsewhere.attached": set(),
    "elsewhere.detached": set(),
    "plan": {"platformdirs"},
    "outlet": {"pydantic"},
    "narrator": {"rich"},
    "headless": {"rich"},
    "check": set(),
    "sizing": set(),
    "estimate": set(),
    "tui": {"textual", "rich"},
    "testing": set(),
    "commands.options": {"click"},
    "commands.shell": {"click"},
    "commands.runs": {"click"},
    "commands.reports": {"click"},
    "cli": {"click"},
    "commands.screen": {"click"},
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
    "platformdirs": {"io/config.py", "memory.py", "plan.py", "past/runs.py", "taste.py"},
}


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def layer_of(path: Path) -> str:
    return layer(path.relative_to(ROOT).with_suffix("").parts)


def layer(parts: Sequence[str]) -> str:
    """Of the module with these names below dagtui."""
    return ".".join(parts[:2] if parts[0] in FINE else parts[:1])


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
    own, place = layer_of(path), path.relative_to(ROOT).as_posix()
    if path.name == "__init__.py" and own.split(".")[0] in FINE:
        assert not imports(path), f"{place} is only a name for what is in it"
        return
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "dagtui":
            target = layer(parts[1:]) if len(parts) > 1 else "dagtui"
            assert target in INSIDE[own], f"{place} may not import {name}"
        elif parts[0] in STDLIB:
            assert parts[0] not in NEVER.get(own, set()), f"{place} may not import {name}"
        else:
            assert parts[0] in OUTSIDE[own], f"{place} may not import {name}"
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
