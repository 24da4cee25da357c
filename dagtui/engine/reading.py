"""What comes out of a source, whoever wrote it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

from dagtui.core.errors import BadInput, DagtuiError
from dagtui.core.model import Record, RowError
from dagtui.core.ports import Source

_log = logging.getLogger("dagtui.engine")


async def rows_of(source: Source) -> AsyncIterator[Record | RowError]:
    """The rows of `source`, its records in their order.

    Raises:
        DagtuiError: it cannot be read on, or numbers its records wrongly.
    """
    count = 0
    try:
        async for row in source:
            if isinstance(row, Record):
                if row.index != count:
                    raise BadInput(f"the source numbers its record {row.index}, where {count} is due")
                count += 1
            yield row
    except DagtuiError:
        raise
    except Exception as error:
        _log.exception("the source raised")
        raise BadInput(f"{type(error).__name__}: {error}") from error
