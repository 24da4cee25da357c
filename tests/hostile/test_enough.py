"""How many hostile inputs the tests of this folder make: the texts and files that each is sure to try."""

from __future__ import annotations

from tests.hostile import test_dashboard, test_export, test_setup, test_source, test_task

SIZES = 2  # of the terminal, for which every widget is tried

SOURCE = test_source.ANY_BYTES + test_source.ANY_PACKED + 3 * test_source.ROUND_TRIPS  # 4,200
TASK = test_task.VALUES + test_task.NAMES + test_task.TEMPLATES + test_task.FILES + test_task.TABLES  # 3,600
EXPORT = test_export.RESULTS + test_export.FAILURES + test_export.CELLS  # 2,400
DASHBOARD = SIZES * (
    test_dashboard.BATCHES * test_dashboard.BATCH + 2 * test_dashboard.SCREENS * test_dashboard.FEW
)  # 1,826
SETUP = SIZES * 3 * test_setup.BATCHES * test_setup.BATCH  # 2,400


def test_there_are_ten_thousand_at_least() -> None:
    assert SOURCE + TASK + EXPORT + DASHBOARD + SETUP >= 14_000
