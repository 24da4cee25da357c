"""A task written as data: prompts with placeholders, a model, and the shape of the answer.

    name = "tickets"
    description = "Sort support tickets"

    [model]
    provider = "anthropic"
    name = "claude-3-5-haiku-20241022"
    max_tokens = 150
    temperature = 0.1
    top_p = 0.9                              # what is not known here goes into the request as it is

    [ask]                                    # one question; several are [[ask]], each with a name
    name = "triage"
    system = "You sort support tickets."
    prompt = "Subject: {subject}\\n\\n{body}"
    category = "queue"

    [ask.output]                             # left out, the answer is plain text
    queue = ["billing", "bug", "how-to"]     # one of these
    urgency = { type = "integer", min = 1, max = 5 }
    summary = "text"

A question that names others in `needs` reads their answers as `{triage.queue}`, and may have a model of its own in
`[ask.model]`, which is laid over the common one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dagtui.core.plugin import Context, Dimension, Plugin

if TYPE_CHECKING:
    from dagtui.core.model import Prompt, ProviderChoice


class TaskPlugin(Plugin):
    """A task file as a plugin.

    Raises:
        ConfigError: `where` (the file), the table and the key that is wrong.
    """

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        from dagtui.core.task_file import read_task  # loads pydantic: wanted when there is a file to read

        task, self._questions = read_task(values, where)
        self.description = task.description
        self.name = task.name
        self.dimensions = tuple(question.dimension for question in self._questions.values())
        self.reads = tuple(dict.fromkeys(name for q in self._questions.values() for name in q.reads))

    def create_prompt(self, ctx: Context) -> Prompt:
        """The templates filled in.

        Raises:
            BadInput: the record lacks a field.
        """
        return self._questions[ctx.dimension.name].filled(ctx)

    def select_provider(self, ctx: Context) -> ProviderChoice:
        """The model of the question, or the task's."""
        return self._questions[ctx.dimension.name].choice

    def describe(self, dimension: Dimension) -> Mapping[str, str]:
        """The question's templates."""
        question = self._questions[dimension.name]
        return {"system": question.system.text if question.system else "", "prompt": question.prompt.text}
