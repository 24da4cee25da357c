from __future__ import annotations

import asyncio

from dagtui.core.model import Record
from dagtui.io.repeated import Repeated
from dagtui.testing import records


def test_samples_are_repeated_each_time_different_with_ids_of_their_own() -> None:
    async def main() -> list[Record]:
        samples = records([{"id": "a", "content": "a long text"}, {"id": "b", "content": "another text"}])
        return [row async for row in Repeated(samples, 5) if isinstance(row, Record)]

    rows = asyncio.run(main())
    assert [row.index for row in rows] == list(range(5))
    assert [row.id for row in rows] == ["1", "2", "3", "4", "5"]
    assert rows[2].fields == {"id": "a", "content": "a long text (3)"}
    assert len({row.fields["content"] for row in rows}) == 5
