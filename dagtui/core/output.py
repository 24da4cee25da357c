"""From a model's text to a dimension's value, and the instruction that asks for it.

An answer that does not fit is never repaired: it is an attempt that failed, and its text is kept in the error.
"""

from __future__ import annotations

import json
from contextlib import suppress
from functools import lru_cache
from typing import Any, cast

from pydantic import BaseModel, TypeAdapter, ValidationError

from dagtui.core.errors import ErrorKind, GatewayError
from dagtui.core.model import Prompt, Response, Value
from dagtui.core.plugin import Dimension
from dagtui.core.text import keyless, one_line

CUT_OFF = frozenset({"max_tokens", "length"})
REFUSED = frozenset({"refusal", "content_filter"})

_from_json = TypeAdapter[Any](Any).validator.validate_json
_decoder = json.JSONDecoder()
_MOST_STARTS = 200  # braces tried in a text: each may be read to the end before it turns out to be none


@lru_cache(maxsize=256)
def instruction(model: type[BaseModel]) -> str:
    """The sentence that asks for an answer in the shape of `model`."""
    schema = json.dumps(_lean(cast(object, model.model_json_schema())), separators=(",", ":"), ensure_ascii=False)
    return f"Answer with one JSON object and nothing else. It must fit this JSON schema: {schema}"


def _lean(node: object) -> object:
    """The schema without what pydantic adds for people (titles): every token of it is paid for in each request."""
    if isinstance(node, dict):
        members = cast("dict[str, object]", node)
        return {
            key: _lean(value) for key, value in members.items() if key != "title" or not isinstance(value, str)
        }
    if isinstance(node, list):
        return [_lean(item) for item in cast("list[object]", node)]
    return node


def with_instruction(prompt: str | Prompt, dimension: Dimension) -> Prompt:
    """`prompt` as it is sent: the output schema stands at the end of the system text."""
    whole = prompt if isinstance(prompt, Prompt) else Prompt(prompt)
    if dimension.output is None:
        return whole
    return Prompt(whole.user, _instructed(whole.system, dimension.output))


@lru_cache(maxsize=16)  # a task has few system texts; one that has many shall not be kept in memory
def _instructed(system: str | None, model: type[BaseModel]) -> str:
    asked = instruction(model)
    return f"{system}\n\n{asked}" if system else asked


def parse(dimension: Dimension, response: Response) -> Value:
    """The value of an answer.

    Raises:
        GatewayError: kind `invalid_output`, billed, saying what does not fit and how the text began; or `plugin`,
            when the dimension's own model raised what no validator may.
    """
    if response.stop_reason in REFUSED:
        raise _invalid(f"the model refused ({response.stop_reason})", response, most_attempts=2)
    if response.stop_reason in CUT_OFF:
        raise _invalid("the answer was cut off at max_tokens; raise it", response, most_attempts=2)
    if dimension.output is None:
        if not response.text.strip():
            raise _invalid("the answer is empty", response)
        return response.text
    try:
        return dimension.output.model_validate(_first_object(response.text))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the answer"
        raise _invalid(f"{where}: {first['msg'].lower()}", response) from None
    except ValueError:
        raise _invalid("the answer holds no JSON object", response) from None
    except Exception as error:  # out of a validator of the user's own
        message = f'the model of "{dimension.name}" raised {type(error).__name__}: {error}'
        raise GatewayError(ErrorKind.PLUGIN, keyless(message), status=response.status, billed="yes") from error


def category_of(dimension: Dimension, value: Value) -> str | None:
    """What the category breakdown counts this value under."""
    if dimension.category is None or isinstance(value, str):
        return None
    found: object = getattr(value, dimension.category, None)
    return None if found is None else str(getattr(found, "value", found))


def loose(text: str) -> dict[str, Any]:
    """The first JSON object in `text`, whatever it holds; empty if there is none."""
    try:
        return _first_object(text)
    except ValueError:
        return {}


def _first_object(text: str) -> dict[str, Any]:
    if text.startswith("{"):
        with suppress(ValueError):  # it is all of the text nearly always, and pydantic reads that quicker
            return _from_json(text)
    start = -1
    for _ in range(_MOST_STARTS):
        start = text.find("{", start + 1)
        if start < 0:
            break
        try:
            found: Any = _decoder.raw_decode(text, start)[0]
        except (ValueError, RecursionError):
            continue
        return found
    raise ValueError("no object")


def _invalid(reason: str, response: Response, most_attempts: int | None = None) -> GatewayError:
    begin = one_line(response.text, 120)
    return GatewayError(
        ErrorKind.INVALID_OUTPUT,
        f"{reason}; it began: {begin!r}" if begin else reason,
        status=response.status,
        billed="yes",
        request_id=response.request_id,
        most_attempts=most_attempts,
    )
