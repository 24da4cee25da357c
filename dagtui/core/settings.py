"""What a user may set, guarded where it enters. Unknown names are refused with the nearest known one.

`RunSettings` has a module of its own, which loads faster than this one, and can be had here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from dagtui.core.errors import ConfigError, nearest
from dagtui.core.run_settings import MAX_ATTEMPTS, MAX_CONCURRENCY, MAX_GATEWAY_RETRIES, RunSettings

__all__ = [
    "MAX_CONCURRENCY",
    "Config",
    "GatewayName",
    "GatewaySettings",
    "PriceOverride",
    "RunSettings",
    "checked",
]

GatewayName = str
"""`demo`, `portkey`, `local`, or a base URL."""


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GatewaySettings(_Settings):
    """Where requests go and with which credentials. Keys are secrets: their repr hides them."""

    name: GatewayName = "demo"
    base_url: str
    api_key: SecretStr | None = Field(default=None, description="the Portkey key")
    provider_key: SecretStr | None = Field(default=None, description="the model provider's own key")
    provider: str | None = Field(
        default=None, description="overrides the task's provider; @slug for the Model Catalog"
    )
    config: str | None = Field(default=None, repr=False, description="a config id (pc-...) or inline JSON")
    custom_host: str | None = Field(default=None, description="the provider's base URL, with /v1")
    metadata: Mapping[str, str] = Field(default_factory=dict)
    connect_timeout: float = Field(default=5.0, gt=0)


class PriceOverride(_Settings):
    """US dollars for a million tokens of one model."""

    input: Decimal = Field(ge=0)
    output: Decimal = Field(ge=0)
    cache_read: Decimal | None = Field(default=None, ge=0)
    cache_write: Decimal | None = Field(default=None, ge=0)


class Config(_Settings):
    """The content of a `dagtui.toml`. Everything is optional; flags and environment win over it."""

    gateway: str | None = None
    provider: str | None = None
    portkey_config: str | None = None
    custom_host: str | None = None
    task: str | None = None
    theme: str | None = None
    concurrency: int | None = Field(default=None, ge=1, le=MAX_CONCURRENCY)
    automatic: bool | None = None
    ceiling: int | None = Field(default=None, ge=1, le=MAX_CONCURRENCY)
    attempts: int | None = Field(default=None, ge=1, le=MAX_ATTEMPTS)
    timeout: float | None = Field(default=None, gt=0)
    requests_per_minute: float | None = Field(default=None, gt=0)
    limits: Mapping[Literal["requests", "input", "output"], Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict[Literal["requests", "input", "output"], float]
    )
    gateway_retries: int | None = Field(default=None, ge=0, le=MAX_GATEWAY_RETRIES)
    hedge: bool | None = None
    dedupe: bool | None = None
    max_cost: Decimal | None = Field(default=None, gt=0)
    bad_rows: Literal["fail", "skip"] | None = None
    pilot: int | None = Field(default=None, ge=1)
    pilot_min_ok: float | None = Field(default=None, ge=0, le=1)
    stop_when: str | None = None
    title: bool | None = None
    notify: Literal["bell", "osc9", "both", "off"] | None = None
    keys: Mapping[str, str] = Field(default_factory=dict)
    metadata: Mapping[str, str] = Field(default_factory=dict)
    prices: Mapping[str, PriceOverride] = Field(default_factory=dict)


S = TypeVar("S", bound=BaseModel)


def checked(model: type[S], values: Mapping[str, Any], where: str) -> S:
    """Build `model` from `values`.

    Raises:
        ConfigError: one sentence: `where`, the setting, what is wrong with it and what it may be.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{where}: {_sentence(model, error)}") from None


def _sentence(model: type[BaseModel], error: ValidationError) -> str:
    found = error.errors(include_url=False)
    # A misspelt name is both unknown and missing: the former says more.
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    name = ".".join(str(part) for part in first["loc"]) or "value"
    match first["type"]:
        case "extra_forbidden":
            return f'unknown setting "{name}"{nearest(name.split(".")[-1], model.model_fields)}.'
        case "missing":
            return f'"{name}" is missing; add it.'
        case _:
            shown = repr(first["input"])
            message = first["msg"][0].lower() + first["msg"][1:]
            return f'"{name}" is {shown[:60]}, but {message}.'
