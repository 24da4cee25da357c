from __future__ import annotations

import subprocess
import sys

import pytest


def test_a_front_end_may_open_as_many_files_as_the_system_allows_and_collects_seldom() -> None:
    pytest.importorskip("resource", reason="Windows knows no such limit")
    script = """if True:
        import gc, resource
        from dagtui import process
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        process.prepare()
        soft, still = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = process.MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, process.MOST_FILES)
        print(soft == wanted, still == hard, gc.get_threshold()[0] > 700, gc.get_freeze_count() > 0)
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"] * 4
