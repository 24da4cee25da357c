"""What a user chose to run, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

from dagtui.core.run_settings import RunSettings

if TYPE_CHECKING:
    from dagtui.core.settings import PriceOverride


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. `output` None keeps the results in the journal alone, from which `Session.export` writes them.

    `journal` is the file of the journal, by default one in the state folder.

    `overwrite` replaces files of an earlier run. `model` and `provider` override the task's; `knobs` and `seed`
    are the simulator's, `scenario` what it plays by itself; `story` is told over the run, at that `pace`; `stdout`
    takes the results instead of a file. `gateway_retries` are the gateway's own; `remember` keeps what is learnt
    of the limits for the next run. `temperature` and `max_tokens` override the task's as `model` does; `stale` is
    what was decided about answers to what would be asked otherwise now.
    """

    path: str = ""
    task: str = "email"
    gateway: str = "demo"
    settings: RunSettings = field(default_factory=RunSettings)
    format: str | None = None
    output: Path | None = None
    output_format: str | None = None
    failures: Path | None = None
    overwrite: bool = False
    stdout: TextIO | None = None
    model: str | None = None
    provider: str | None = None
    portkey_config: str | None = None
    custom_host: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    prices: Mapping[str, PriceOverride] = field(default_factory=dict[str, Any])
    knobs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    seed: int = 0
    scenario: str | None = None
    story: str | None = None
    pace: float = 1.0
    gateway_retries: int | None = None
    remember: bool = True
    journal: Path | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    stale: Literal["redo", "keep"] = "redo"
