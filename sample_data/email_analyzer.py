"""The task of `email.toml` as a Python class, for when a template is not enough.

dagtui run sample_data/emails.csv --task sample_data/email_analyzer.py
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from dagtui import Context, Dimension, Plugin, ProviderChoice


class EmailAnalysis(BaseModel):
    """What is asked of every email."""

    category: Literal["spam", "work", "personal", "newsletter"]
    confidence: float = Field(ge=0, le=1)
    summary: str


class EmailAnalyzer(Plugin):
    """Sorts emails by what they are."""

    name = "email"
    dimensions = (Dimension("analyze_email", output=EmailAnalysis, category="category"),)
    reads = ("content",)

    def create_prompt(self, ctx: Context) -> str:
        return f"Read this email and decide quickly what kind it is.\n\nEmail: {ctx.record['content']}"

    def select_provider(self, ctx: Context) -> ProviderChoice:
        return ProviderChoice("anthropic", model="claude-3-5-haiku-20241022", max_tokens=150, temperature=0.1)
