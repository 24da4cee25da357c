"""What the inspector says of a request, panel by panel, as text."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from textual.content import Content
from textual.style import Style

from dagtui.core.figures import count, kind_words, money, seconds
from dagtui.core.inspection import Asked, Inspection
from dagtui.core.model import Headroom
from dagtui.core.text import named, one_line, visible
from dagtui.tui.palette import WARNING, style_of
from dagtui.tui.sheet import fit, wrapped

_MOST_TEXT, _MOST_LINES = 20_000, 1_000  # of one text on the screen: to wrap more would keep the loop
_MOST_FIELDS, _MOST_FIELD = 200, 2_000


def answer(found: Inspection, width: int) -> Content:
    """The answer, indented where it is JSON; where there is none, why."""
    verdict = found.verdict
    parts: list[Content] = [_warning(f"{found.trouble}\n")] if found.trouble else []
    if verdict is None:
        told = "Nothing is known of its outcome." if found.settled else "The answer will stand here."
        return Content.assemble(*parts, _dim(told))
    if not found.settled:
        parts.append(_warning("This is from before; it is asked again.\n"))
    if verdict.text is not None:
        parts.append(long_text(pretty(verdict.text)))
    elif verdict.state == "ok":
        parts.append(_dim("The journal has no text of this answer."))
    else:
        kind = f"{kind_words(verdict.error)}: " if verdict.error is not None else ""
        billed = {"yes": " It was billed.", "maybe": " It may have been billed."}.get(verdict.billed or "", "")
        role = "failed" if verdict.state == "failed" else "text"
        parts.append(Content.styled(visible(f"{kind}{verdict.reason}", _MOST_TEXT), style_of(role)))
        parts.append(_dim(billed))
    return Content.assemble(*parts)


def answer_title(found: Inspection) -> str:
    """What stands over it."""
    verdict = found.verdict
    if verdict is None or verdict.text is None:
        return "answer"
    return f"answer · {count(len(verdict.text))} character{'' if len(verdict.text) == 1 else 's'}"


def fields(found: Inspection, width: int) -> Content:
    """The parsed fields."""
    values = found.verdict.values if found.verdict is not None else None
    if not values:
        text = found.verdict is not None and found.verdict.text is not None
        return _dim("The task asks for plain text." if text else "The parsed fields will stand here.")
    return table(values, width)


def usage(found: Inspection, width: int) -> Content:
    """Tokens, money and what was left of the provider's limits."""
    rows: list[tuple[str, str]] = []
    verdict = found.verdict
    if found.exchanges or verdict is not None:
        told, cost, wasted = found.spent
        rows.append(("tokens in", count(told.input_total)))
        if told.cache_read or told.cache_write:
            rows.append(("from cache", count(told.cache_read)))
            rows.append(("into cache", count(told.cache_write)))
        rows.append(("tokens out", count(told.output)))
        rows.append(("cost", money(cost)))
        if wasted:
            rows.append(("of it for attempts that failed", money(wasted)))
        if verdict is not None and verdict.saved:
            rows.append(("saved, as an identical one was answered", money(verdict.saved)))
    if found.limits is not None:
        for name, room in (
            ("requests left", found.limits.requests),
            ("tokens in left", found.limits.input_tokens),
            ("tokens out left", found.limits.output_tokens),
        ):
            rows += [(name, _room(room))] if room is not None else []
        rows.append(("as told at", time.strftime("%H:%M:%S", time.localtime(found.limits_at))))
    if not rows:
        return _dim("Tokens, cost and the limits that are left will stand here.")
    return _right(rows, width)


def trace(found: Inspection, asked: Asked | None, width: int) -> Content:
    """What to search other people's books for."""
    last = found.exchanges[-1] if found.exchanges else None
    rows: list[tuple[str, Content]] = []
    if last is not None and last.trace_id:
        none = _dim("no page of this gateway's is known")
        rows.append(("trace id", _link(last.trace_id, found.logs)))
        rows.append(("logs", _link(found.logs, found.logs) if found.logs else none))
        name = last.told.request_id if last.told is not None else None
        rows.append(("request id", Content(one_line(name, 200)) if name else _dim("n/a")))
    mark = found.verdict.fingerprint if found.verdict is not None else asked.fingerprint if asked else 0
    if mark:
        rows.append(("fingerprint", Content(f"{mark & (1 << 64) - 1:016x}")))
    if asked is not None and asked.curl:
        advice = "\n".join(" " * 13 + line for line in wrapped(asked.advice, max(8, width - 13)) if line)
        rows.append(("curl", _dim("Y copies it, without keys" + (f"\n{advice}" if advice else ""))))
    if not rows:
        return _dim("The trace id will stand here when it is sent.")
    room = max(len(name) for name, _ in rows) + 2
    return Content("\n").join(Content.assemble(_dim(f"{name:<{room}}"), value) for name, value in rows)


