"""The sample data is what its generator makes, and its tasks fit it."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from dagtui.core.dag import Dag
from dagtui.core.model import Prompt, Record
from dagtui.core.plugin import Context, Plugin
from dagtui.io.bundled import bundled
from dagtui.io.source import open_source
from dagtui.io.tasks import load_task, missing_fields

FOLDER = Path(__file__).parent.parent / "sample_data"
GENERATED = ("emails.csv", "emails.labels.csv", "tickets.jsonl", "reviews.txt")


def records(name: str) -> list[Record]:
    source = open_source(FOLDER / name)
    source.check()
    return source.preview(1000)


def labels() -> dict[str, str]:
    with (FOLDER / "emails.labels.csv").open(newline="") as file:
        return {row["id"]: row["label"] for row in csv.DictReader(file)}


def test_the_folder_of_a_checkout_is_found() -> None:
    assert bundled("sample_data") == FOLDER


def test_the_generator_makes_the_same_bytes_again(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-B", FOLDER / "generate.py", tmp_path], check=True, timeout=60)
    for name in GENERATED:
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(GENERATED)


def test_the_hundred_emails_have_the_mix_of_the_reference() -> None:
    emails = records("emails.csv")
    assert open_source(FOLDER / "emails.csv").columns == ("id", "from", "subject", "content")
    assert Counter(labels().values()) == {"work": 38, "spam": 27, "newsletter": 22, "personal": 13}
    assert [email.id for email in emails] == list(labels())
    order = list(labels().values())
    assert all(len(set(order[start : start + 20])) >= 3 for start in range(0, 100, 20))


def test_emails_differ_and_have_a_believable_length() -> None:
    contents = [str(email.fields["content"]) for email in records("emails.csv")]
    assert len(set(contents)) == 100
    lengths = [len(content.split()) for content in contents]
    assert min(lengths) >= 40
    assert max(lengths) <= 72
    sentences = Counter(sentence for content in contents for sentence in content.split(". "))
    assert len(sentences) > 300
    plugin = load_task("email")
    prompts = [prompt_of(plugin, email) for email in records("emails.csv")]
    assert 75 <= sum(len(prompt.user) for prompt in prompts) / 100 / 4 <= 100


def test_tickets_and_reviews_are_there_in_their_numbers() -> None:
    assert open_source(FOLDER / "tickets.jsonl").columns == ("id", "customer", "subject", "body", "plan")
    assert len({ticket.id for ticket in records("tickets.jsonl")}) == 60
    assert len({str(review.fields["text"]) for review in records("reviews.txt")}) == 80


def prompt_of(plugin: Plugin, record: Record, position: int = 0) -> Prompt:
    prompt = plugin.create_prompt(Context(plugin.dimensions[position], record.fields, {}))
    assert isinstance(prompt, Prompt | str)
    return prompt if isinstance(prompt, Prompt) else Prompt(prompt)


@pytest.mark.parametrize(
    ("task", "data"), [("email", "emails.csv"), ("tickets", "tickets.jsonl"), ("reviews", "reviews.txt")]
)
def test_each_task_fits_its_data(task: str, data: str) -> None:
    plugin = load_task(task)
    assert missing_fields(plugin, open_source(FOLDER / data).columns) is None
    for record in records(data):
        assert "{" not in prompt_of(plugin, record).user


def test_tickets_are_answered_from_their_triage() -> None:
    plugin = load_task("tickets")
    dag = Dag(plugin.dimensions)
    assert dag.names == ("triage", "reply")
    assert dag.needs(1) == {0}
    triage = plugin.dimensions[0].output
    assert triage is not None
    answer = triage.model_validate({"queue": "bug", "urgency": 4, "summary": "It crashes."})
    ticket = records("tickets.jsonl")[0]
    prompt = plugin.create_prompt(Context(plugin.dimensions[1], ticket.fields, {"triage": answer}))
    assert isinstance(prompt, Prompt)
    assert "triage says: bug, urgency 4 of 5" in prompt.user


def test_the_email_task_is_the_same_in_python_and_in_toml() -> None:
    ours, theirs = load_task("email"), load_task(str(FOLDER / "email_analyzer.py"))
    assert ours.name == theirs.name
    assert tuple(ours.reads) == tuple(theirs.reads)
    [mine], [other] = ours.dimensions, theirs.dimensions
    assert (mine.name, mine.category) == (other.name, other.category) == ("analyze_email", "category")
    assert mine.output is not None
    assert other.output is not None
    assert mine.output.model_json_schema()["properties"] == other.output.model_json_schema()["properties"]
    email = records("emails.csv")[0]
    assert prompt_of(ours, email) == prompt_of(theirs, email)
    assert ours.select_provider(Context(mine, {}, {})) == theirs.select_provider(Context(other, {}, {}))
