"""The report as a file of its own: HTML to be sent with a mail, or plain text, as its name says."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from dagtui.core.errors import ConfigError, TargetExists
from dagtui.core.report import Kept, as_text, report
from dagtui.core.report_html import Page, page
from dagtui.core.result import RunResult
from dagtui.core.run_settings import RunSettings
from dagtui.core.text import visible
from dagtui.past.recap import Recap, Setting, recap, setting_of

KINDS = (".html", ".htm", ".txt")
_NO_SETTING = Setting({}, None)


def write_report(path: Path, target: Path, *, overwrite: bool = False) -> None:
    """Write the report of the run whose journal is at `path` into `target`. Blocks.

    Raises:
        ConfigError: the journal cannot be read, or the target not be written.
        TargetExists: the target holds something, and `overwrite` is off.
    """
    refuse(target, overwrite=overwrite)
    put(told(recap(path), target), target)


def write_live(
    title: str, result: RunResult, outcome: str, kept: Kept, settings: RunSettings, journal: Path | None,
    target: Path, *, overwrite: bool = False,
) -> None:  # fmt: skip
    """The same for a run that is at hand, whose `journal` tells what the figures do not. `outcome` is how it
    ended, or `running`. Blocks.

    Raises:
        ConfigError: the journal cannot be read, or the target not be written.
        TargetExists: the target holds something, and `overwrite` is off.
    """
    refuse(target, overwrite=overwrite)
    setting = _NO_SETTING if journal is None else setting_of(journal)
    sections = report(
        result.snapshot,
        kept,
        result.audit,
        settings=settings,
        title=title,
        max_tokens=setting.max_tokens,
    )
    if target.suffix.lower() == ".txt":
        put(_text(title, result.reason, as_text(sections, 78)), target)
        return
    begun = result.snapshot.started_at
    view = Page(
        title,
        outcome,
        result.reason,
        result.snapshot,
        sections,
        kept,
        setting.terms,
        "" if begun is None else _date(begun),
        _date(datetime.now().timestamp()),  # noqa: DTZ005 - an instant, whatever the zone
    )
    put(page(view), target)


def told(run: Recap, target: Path) -> str:
    """The report of `run` in the form that the name of `target` says."""
    if target.suffix.lower() == ".txt":
        return _text(run.title, run.result.reason, as_text(run.sections, 78))
    view = Page(
        run.title,
        run.outcome,
        run.result.reason,
        run.result.snapshot,
        run.sections,
        run.kept,
        run.terms,
        _date(run.started_at),
        _date(datetime.now().timestamp()),  # noqa: DTZ005
    )
    return page(view)


def refuse(target: Path, *, overwrite: bool) -> None:
    """Say no to a name that tells no form, and to a file that is there, before anything is read.

    Raises:
        ConfigError: the name ends in nothing that a report can be.
        TargetExists: it holds something.
    """
    if target.suffix.lower() not in KINDS:
        raise ConfigError(f'{target}: a report is written as .html or .txt, not as "{target.suffix}"; rename it.')
    if target.is_dir():
        raise ConfigError(f"{target} is a folder; name a file in it.")
    if not overwrite and target.exists() and target.stat().st_size:
        raise TargetExists(f"{target} exists already; add --overwrite, or choose another name.")


def put(text: str, target: Path) -> None:
    """Write `text`, which appears when it is complete.

    Raises:
        ConfigError: it cannot be written.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_text(text, "utf-8")
        part.replace(target)
    except OSError as error:
        raise ConfigError(f"{target}: cannot be written: {error.strerror or error}.") from None
    finally:
        part.unlink(missing_ok=True)


def _text(title: str, reason: str, body: str) -> str:
    return visible(f"{title}\n{reason}\n\n{body}")


def _date(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%d %B %Y, %H:%M %Z").strip()
