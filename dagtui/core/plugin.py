"""The plugin API: what to ask of each record, in what order, and of which model.

class EmailAnalyzer(Plugin):
    dimensions = [Dimension("analyze_email", output=EmailAnalysis, category="category")]

    def create_prompt(self, ctx):
        return f"Analyze this email.\\n\\nEmail: {ctx.record['content']}"

    def select_provider(self, ctx):
        return ProviderChoice("anthropic", model="claude-3-5-haiku-20241022", max_tokens=150)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dagtui.core.value import value

if TYPE_CHECKING:
    from pydantic import BaseModel

    from dagtui.core.model import Prompt, ProviderChoice, Value


@dataclass(frozen=True, slots=True)
class Dimension:
    """One question asked of each record.

    `needs` names dimensions whose answers this one reads. `output` is the model that the answer must fit
    (plain text if None), `category` its field that the breakdown counts.
    """

    name: str
    needs: tuple[str, ...] = ()
    output: type[BaseModel] | None = None
    category: str | None = None


@value
class Context:
    """What a plugin may look at: the dimension, the record's fields, and the answers it needs."""

    dimension: Dimension
    record: Mapping[str, Any]
    answers: Mapping[str, Value]


class Plugin(ABC):
    """Declares dimensions and writes their prompts. Methods may be plain or `async`."""

    name: str = ""
    dimensions: Sequence[Dimension] = ()
    reads: Sequence[str] = ()
    """Fields that every record must have; checked before anything is sent."""

    @abstractmethod
    def create_prompt(self, ctx: Context) -> str | Prompt | Awaitable[str | Prompt]:
        """The prompt for one record and dimension. A dimension's output schema is added to it."""

    @abstractmethod
    def select_provider(self, ctx: Context) -> ProviderChoice | Awaitable[ProviderChoice]:
        """The model that answers this dimension."""

    def describe(self, dimension: Dimension) -> Mapping[str, str]:
        """What the prompts of `dimension` are made of, where that is plain text: a record is asked as before as
        long as both are the same. Empty where only making the prompts tells.
        """
        return {}
