"""Finds a task by its name: a built-in one, a TOML file, or a Plugin class in a module or a Python file."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import isabstract
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from dagtui.core.dag import Dag
from dagtui.core.errors import ConfigError, nearest
from dagtui.core.plugin import Plugin
from dagtui.core.task import TaskPlugin
from dagtui.core.text import keyless, named
from dagtui.io.bundled import bundled
from dagtui.io.toml import read_toml


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """A built-in task, as a list shows it."""

    name: str
    description: str
    path: Path


def list_tasks() -> tuple[TaskInfo, ...]:
    """The built-in tasks, by name."""
    found = [(path, read_toml(path)) for path in sorted(bundled("sample_data").glob("*.toml"))]
    return tuple(TaskInfo(path.stem, str(values.get("description", "")), path) for path, values in found)


def load_task(name_or_path: str) -> Plugin:
    """The task called `name_or_path`.

    It is the name of a built-in task, the path of a `.toml` file, `module:NAME`, or `path/to/file.py:NAME`, where
    `:NAME` may be left out if the file holds one Plugin class.

    Raises:
        ConfigError: one sentence that names the file, line, key or class at fault.
    """
    if name_or_path.endswith(".toml"):
        path = Path(name_or_path)
        return TaskPlugin(read_toml(path), path.name)
    place, colon, name = name_or_path.rpartition(":")
    if name_or_path.endswith(".py"):
        return _from_file(Path(name_or_path), "")
    if colon and place.endswith(".py"):
        return _from_file(Path(place), name)
    if colon:
        return _from_module(place, name)
    return _built_in(name_or_path)


def task_values(name_or_path: str) -> tuple[dict[str, Any], str] | None:
    """The tables of a task that is data, and its file's name; None if it is code.

    Raises:
        ConfigError: there is no such task, or its file cannot be read.
    """
    if name_or_path.endswith(".toml"):
        path = Path(name_or_path)
        return read_toml(path), path.name
    if ":" in name_or_path or name_or_path.endswith(".py"):
        return None
    found = next((info.path for info in list_tasks() if info.name == name_or_path), None)
    return None if found is None else (read_toml(found), found.name)


def missing_fields(plugin: Plugin, columns: Sequence[str]) -> str | None:
    """A sentence naming the fields that the task reads and the input has not, or None."""
    missing = [name for name in plugin.reads if name not in columns and name.split(".")[0] not in columns]
    if not missing:
        return None
    told = " and ".join(f'"{named(name)}"{nearest(name, columns)}' for name in missing[:3])
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    has = ", ".join(map(named, columns[:12])) + (", …" if len(columns) > 12 else "")
    return (
        f"The task reads {told}{more}, but the input has only {has or 'no fields'}; "
        "mend the task, or choose another task or file."
    )


def _built_in(name: str) -> Plugin:
    known = list_tasks()
    for info in known:
        if info.name == name:
            return TaskPlugin(read_toml(info.path), info.path.name)
    names = [info.name for info in known]
    raise ConfigError(
        f'There is no task "{name}"{nearest(name, names)}; '
        f"choose {', '.join(names)}, or give a .toml file, file.py:NAME or module:NAME."
    )


def _from_module(module: str, name: str) -> Plugin:
    if not module or not all(part.isidentifier() for part in module.split(".")):
        raise ConfigError(f'"{module}:{name}" names no task; write module:NAME, file.py:NAME or a .toml file.')
    with _importable(Path.cwd()):
        loaded = _run(lambda: importlib.import_module(module), module)
    return _pick(loaded, name, module)


def _from_file(path: Path, name: str) -> Plugin:
    if not path.is_file():
        raise ConfigError(f"{path}: there is no such file{_neighbour(path)}.")
    spec = importlib.util.spec_from_file_location(f"dagtui_task_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path}: cannot be loaded as Python; check the name.")
    module = importlib.util.module_from_spec(spec)
    # pydantic resolves a class's annotations in the module that it finds under its name.
    sys.modules[module.__name__] = module
    loader = spec.loader
    with _importable(path.resolve().parent):
        _run(lambda: loader.exec_module(module), str(path))
    return _pick(module, name, str(path))


@contextmanager
def _importable(folder: Path) -> Generator[None]:
    """While it lasts, modules in `folder` can be imported."""
    entry = str(folder)
    sys.path.insert(0, entry)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        if entry in sys.path:
            sys.path.remove(entry)


def _run(load: Callable[[], ModuleType | None], where: str) -> ModuleType:
    """Run the user's module; whatever it raises becomes one sentence with its line."""
    try:
        return cast(ModuleType, load())
    except SyntaxError as error:
        place = f"{error.filename or where}:{error.lineno}" if error.lineno else where
        raise ConfigError(f"{place}: {error.msg}.") from None
    except ModuleNotFoundError as error:
        if error.name and (where == error.name or where.startswith(f"{error.name}.")):
            raise ConfigError(
                f'There is no module "{error.name}"; run dagtui where it lies, install it, or give file.py:NAME.'
            ) from None
        raise ConfigError(f'{where}: imports "{error.name}", which is not installed; install it.') from None
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{where}{_line(error, where)}: {_told(error)} while it was imported.") from None


def _pick(module: ModuleType, name: str, where: str) -> Plugin:
    found = {key: value for key, value in vars(module).items() if _is_task(value)}
    own = {key: value for key, value in found.items() if getattr(value, "__module__", "") == module.__name__}
    if name:
        if name in found:
            return _instance(found[name], where, name)
        if hasattr(module, name):
            raise ConfigError(f"{where}: {name} is not a Plugin; derive its class from dagtui.Plugin.")
        raise ConfigError(f'{where}: has no "{name}"{nearest(name, own)}; name a Plugin class in it.')
    classes = {key: value for key, value in own.items() if isinstance(value, type)}
    if len(classes) > 1:  # some may be the bases of others
        classes = {key: value for key, value in classes.items() if not isabstract(value)}
    if len(classes) == 1:
        [(only, value)] = classes.items()
        return _instance(value, where, only)
    if not classes:
        raise ConfigError(f"{where}: holds no Plugin class; derive one from dagtui.Plugin.")
    raise ConfigError(f"{where}: holds several Plugin classes ({', '.join(classes)}); add :NAME for one of them.")


def _is_task(value: object) -> bool:
    if isinstance(value, type):
        return issubclass(value, Plugin) and value not in (Plugin, TaskPlugin)
    return isinstance(value, Plugin)


def _instance(found: Any, where: str, name: str) -> Plugin:
    try:
        plugin: Plugin = found() if isinstance(found, type) else found
        Dag(plugin.dimensions)
    except ConfigError as error:
        raise ConfigError(f"{where}: {name}: {error}") from None
    except Exception as error:
        raise ConfigError(f"{where}{_line(error, where)}: {name}() cannot be made: {_told(error)}.") from None
    if not plugin.name:
        vars(plugin)["name"] = name
    return plugin


def _told(error: BaseException) -> str:
    message = keyless(" ".join(str(error).split())[:200])
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _line(error: BaseException, where: str) -> str:
    """`:LINE` of the deepest frame in the user's own file, if there is one."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).name == Path(where).name]
    return f":{frames[-1].lineno}" if frames else ""


def _neighbour(path: Path) -> str:
    try:
        return nearest(path.name, os.listdir(path.parent))
    except OSError:
        return ""
