"""What a plan chose: its task, the models, the gateway's settings and the way that requests go."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import Any

from dagtui.core.dag import Dag
from dagtui.core.errors import ConfigError
from dagtui.core.model import Prompt, ProviderChoice, Record
from dagtui.core.plan import Plan
from dagtui.core.plugin import Context, Dimension, Plugin
from dagtui.core.settings import GatewaySettings
from dagtui.io.credentials import STARS, gateway_settings, inline_config, with_retries, without_secrets
from dagtui.io.tasks import load_task
from dagtui.simulator.scenarios import scenario_named


def settings_of(
    plan: Plan, plugin: Plugin, first: Record | None, environ: Mapping[str, str], base_url: str | None = None
) -> GatewaySettings:
    """The settings of the plan's gateway, keys included.

    Raises:
        ConfigError: a key is missing, or the gateway cannot be what the plan says.
    """
    choices = choices_of(plugin, first)
    retries = plan.gateway_retries
    if retries is None and plan.scenario is not None:
        retries = scenario_named(plan.scenario).gateway_retries or None
    provider, model = (choices[0].provider, choices[0].model) if choices else ("anthropic", "")
    settings = gateway_settings(
        plan.gateway,
        environ,
        provider=provider,
        model=model,
        config=plan.portkey_config,
        custom_host=plan.custom_host,
        metadata=plan.metadata,
        base_url=base_url,
        override_provider=plan.provider,
    )
    return settings if retries is None else with_retries(settings, retries)


def choices_by_name(plugin: Plugin, first: Record | None) -> dict[str, ProviderChoice]:
    """The model of each dimension for the first record, as far as the plugin tells without an answer."""
    fields: Mapping[str, Any] = first.fields if first is not None else {}
    found: dict[str, ProviderChoice] = {}
    for dimension in plugin.dimensions:
        try:
            choice = plugin.select_provider(Context(dimension, fields, {}))
        except Exception:  # it looks at an answer that is not there yet: told when the request is built
            continue
        if isinstance(choice, ProviderChoice):
            found[dimension.name] = choice
    return found


def choices_of(plugin: Plugin, first: Record | None) -> list[ProviderChoice]:
    """The models that the plugin picks for the first record."""
    return list(choices_by_name(plugin, first).values())


def route_of(plan: Plan, settings: GatewaySettings) -> dict[str, str]:
    """The way that requests go, in words and without secrets: an answer depends on it."""
    route = {
        "gateway": plan.gateway,
        "provider": settings.provider or "",
        "custom_host": settings.custom_host or "",
    }
    return {**route, "config": without_secrets(settings.config)}


def refuse_stars(plan: Plan) -> None:
    """A config that the journal keeps without its keys would send requests another way than before."""
    if plan.portkey_config and inline_config(plan.portkey_config) and f'"{STARS}"' in plan.portkey_config:
        raise ConfigError(
            "The gateway's config holds keys, which the journal does not keep:"
            " give it again, in DAGTUI_PORTKEY_CONFIG."
        )


def plugin_of(plan: Plan) -> Plugin:
    """The plan's task, with the plan's own model if it names one.

    Raises:
        DagtuiError: there is no such task, or it is wrong.
    """
    plugin = load_task(plan.task)
    Dag(plugin.dimensions)
    chosen = (plan.model, plan.provider, plan.temperature, plan.max_tokens)
    return plugin if all(one is None or one == "" for one in chosen) else _Overridden(plugin, plan)


class _Overridden(Plugin):
    """A plugin whose model or parameters were chosen on the command line, or in the middle of the run."""

    def __init__(self, plugin: Plugin, plan: Plan) -> None:
        self._plugin = plugin
        self._plan = plan
        self.name = plugin.name
        self.dimensions = plugin.dimensions
        self.reads = plugin.reads

    def create_prompt(self, ctx: Context) -> str | Prompt | Awaitable[str | Prompt]:
        return self._plugin.create_prompt(ctx)

    def select_provider(self, ctx: Context) -> ProviderChoice | Awaitable[ProviderChoice]:
        choice = self._plugin.select_provider(ctx)
        return self._changed(choice) if isinstance(choice, ProviderChoice) else self._later(choice)

    def describe(self, dimension: Dimension) -> Mapping[str, str]:
        return self._plugin.describe(dimension)

    async def _later(self, choice: Awaitable[ProviderChoice]) -> ProviderChoice:
        return self._changed(await choice)

    def _changed(self, choice: ProviderChoice) -> ProviderChoice:
        plan = self._plan
        model, provider = plan.model or choice.model, plan.provider or choice.provider
        temperature = choice.temperature if plan.temperature is None else plan.temperature
        max_tokens = choice.max_tokens if plan.max_tokens is None else plan.max_tokens
        return replace(choice, model=model, provider=provider, temperature=temperature, max_tokens=max_tokens)
