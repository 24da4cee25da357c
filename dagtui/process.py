"""What a front end does to its own process before a run; who uses dagtui as a library keeps theirs as it is."""

from __future__ import annotations

import gc

MOST_FILES = 65_536
"""Open files asked of the system at most; each request in flight holds one."""


def prepare() -> None:
    """Make the process ready for thousands of requests in flight."""
    _calm_collector()
    _allow_connections()


def _calm_collector() -> None:
    """Take what is loaded out of the garbage collector's sight, and let it look less often.

    A full collection pauses the loop for 20 to 35 ms, and at the default thresholds a seventh of the throughput
    goes into collections that find nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 1000)


def _allow_connections() -> None:
    """Raise the soft limit of open files to what the system allows: it is 256 on macOS and 1,024 on most Linux."""
    try:
        import resource
    except ImportError:  # Windows knows no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # macOS refuses more than its kernel's own limit; then it stays as it was
        return