def prompt(found: Inspection, asked: Asked | None, width: int) -> Content:
    """What the model read."""
    if asked is None:
        return _dim("reading the record…")
    if asked.prompt is None:
        return _warning(asked.trouble)
    parts: list[Content] = []
    if _is_same(found, asked) is False:
        told = "The task or the record was changed since: this is how it would be asked now.\n\n"
        parts.append(_warning(told))
    if asked.prompt.system:
        parts += [_head("system"), long_text(asked.prompt.system), Content("\n\n")]
    parts += [_head("user"), long_text(asked.prompt.user)]
    return Content.assemble(*parts)


def prompt_title(found: Inspection, asked: Asked | None) -> str:
    """What stands over it."""
    if asked is None or asked.prompt is None:
        return "prompt"
    same = _is_same(found, asked)
    if same is None:
        return "prompt"
    return "prompt · as sent" if same else f"prompt · {WARNING} as it would be sent now"


def _is_same(found: Inspection, asked: Asked) -> bool | None:
    """Whether what was made again is what was asked; None where the journal has no fingerprint of that yet."""
    mark = found.verdict.fingerprint if found.verdict is not None else 0
    return mark == asked.fingerprint if mark and asked.fingerprint else None


def record(asked: Asked | None, width: int) -> Content:
    """The record's fields."""
    if asked is None:
        return _dim("reading the record…")
    if asked.fields is None:
        return _dim("The record could not be read again.")
    return table(asked.fields, width)


def sent_to(asked: Asked | None, width: int) -> Content:
    """Model and parameters."""
    if asked is None:
        return _dim("The model and its parameters will stand here.")
    if not asked.model:
        return _dim("The model and its parameters are not known.")
    rest = {name: value for name, value in (asked.parameters or {}).items() if name != "model"}
    told = table({"model": asked.model, "provider": asked.provider, **rest}, width)
    return Content.assemble(told, "\n", _warning(asked.trouble)) if asked.trouble else told


def table(values: Mapping[str, Any], width: int) -> Content:
    """Names and values, one below the other; long values go on under themselves."""
    room = min(max(cell_len(named(name, 24)) for name in values) + 2, max(8, width // 3)) if values else 0
    lines: list[Content] = []
    for name, value in list(values.items())[:_MOST_FIELDS]:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        parts = list(_wrapped(text, max(8, width - room)))
        lines.append(Content.assemble(_dim(fit(named(name, 60), room - 2) + "  "), parts[0]))
        lines += [Content(" " * room + part) for part in parts[1:]]
    if len(values) > _MOST_FIELDS:
        lines.append(_dim(f"and {count(len(values) - _MOST_FIELDS)} more"))
    return Content("\n").join(lines) if lines else _dim("It has no fields.")


def pretty(text: str) -> str:
    """`text`, indented where it is a JSON object or list."""
    if not text.lstrip().startswith(("{", "[")) or len(text) > _MOST_TEXT * 10:
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def long_text(text: str) -> Content:
    """`text` made safe; what is too long is cut, and said."""
    shown = "\n".join(text[:_MOST_TEXT].split("\n", _MOST_LINES)[:_MOST_LINES])
    safe = visible(shown.expandtabs(4))
    if len(shown) == len(text):
        return Content(safe)
    told = f"\n… cut here: it has {count(len(text))} characters, and the pager shows them all"
    return Content.assemble(safe, Content.styled(told, style_of("warn")))


def _wrapped(text: str, width: int) -> Iterator[str]:
    cut = text if len(text) <= _MOST_FIELD else f"{text[:_MOST_FIELD]}… ({count(len(text))} characters)"
    for line in cut.split("\n")[:50]:
        yield from wrapped(line, width)


def _right(rows: Sequence[tuple[str, str]], width: int) -> Content:
    """Names at the left, figures at the right edge."""
    name = max(len(label) for label, _ in rows) + 2
    room = max(8, width - name)
    return Content("\n").join(
        Content.assemble(_dim(f"{label:<{name}}"), Content(value if len(value) > room else value.rjust(room)))
        for label, value in rows
    )


def _room(room: Headroom) -> str:
    left = "n/a" if room.remaining is None else count(room.remaining)
    of = "" if room.limit is None else f" of {count(room.limit)}"
    reset = f", whole again in {seconds(room.reset_s)}" if room.reset_s and room.reset_s >= 0.05 else ""
    return f"{left}{of}{reset}"


def _link(text: str, url: str) -> Content:
    """`text`, through which terminals that know how open `url`."""
    if not (url.isascii() and url.isprintable() and url):  # else it could end the link, and say something else
        return Content(visible(text))
    return Content.styled(visible(text), Style(link=url, underline=True))


def _head(text: str) -> Content:
    return Content.styled(f"{text}\n", style_of("accent"))


def _warning(text: str) -> Content:
    return Content.styled(f"{WARNING} {visible(text, 2_000)}", style_of("warn"))


def _dim(text: str) -> Content:
    return Content.styled(text, style_of("dim"))
