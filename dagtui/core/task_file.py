"""Reads a task file: checks its tables and makes questions of them. `core.task` tells the format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field

from dagtui.core.dag import Dag
from dagtui.core.errors import ConfigError, nearest
from dagtui.core.model import Prompt, ProviderChoice, plain
from dagtui.core.plugin import Context, Dimension
from dagtui.core.task_output import output_model, table
from dagtui.core.template import Template


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelTable(BaseModel):
    """Which model answers; further keys are parameters of the request."""

    model_config = ConfigDict(extra="allow", frozen=True)

    provider: str = Field(min_length=1)
    name: str = Field(min_length=1)
    max_tokens: int = Field(1024, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)


class AskTable(_Table):
    """One question."""

    prompt: str = Field(min_length=1)
    name: str | None = Field(None, pattern=r"^[A-Za-z_][\w-]*$")
    system: str | None = None
    needs: tuple[str, ...] = ()
    category: str | None = None
    output: dict[str, Any] | None = None
    model: dict[str, Any] = Field(default_factory=dict)


class TaskFile(_Table):
    """A whole task file, its tables unchecked."""

    name: str = Field(min_length=1)
    description: str = ""
    model: dict[str, Any]
    ask: dict[str, Any] | list[dict[str, Any]]


class Question:
    """A question made ready: its dimension, templates and model, and the record's fields that it reads."""

    def __init__(self, ask: AskTable, name: str, choice: ProviderChoice, where: str) -> None:
        output = None if ask.output is None else output_model(name, ask.output, f"{where}.output")
        if ask.category is not None and (output is None or ask.category not in output.model_fields):
            fields = output.model_fields if output else ()
            raise ConfigError(
                f'{where}: category "{ask.category}" is not in the output{nearest(ask.category, fields)}.'
            )
        self.dimension = Dimension(name, tuple(ask.needs), output, ask.category)
        self.choice = choice
        try:
            self.prompt = Template(ask.prompt)
            self.system = Template(ask.system) if ask.system else None
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from None
        names = dict.fromkeys((*(self.system.names if self.system else ()), *self.prompt.names))
        self.answers = tuple(name for name in names if name.split(".")[0] in ask.needs)
        self.reads = tuple(name for name in names if name not in self.answers)

    def filled(self, ctx: Context) -> Prompt:
        """The templates with the record's fields and the answers.

        Raises:
            BadInput: the record lacks a field.
        """
        values = ctx.record
        if ctx.answers:
            values = {**values, **{name: plain(answer) for name, answer in ctx.answers.items()}}
        system = self.system.render(values) if self.system else None
        return Prompt(self.prompt.render(values), system)


def read_task(values: Mapping[str, Any], where: str) -> tuple[TaskFile, dict[str, Question]]:
    """The file and its questions by name.

    Raises:
        ConfigError: `where` (the file), the table and the key that is wrong.
    """
    task = table(TaskFile, values, where)
    single = isinstance(task.ask, dict)
    asks = [task.ask] if isinstance(task.ask, dict) else task.ask
    questions: dict[str, Question] = {}
    for number, one in enumerate(asks, 1):
        at = f"{where}, [ask]" if single else f"{where}, [[ask]] {number}"
        ask = table(AskTable, one, at)
        if ask.name is None and not single:
            raise ConfigError(f'{at}: "name" is missing; each of several questions needs one.')
        name = ask.name or task.name
        if name in questions:
            raise ConfigError(f'{at}: the name "{name}" is taken; rename one of the two.')
        questions[name] = Question(ask, name, _choice(task.model, ask.model, where, at), at)
    try:
        Dag([question.dimension for question in questions.values()])
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    for question in questions.values():
        _check_answers(question, questions, where)
    return task, questions


def _check_answers(question: Question, questions: Mapping[str, Question], where: str) -> None:
    """Placeholders that read an answer must name a field of it; those of no need are perhaps a slip."""
    name = question.dimension.name
    for placeholder in question.answers:
        need, _, field = placeholder.partition(".")
        output = questions[need].dimension.output
        if field and (output is None or field.split(".")[0] not in output.model_fields):
            hint = nearest(field, output.model_fields if output else ())
            raise ConfigError(
                f'{where}: the prompt of "{name}" reads {{{placeholder}}}, '
                f'but the answer to "{need}" has no field "{field}"{hint}.'
            )
    for placeholder in question.reads:
        other, dot, _ = placeholder.partition(".")
        if dot and other in questions and other != name:
            raise ConfigError(
                f'{where}: the prompt of "{name}" reads {{{placeholder}}}; add needs = ["{other}"] to it.'
            )


_RESERVED = {"model": "name", "messages": "prompt", "system": "system in [ask]", "stream": ""}


def _choice(common: Mapping[str, Any], own: Mapping[str, Any], where: str, at: str) -> ProviderChoice:
    place = f"{at}, model" if own else f"{where}, [model]"
    chosen = table(ModelTable, {**common, **own}, place)
    extra = chosen.model_extra or {}
    for key in extra:
        if key in _RESERVED:
            instead = f"; use {_RESERVED[key]}" if _RESERVED[key] else "; remove it"
            raise ConfigError(f'{place}: "{key}" is set by dagtui itself{instead}.')
        if _slip(key):
            raise ConfigError(f'{place}: unknown setting "{key}"{nearest(key, ModelTable.model_fields)}.')
    return ProviderChoice(chosen.provider, chosen.name, chosen.max_tokens, chosen.temperature, _floats(extra))


def _slip(key: str) -> bool:
    """Whether a further key is so near to a known one that it can only be a typing error."""
    near = nearest(key, ModelTable.model_fields)
    known = near.split('"')[1] if near else ""
    return bool(known) and abs(len(known) - len(key)) <= 1 and len(key) > 4


def _floats(value: Any) -> Any:
    """Exact decimals from a file as the floats that JSON can carry."""
    if isinstance(value, dict):
        return {key: _floats(item) for key, item in cast(dict[str, Any], value).items()}
    if isinstance(value, list):
        return [_floats(item) for item in cast(list[Any], value)]
    return float(value) if type(value).__name__ == "Decimal" else value
