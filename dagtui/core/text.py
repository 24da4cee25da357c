"""The one choke point for text that came from a file, a provider or a model.

A terminal obeys control characters wherever they come from, so untrusted text is made visible before it may
reach a screen or a log: ESC becomes ␛, and bidirectional overrides, C1 controls and lone surrogates become ·.
What terminals disagree about the width of would move the rest of its line: joiners become ·, the selectors that
ask for a picture of a letter are left out, and of a tower of accents the first eight are kept.
"""

from __future__ import annotations

import re

_CONTROL = {code: chr(0x2400 + code) for code in range(0x20)}
_CONTROL[0x7F] = "␡"

UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e"  # what formats and shows nothing: all of Cf,
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"  # bidi controls, separators
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\ud800-\udfff\U000e0000-\U000e0fff]"  # lone surrogates, tags and variations
)
PICTURES = re.compile("[\ufe0e\ufe0f]")
_ACCENTS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u06d6-\u06dc\u0730-\u074a"
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u0f71-\u0f84"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0\u302a-\u302f\u3099\u309a\ufe00-\ufe0f\ufe20-\ufe2f"
)
_TOWER = re.compile(f"([{_ACCENTS}]{{8}})[{_ACCENTS}]+")
_KEYLIKE = re.compile(r"\b(?:sk|pk)-[A-Za-z0-9_-]{12,}|(?<=Bearer )[^\s\"',]{8,}", re.IGNORECASE)


def _shown(match: re.Match[str]) -> str:
    return _CONTROL.get(ord(match.group()), "·")


def visible(text: str, limit: int | None = None) -> str:
    """`text` with every character that could steer a terminal made visible, cut to `limit` characters."""
    if limit is not None and len(text) > limit:
        text = text[: limit - 1] + "…"
    if not text.isascii():
        text = _TOWER.sub(r"\1·", PICTURES.sub("", text))
        if limit is not None:
            text = text[:limit]
    return UNSAFE.sub(_shown, text) if not text.isprintable() else text


def one_line(text: str, limit: int) -> str:
    """`text` on one line: white space folded, made visible, cut to `limit` characters."""
    return visible(" ".join(text[: limit * 4].split()), limit)


def named(text: str, limit: int = 80) -> str:
    """`text` as the name of something in a sentence: as it is, on one line, cut to `limit` characters."""
    return visible(text, limit).replace("\n", "␊").replace("\t", "␉")


def keyless(text: str) -> str:
    """`text` without what looks like an API key."""
    return _KEYLIKE.sub("***", text)
