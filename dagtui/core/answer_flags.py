"""What is odd about an answer, whether or not it fits: empty, refused, cut off. And a number that equal texts
share.

Pure, and called once an answer, so it looks at no more of the text than it must.
"""

from __future__ import annotations

from zlib import crc32

from dagtui.core.output import CUT_OFF
from dagtui.core.output import REFUSED as REFUSALS

EMPTY, REFUSED, TRUNCATED = 1, 2, 4
"""Flags of an answer, to be added up."""

_BEGINNING = 120  # characters within which a refusal says so
_PHRASES = (
    "i can't help",
    "i cannot help",
    "i can't assist",
    "i cannot assist",
    "i'm unable to help",
    "i am unable to help",
    "i'm unable to assist",
    "i am unable to assist",
    "i'm not able to help",
    "i am not able to help",
    "i can't provide",
    "i cannot provide",
    "i can't comply",
    "i cannot comply",
    "i won't be able to help",
    "i must decline",
)


def classify(text: str, stop_reason: str | None) -> int:
    """The flags of an answer. An answer that is JSON is no refusal, whatever its strings say."""
    flags = 0
    if stop_reason is not None:
        if stop_reason in CUT_OFF:
            flags = TRUNCATED
        elif stop_reason in REFUSALS:
            flags = REFUSED
    if text.startswith(("{", "[")):
        return flags
    beginning = text[:_BEGINNING].strip().lower()
    if not beginning and not text.strip():
        return flags | EMPTY
    if "i" in beginning:
        beginning = beginning.replace("\u2019", "'")
        if any(phrase in beginning for phrase in _PHRASES):
            flags |= REFUSED
    return flags


def echo(text: str) -> int:
    """A number from 32 bits that equal texts share, in every process; others hardly ever do."""
    try:
        return crc32(text.encode())
    except UnicodeEncodeError:  # half a character
        return crc32(text.encode("utf-8", "surrogatepass"))
