from __future__ import annotations

from hypothesis import HealthCheck, settings

# How fast a machine makes examples says nothing about the program: on a busy one these checks fail by themselves.
settings.register_profile("dagtui", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("dagtui")
