"""What messages that mean the same have in common: their words, without the numbers, ids and quotations in them.

"rate limit of 50 requests a minute, retry in 2.0 s" and "... of 60 ..., retry in 3.1 s" become one sentence, so
that failures can be counted by their cause. The result is safe to show, and no longer than `LONGEST`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from dagtui.core.text import one_line

LONGEST = 200
"""Characters of a normalised message."""

NUMBER, ID, TIME, URL, EMAIL, QUOTED = "#", "‹id›", "‹time›", "‹url›", "‹email›", '"…"'
_READ = 500  # characters of a message that are looked at
_KEPT = 2_048  # messages whose normal form is remembered

# All digits are alike before anything else is looked at. It makes messages that differ in numbers one entry of the
# cache, and what comes out the same whatever the cache held.
_DIGITS = str.maketrans("123456789", "000000000")

_UNIT = r"(?:ms|µs|us|s|secs?|seconds?|m|mins?|minutes?|h|hours?|days?)"
_BEGAN = re.compile(r"; it began: .*", re.DOTALL)  # what an answer that did not fit looked like: never the same
_ANSWERED = re.compile(r"^[^\s:]{1,60} answered 0+: (?=.)")  # its number stands beside it
_URL = re.compile(r"""\b[a-zA-Z][a-zA-Z0+.-]{1,15}://[^\s"'`<>)\]}]+""")
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]+(?:\.[\w-]+)+")
_QUOTES = re.compile(
    r""""(?:\\.|[^"\\])*"(?P<key>\s*:)?|(?<!\w)'(?:\\.|[^'\\])*'(?!\w)|`[^`]*`|“[^“”]*”|«[^«»]*»""", re.DOTALL
)
_NUMBERS = re.compile(
    rf"(?P<time>(?<![\w.-])0+(?:[.,]0+)*\ ?{_UNIT}\b(?:\ ?0+(?:\.0+)?\ ?{_UNIT}\b)*)"
    r"|(?P<number>(?<![\w-])0[0.,:]*+(?![\w-]))"
    r"|(?<![\w-])[a-zA-Z_\-\x80-\U0010ffff]*+0[\w-]*"
)
_RUNS = re.compile(r"0+(?:[.,:]+0+)*")
_REPEATED = re.compile(r'("…"|‹\w+›|#)(?:(?:,? ?(?:or|and)? ?|/|:)\1)+')
_MIXED = 6  # characters of a word of letters and digits that is an id; `utf8` and `gpt-4o` are names
_HYPHENS_OF_UUID = 4


def normalised(message: str) -> str:
    """What `message` has in common with those that mean the same."""
    return _normalised(message[:_READ].translate(_DIGITS))


@lru_cache(maxsize=_KEPT)
def _normalised(text: str) -> str:
    text = _ANSWERED.sub("", _BEGAN.sub("", text))
    if "://" in text:
        text = _URL.sub(URL, text)
    if "@" in text:
        text = _EMAIL.sub(EMAIL, text)
    text = _QUOTES.sub(lambda match: match.group() if match.group("key") else QUOTED, text)
    if "0" in text:
        text = _NUMBERS.sub(_number, text)
    return one_line(_REPEATED.sub(r"\1", text), LONGEST)


def _number(match: re.Match[str]) -> str:
    text = match.group()
    if match.lastgroup == "time":
        return TIME
    if match.lastgroup == "number":
        return NUMBER + text[len(text.rstrip(".,:")) :]  # the full stop is the sentence's
    return _word(text)


def _word(text: str) -> str:
    """A word with a digit in it: an id, or a name with numbers in it such as `claude-3-haiku` or `email_0042`."""
    parts = text.replace("_", "-").split("-")
    if len(parts) == _HYPHENS_OF_UUID + 1 and all(_is_hex(part) for part in parts):
        return ID
    if any(len(part) >= _MIXED and "0" in part and part.isascii() and not part.isdigit() for part in parts):
        return ID
    return _RUNS.sub(NUMBER, text)


def _is_hex(part: str) -> bool:
    return bool(part) and not part.strip("0abcdefABCDEF")
