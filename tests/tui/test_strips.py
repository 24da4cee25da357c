"""What the screen leaves behind is gone at once, so that no collection of garbage stops the loop."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import pytest
from rich.segment import Segment
from textual.strip import Strip

from tests.tui.conftest import dashboard
from tests.tui.fakes import FakeSession


class Held(Strip):
    """A strip that can be watched going."""

    __slots__ = ("__weakref__",)


@pytest.mark.parametrize("cuts", [[10], [10, 70], [4, 10], [4, 7, 10, 11]])
async def test_a_strip_that_was_divided_goes_with_its_last_holder(folder: Path, cuts: list[int]) -> None:
    async with dashboard(folder, FakeSession()):  # the app sees to it
        gc.disable()
        try:
            strip = Held([Segment("0123456789")], 10)
            parts = strip.divide(cuts)
            assert "".join(part.text for part in parts) == "0123456789"
            assert [part.cell_length for part in parts] == [
                end - begin for begin, end in zip([0, *cuts], [cut for cut in cuts if cut <= 10], strict=False)
            ]
            gone = weakref.ref(strip)
            del strip, parts
            assert gone() is None
        finally:
            gc.enable()
