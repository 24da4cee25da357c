from __future__ import annotations

from pathlib import Path

import pytest

from dagtui.core.again import again
from dagtui.core.plan import Plan


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("pc-123", "--portkey-config pc-123 "),
        ('{"api_key": "sk-secret-0123456789"}', '--portkey-config "$DAGTUI_PORTKEY_CONFIG" '),
        (None, "--gateway portkey --concurrency "),
    ],
)
def test_the_command_that_runs_failures_again_names_a_config_and_shows_none(config: str | None, told: str) -> None:
    command = again(Plan(gateway="portkey", portkey_config=config), Path("out.failures.csv"))
    assert told in command
    assert "secret" not in command
    assert command.endswith("--output out.again.csv")
