from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# How fast a machine makes examples says nothing about the program: on a busy one these checks fail by themselves.
settings.register_profile("dagtui", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("dagtui")


@pytest.fixture(scope="session", autouse=True)
def state_folder() -> Iterator[None]:
    """What runs remember is kept apart from the user's own state."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "XDG_STATE_HOME", folder)
        yield
