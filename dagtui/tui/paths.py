"""Paths as people write and read them."""

from __future__ import annotations

from pathlib import Path

from rich.cells import cell_len

from dagtui.core.text import one_line

_MOST = 4096


def home(text: str) -> Path:
    """`text` as a path, `~` being the user's home."""
    return Path(text).expanduser()


def tilde(path: Path) -> str:
    """`path` as people write it: `~/mail` for what lies in their home. `home` reads it back."""
    try:
        return str(Path("~") / path.relative_to(Path.home()))
    except (ValueError, RuntimeError):  # elsewhere, or nobody has a home
        return str(path)


def tail(text: str, width: int) -> str:
    """`text` made safe and cut at its left to `width` cells: the end of a path tells more than its beginning."""
    text = one_line(text, _MOST)
    if cell_len(text) <= width:
        return text
    while text and cell_len(text) >= width:
        text = text[max(1, (cell_len(text) - width) // 2) :]
    return "…" + text if width > 0 else ""
