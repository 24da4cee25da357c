"""The one choke point for text that came from a file, a provider or a model.

A terminal obeys control characters wherever they come from, so untrusted text is made visible before it may
reach a screen or a log: ESC becomes ␛, and bidirectional overrides, C1 controls and lone surrogates become ·.
"""

from __future__ import annotations

import re

_CONTROL = {code: chr(0x2400 + code) for code in range(0x20)}
_CONTROL[0x7F] = "␡"

UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"  # bidi controls, zero widths, separators
    "\ud800-\udfff\U000e0000-\U000e007f]"  # lone surrogates, tag characters
)


def _shown(match: re.Match[str]) -> str:
    return _CONTROL.get(ord(match.group()), "·")


def visible(text: str, limit: int | None = None) -> str:
    """`text` with every character that could steer a terminal made visible, cut to `limit` characters."""
    if limit is not None and len(text) > limit:
        text = text[: limit - 1] + "…"
    return UNSAFE.sub(_shown, text) if not text.isprintable() else text


def one_line(text: str, limit: int) -> str:
    """`text` on one line: white space folded, made visible, cut to `limit` characters."""
    return visible(" ".join(text[: limit * 4].split()), limit)
