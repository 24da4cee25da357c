"""The simulated model's answers: JSON that follows the schema in the prompt, filled from the record."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from dagtui.simulator.draws import Draws, stable_hash
from dagtui.simulator.lexicon import Words, best_label
from dagtui.simulator.schema import (
    Boolean,
    Choice,
    Fields,
    Integer,
    Items,
    Null,
    Number,
    Plan,
    Text,
    find_schema,
    plan_of,
)
from dagtui.simulator.tokens import count_tokens, cut_to_tokens

_PREAMBLE_AT_MOST = 600
_LABELLED = re.compile(r"\s*[A-Z][A-Za-z]*(?: [a-z]+)?:\s+")
_PREFIX = re.compile(r"^(is|has|needs|contains)_")
_TO_JSON = json.JSONEncoder(ensure_ascii=False).encode
_FORMATS = {
    "date": "2025-01-15",
    "date-time": "2025-01-15T09:30:00Z",
    "time": "09:30:00",
    "email": "a@example.com",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """The text of an answer, its tokens, and whether it came to its end."""

    text: str
    output_tokens: int
    stop: Literal["end_turn", "max_tokens"]


@dataclass(frozen=True, slots=True)
class Quality:
    """How good the answers are, as shares from 0 to 1."""

    accuracy: float = 1.0
    bad_output_rate: float = 0.0
    truncate_rate: float = 0.0


def answer(system: str, user: str, max_tokens: int, quality: Quality, draws: Draws) -> Answer:
    """Answer a prompt: the schema's last mention counts, and the record is the user text without it."""
    found = find_schema(user)
    if found is None:
        plan = _plan_in(system)
    else:
        plan = plan_of(found.schema)
        user = user[: found.start] + user[found.end :]
    text = record_text(user)
    if plan is None:
        full = f"{summary(text)}."
    elif quality.bad_output_rate and draws.uniform("bad_output") < quality.bad_output_rate:
        full = f'Sure! Here is my analysis of the text: {{"summary": "{summary(text)}, which I would say'
    else:
        full = _TO_JSON(_Writer(text, quality.accuracy, draws).value(plan, ""))
    truncate = bool(quality.truncate_rate) and draws.uniform("truncate") < quality.truncate_rate
    return _limited(full, max_tokens, truncate)


def record_text(prompt: str) -> str:
    """The record in a prompt: what follows the first blank line, without a label such as "Email:"."""
    preamble, blank, rest = prompt.partition("\n\n")
    body = rest if blank and len(preamble) <= _PREAMBLE_AT_MOST and rest.strip() else prompt
    label = _LABELLED.match(body)
    return body[label.end() :] if label and label.end() < len(body) else body


def summary(text: str) -> str:
    """The first sentences up to eight words or more, fourteen at most."""
    words = text[:400].split(maxsplit=14)[:14]
    for place in range(7, len(words)):
        if words[place][-1] in ".!?":
            words = words[: place + 1]
            break
    return " ".join(words).rstrip(".!?,;: ") or "No text"


class _Writer:
    """Fills a plan from one record's text. A path names a place and keeps its draws apart from the others."""

    def __init__(self, text: str, accuracy: float, draws: Draws) -> None:
        self._text = text
        self._words = Words(text)
        self._accuracy = accuracy
        self._draws = draws

    def value(self, plan: Plan, path: str) -> object:
        """A value that conforms to the plan."""
        match plan:
            case Fields(fields):
                return {name: self.value(inner, f"{path}/{name}") for name, inner in fields}
            case Choice():
                return self._option(plan, path)
            case Text():
                return self._string(plan)
            case Number(low, high):
                number = round(low + (high - low) * self._confidence(path), 2)
                return number if low <= number <= high else (low + high) / 2
            case Integer(least, most, step):
                number = round(least + (most - least) * self._confidence(path))
                return max(math.ceil(least / step) * step, number // step * step)
            case Boolean():
                return self._boolean(path)
            case Items():
                return self._list(plan, path)
            case Null():
                return None

    def _option(self, choice: Choice, path: str) -> object:
        count = len(choice.options)
        if count == 1:
            return choice.options[0]
        place = best_label(self._text, self._words, choice.labels)
        if self._accuracy < 1 and self._draws.uniform(f"accuracy{path}") >= self._accuracy:
            place = (place + 1 + self._draws.index(f"wrong{path}", count - 1)) % count
        return choice.options[place]

    def _string(self, wanted: Text) -> str:
        text = _FORMATS.get(wanted.format) or summary(self._text)
        return text[: wanted.most].ljust(wanted.least, ".")

    def _boolean(self, path: str) -> bool:
        """True when the text speaks for the property's name: "is_spam" as spam does."""
        if self._words.score(_PREFIX.sub("", path.rpartition("/")[2])) > 0:
            return True
        return stable_hash(path + self._text) % 4 == 0

    def _list(self, wanted: Items, path: str) -> list[object]:
        """Different values, as far as the least length allows; strings are the text's first long words."""
        if isinstance(wanted.item, Text) and not wanted.item.format:
            words = [word.lower() for word in re.findall(r"[A-Za-z]{5,}", self._text[:2000])]
            most, least = wanted.item.most, wanted.item.least
            distinct = list(dict.fromkeys(word[:most].ljust(least, ".") for word in words))[: wanted.count]
            return [*distinct, *[self._string(wanted.item)] * (wanted.least - len(distinct))]
        values: list[object] = []
        for place in range(wanted.count):
            value = self.value(wanted.item, f"{path}/{place}")
            if value not in values or place < wanted.least:
                values.append(value)
        return values

    def _confidence(self, path: str) -> float:
        """Between 0.6 and 0.99: models are sure of themselves."""
        return 0.6 + 0.39 * self._draws.uniform(f"confidence{path}")


@lru_cache(maxsize=256)
def _plan_in(system: str) -> Plan | None:
    """The plan in a system text, which all requests of a run share."""
    found = find_schema(system)
    return None if found is None else plan_of(found.schema)


def _limited(text: str, max_tokens: int, truncate: bool) -> Answer:
    tokens = count_tokens(text)
    allowed = min(max_tokens, max(1, tokens // 2)) if truncate else max_tokens
    if tokens <= allowed and not truncate:
        return Answer(text, tokens, "end_turn")
    cut = cut_to_tokens(text, allowed)
    return Answer(cut, count_tokens(cut), "max_tokens")
