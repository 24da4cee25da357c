"""The journal: one SQLite file a run, the durable truth of it. `docs/journal.md` documents the schema.

`schema` makes and opens the file, `rows` turns events into rows, `writer` commits them in a thread of its own,
`reader` tells what is in it, `lock` keeps a second process out, `rescue` helps when the disk gives trouble.
"""

from dagtui.io.journal.lock import is_locked
from dagtui.io.journal.reader import AnswerRow, JournalReader, SessionRow
from dagtui.io.journal.schema import JOURNAL_NAME
from dagtui.io.journal.writer import Carried, Journal

__all__ = ["JOURNAL_NAME", "AnswerRow", "Carried", "Journal", "JournalReader", "SessionRow", "is_locked"]
