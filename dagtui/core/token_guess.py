"""How many tokens a text has, as far as its characters tell. Every model counts in its own way: hence spans."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dagtui.core.span import Span

# Tokens a character, by kind of character. The spans hold what three public tokenizers (Claude 2's, cl100k, o200k)
# make of prose, code, tables, logs and ten languages, with some room for those that are not public.
_LETTER = Span(1 / 6.0, 1 / 5.2, 1 / 3.0)  # ASCII letters and blanks
_MARK = Span(1 / 3.2, 1 / 2.1, 1 / 1.1)  # ASCII digits and punctuation
_KINDS = (
    (re.compile("[\u0080-\u024f\u1e00-\u1eff]+"), Span(0.2, 0.6, 1.8)),  # letters with accents
    (re.compile("[\u0400-\u052f]+"), Span(1 / 4.8, 1 / 3.0, 1 / 1.6)),  # Cyrillic
    (re.compile("[\u2e80-\ua4cf\uac00-\ud7af\uf900-\uffef]+"), Span(0.4, 0.9, 1.5)),  # Chinese, Japanese, Korean
    (re.compile("[\U00010000-\U0010ffff]+"), Span(0.8, 2.0, 4.0)),  # emoji and rare scripts
)
_OTHER = Span(1 / 4.0, 1 / 1.7, 2.0)  # other alphabets: Greek, Arabic, Hindi, Thai ...
_LETTERS = re.compile(r"[A-Za-z\s]+", re.ASCII)

_FRAME = Span(0.0, 4.0, 12.0)
"""Tokens of a request that are in no text: roles, beginnings and ends."""

_CERTAIN = 0.05  # share by which an earlier run's figures are off even if it was a long one
_VARIES = 0.5  # how much the tokens of a request vary where nothing says it, as a share of their mean


@dataclass(frozen=True, slots=True)
class Experience:
    """What an earlier run of the same question and model came to.

    `requests` that were answered; tokens in for each character of system text and prompt; tokens out for each
    answer, their mean and 95th percentile; the mean `latency_mean` in seconds.
    """

    requests: int
    input_per_character: float
    output_tokens_mean: float
    output_tokens_p95: float
    latency_mean: float

    def input(self, characters: int) -> Span:
        """Tokens of a prompt that has so many characters."""
        return _around(characters * self.input_per_character, self._doubt(_VARIES))

    def output(self) -> Span:
        """Tokens of an answer, in the mean: other records may well be answered at somewhat greater length."""
        mean = self.output_tokens_mean
        deviation = max(0.0, self.output_tokens_p95 - mean) / 1.645 / mean if mean > 0 else _VARIES
        return _around(mean, 2 * _CERTAIN + self._doubt(deviation))

    def seconds(self) -> Span:
        """Seconds until an answer, in the mean; a provider's pace changes with the hour."""
        return Span(self.latency_mean * 0.6, self.latency_mean, self.latency_mean * 2.0)

    def _doubt(self, deviation: float) -> float:
        return _CERTAIN + 2 * deviation / max(1, self.requests) ** 0.5


def text_tokens(text: str) -> Span:
    """Tokens in `text`."""
    letters = _count(_LETTERS, text)
    found = _LETTER.times(letters)
    if text.isascii():
        return found + _MARK.times(len(text) - letters)
    plain = len(text.encode("ascii", "ignore"))
    found += _MARK.times(plain - letters)
    rest = len(text) - plain
    for kind, tokens in _KINDS:
        number = _count(kind, text)
        found += tokens.times(number)
        rest -= number
    return found + _OTHER.times(rest)


def _count(kind: re.Pattern[str], text: str) -> int:
    return sum(found.end() - found.start() for found in kind.finditer(text))


def prompt_tokens(user: str, system: str | None) -> Span:
    """Tokens in of one request."""
    return _FRAME + text_tokens(user) + (text_tokens(system) if system else Span(0.0, 0.0, 0.0))


def answer_seconds(output: Span) -> Span:
    """Seconds until an answer of so many tokens, of a small model or a large one at a busy hour."""
    return Span(0.3 + output.low / 200, 0.7 + output.likely / 80, 2.0 + output.high / 25)


def _around(likely: float, doubt: float) -> Span:
    return Span(likely * max(0.0, 1.0 - doubt), likely, likely * (1.0 + doubt))
