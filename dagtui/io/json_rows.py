"""Rows of JSON: a value a line, or the elements of one array. Strict where the json module is lax."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast

from dagtui.core.errors import BadInput
from dagtui.core.model import RowError
from dagtui.core.text import named
from dagtui.io.lines import ByteLines
from dagtui.io.rows import Fields, Row, too_long, undecodable

ARRAY_CAP = 64 * 1024 * 1024
"""Bytes of the largest JSON array; unlike JSON lines it has to be held as a whole."""


def json_rows(lines: ByteLines) -> Iterator[Row]:
    """One row a line: a JSON object, or a string, which becomes the field `text`."""
    for raw in lines:
        if raw is None:
            yield too_long(lines)
            continue
        if raw.isspace():
            continue
        try:
            fields = _object(raw)
        except UnicodeDecodeError as error:
            yield RowError(lines.number, undecodable(lines.name, lines.number, error))
        except (ValueError, RecursionError) as error:
            yield RowError(lines.number, f"{lines.name}:{lines.number}{_json_reason(error, raw)}")
        else:
            yield lines.number, fields


def array_rows(lines: ByteLines) -> Iterator[Row]:
    """The elements of a JSON array.

    Raises:
        BadInput: the file is too large, or is broken anywhere, since what follows cannot be told apart then.
    """
    text = _whole(lines)
    blank = re.compile(r"[ \t\r\n]*").match
    place, counted, line = _after(blank(text)), 0, 1
    halved = _may_be_halved(text)
    if not text.startswith("[", place):
        raise BadInput(f"{lines.name}: a .json file must be one array of objects; name it .jsonl if it has lines.")
    place = _after(blank(text, place + 1))
    while not text.startswith("]", place):
        line, counted = line + text.count("\n", counted, place), place
        try:
            value, place = _exact.raw_decode(text, place)
            place = _after(blank(text, place))
            if text.startswith(",", place):
                place = _after(blank(text, place + 1))
                if text.startswith("]", place):
                    raise json.JSONDecodeError("Expecting value", text, place)
            elif not text.startswith("]", place):
                raise json.JSONDecodeError("Expecting ',' or ']'", text, place)
            row: Row = (line, _fields(value))
            if halved:
                _refuse_surrogates(value)
        except json.JSONDecodeError as error:
            raise BadInput(f"{lines.name}:{error.lineno}:{error.colno}: {_lower(error.msg)}.") from None
        except _UnusableError as error:
            row = RowError(line, f"{lines.name}:{line}: {error}")
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{lines.name}:{line}{_json_reason(error, b'')}.") from None
        yield row
    end = _after(blank(text, place + 1))
    if end != len(text):
        raise BadInput(f"{lines.name}: there is more after the end of the array; name it .jsonl if it has lines.")


class _UnusableError(ValueError):
    """Sound JSON that cannot be a row."""


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON; write null, or a number")


def _number(text: str) -> float:
    number = float(text)
    if number - number != 0:  # infinite; only an overflow gets here
        raise ValueError(f"the number {text[:20]} is too large")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> Fields:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'the key "{named(twice)}" stands twice in one object; rename or remove one')
    return found


_quick = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_number)
_exact = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_number, object_pairs_hook=_unique)


def _object(raw: bytes) -> Fields:
    """The object on one line.

    Raises:
        ValueError: it is not JSON, or not a row (UnicodeDecodeError and RecursionError also pass through).
    """
    text = raw.decode().strip(" \t\r\n")
    value, end = _quick.raw_decode(text)
    if end != len(text):
        raise json.JSONDecodeError("Extra data", text, len(text) - len(text[end:].lstrip()))
    fields = _fields(value)
    if _may_repeat(raw, fields):
        _exact.raw_decode(text)
    if _may_be_halved(text):
        _refuse_surrogates(fields)
    return fields


def _may_repeat(raw: bytes, fields: Fields) -> bool:
    """Whether a key may stand twice. Cheap, never wrongly no; the exact check costs as much as parsing.

    A colon that ends a key follows a quote or a blank. Where there are no more such colons than keys were found,
    none was lost.
    """
    keys = len(fields)
    if raw.count(b":") <= keys:
        return False
    place = raw.find(b":")
    while place > 0:
        if raw[place - 1] in b'" \t\r':
            keys -= 1
            if keys < 0:
                return True
        place = raw.find(b":", place + 1)
    return False


def _fields(value: object) -> Fields:
    if isinstance(value, dict):
        return cast(Fields, value)
    if isinstance(value, str):
        return {"text": value}
    kinds: dict[type, str] = {list: "a list", bool: "true or false", type(None): "null"}
    kind = kinds.get(type(value), "a number")
    raise _UnusableError(f"a row must be an object such as {{text: …}}, but this is {kind}")


def _may_be_halved(text: str) -> bool:
    return "\\" in text and ("\\ud" in text or "\\uD" in text)


def _refuse_surrogates(value: Any) -> None:
    """Half a character cannot be sent or stored, so it is refused here, where its line is known."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = error.object[error.start]
        raise _UnusableError(
            f"the escape \\u{ord(half):04x} is half of a character; remove it or add its other half"
        ) from None


def _json_reason(error: Exception, raw: bytes) -> str:
    """What follows the line number: perhaps a column, then the reason."""
    match error:
        case json.JSONDecodeError():
            blanks = len(raw) - len(raw.lstrip(b" \t\r\n"))
            return f":{error.pos + blanks + 1}: not JSON: {_lower(error.msg)}"
        case RecursionError():
            return ": the value is nested too deeply"
        case _ if "integer string conversion" in str(error):
            return ": a number has more digits than can be read; put it in quotes"
        case _:
            return f": {error}"


def _whole(lines: ByteLines) -> str:
    parts: list[bytes] = []
    for raw in lines:
        if raw is None or lines.consumed > ARRAY_CAP:
            raise BadInput(
                f"{lines.name}: a JSON array is read up to {ARRAY_CAP >> 20} MB; "
                "make JSON lines of it with jq -c '.[]' first."
            )
        parts.append(raw)
    whole = b"".join(parts)
    try:
        return whole.decode()
    except UnicodeDecodeError as error:
        line = whole.count(b"\n", 0, error.start) + 1
        raise BadInput(undecodable(lines.name, line, error, "of the file") + ".") from None


def _after(found: re.Match[str] | None) -> int:
    return found.end() if found else 0


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]
