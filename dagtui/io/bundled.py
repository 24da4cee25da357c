"""Where the files lie that come with dagtui: beside the code in an installed wheel, else in the checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from dagtui.core.errors import ConfigError

_PACKAGE = Path(__file__).resolve().parents[1]


def bundled(kind: Literal["themes", "sample_data"]) -> Path:
    """The folder of the bundled themes or of the sample data.

    Raises:
        ConfigError: the installation lacks it.
    """
    for folder in (_PACKAGE / "bundled" / kind, _PACKAGE.parent / kind):
        if folder.is_dir():
            return folder
    raise ConfigError(f'The folder "{kind}" is missing from this installation of dagtui; install it again.')
