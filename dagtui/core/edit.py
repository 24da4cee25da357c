"""How a question is asked, as far as it may be changed in the middle of a run: read from a form, written into a
task, and told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, TypeAlias, cast

from dagtui.core.contract import differences
from dagtui.core.errors import ConfigError, nearest
from dagtui.core.template import Template
from dagtui.core.text import named

OWN = "the plugin's own"
"""What code says by itself."""

Field: TypeAlias = Literal["model", "temperature", "max_tokens", "prompt", "system"]
MOST_TOKENS = 1_000_000
_MOST_NAMED = 12


@dataclass(frozen=True, slots=True)
class Asked:
    """How the question `name` is asked. `prompt` is None where code makes the messages; there, a None elsewhere
    leaves the matter to the code. `needs` are questions whose answers the prompt may read.
    """

    name: str
    model: str | None
    max_tokens: int | None
    temperature: float | None
    prompt: str | None = None
    system: str = ""
    needs: tuple[str, ...] = ()

    def typed(self) -> dict[Field, str]:
        """The same as texts of a form."""
        return {
            "model": self.model or "",
            "temperature": "" if self.temperature is None else f"{self.temperature:g}",
            "max_tokens": "" if self.max_tokens is None else str(self.max_tokens),
            "prompt": self.prompt or "",
            "system": self.system,
        }


def read_asked(
    before: Asked, texts: Mapping[Field, str], columns: Collection[str]
) -> tuple[Asked, dict[Field, str]]:
    """`before` with what a form says, and a sentence by field for what cannot be taken.

    `columns` are the fields of the records.
    """
    wrong: dict[Field, str] = {}
    after = before
    by_code = before.prompt is None
    model = texts["model"].strip()
    if model or by_code:
        after = replace(after, model=model or None)
    else:
        wrong["model"] = "name a model, such as claude-3-5-haiku-20241022"
    try:
        after = replace(after, temperature=_temperature(texts["temperature"].strip()))
    except ValueError as error:
        wrong["temperature"] = str(error)
    try:
        after = replace(after, max_tokens=_tokens(texts["max_tokens"].strip(), by_code=by_code))
    except ValueError as error:
        wrong["max_tokens"] = str(error)
    if not by_code:
        after = replace(after, prompt=texts["prompt"], system=texts["system"])
        for field in ("prompt", "system"):
            if problem := _template_problem(texts[field], before.needs, columns):
                wrong[field] = problem
        if not texts["prompt"].strip():
            wrong["prompt"] = "the prompt is empty; write what is to be asked of each record"
    return after, wrong


def _temperature(text: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 2:
        raise ValueError("must be a number from 0 to 2, or nothing")
    return value


def _tokens(text: str, *, by_code: bool) -> int | None:
    if not text and by_code:
        return None
    digits = text.replace(",", "").replace("_", "")
    if not (digits.isascii() and digits.isdigit() and 1 <= int(digits[:9]) <= MOST_TOKENS):
        raise ValueError(f"must be a whole number from 1 to {MOST_TOKENS:,}")
    return int(digits)


def _template_problem(text: str, needs: Collection[str], columns: Collection[str]) -> str:
    try:
        names = Template(text).names
    except ConfigError as error:
        return str(error)
    for name in names:
        first = name.split(".")[0]
        if name not in columns and first not in columns and first not in needs:
            known = [*columns, *needs]
            there = ", ".join(f"{{{named(one)}}}" for one in known[:_MOST_NAMED])
            more = f" and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
            return f"{{{named(name)}}} is no field of the records{nearest(name, known)}; they have {there}{more}"
    return ""


def told(before: Sequence[Asked], after: Sequence[Asked]) -> list[str]:
    """What was edited, a phrase each; a question's name goes before where there are several."""
    found: list[str] = []
    for old, new in zip(before, after, strict=True):
        inside = f"{old.name} " if len(before) > 1 else ""
        found += differences(_shown(old), _shown(new), inside)
    return found


def _shown(asked: Asked) -> dict[str, Any]:
    own = OWN if asked.prompt is None else None  # code says it, for each record
    shown = {field: value for field, value in asdict(asked).items() if field not in ("name", "needs")}
    return {field: own if value is None else value for field, value in shown.items()}


def edited_task(values: Mapping[str, Any], edits: Sequence[Asked]) -> dict[str, Any]:
    """The tables of a task file in which the questions are asked as `edits` say.

    Each gets its whole model, so that what was common to all may differ.
    """
    common, ask = cast("dict[str, Any]", values["model"]), values["ask"]
    asks = cast("list[dict[str, Any]]", ask if isinstance(ask, list) else [ask])
    by_name = {asked.name: asked for asked in edits}
    changed = [_edited(one, common, by_name.get(one.get("name") or values["name"])) for one in asks]
    base = {name: common[name] for name in ("provider", "name") if name in common}
    return {**values, "model": base, "ask": changed if isinstance(ask, list) else changed[0]}


def _edited(ask: Mapping[str, Any], common: Mapping[str, Any], asked: Asked | None) -> dict[str, Any]:
    model = {**common, **ask.get("model", {})}
    if isinstance(ask.get("output"), Mapping):
        ask = {**ask, "output": _keeping_order(ask["output"])}
    if asked is None:
        return {**ask, "model": model}
    given = {"name": asked.model, "max_tokens": asked.max_tokens, "temperature": asked.temperature}
    model |= {key: value for key, value in given.items() if value is not None}
    if asked.temperature is None:
        model.pop("temperature", None)
    changed = {**ask, "prompt": asked.prompt, "system": asked.system, "model": model}
    return {key: value for key, value in changed.items() if key != "system" or value}


def _keeping_order(output: Mapping[str, Any]) -> dict[str, Any]:
    """`output` with the same fields in the same order in a file as well, where tables stand after all else: the
    model is told the fields in that order, and another one would be another question.
    """
    names = list(output)
    first = next((place for place, name in enumerate(names) if isinstance(output[name], Mapping)), len(names))
    return {name: output[name] if place < first else _as_table(output[name]) for place, name in enumerate(names)}


def _as_table(spec: Any) -> Any:
    given: dict[str, Any] = {"values" if isinstance(spec, list) else "type": spec}
    return cast(object, spec) if isinstance(spec, Mapping) else given
