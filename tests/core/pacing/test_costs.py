from __future__ import annotations

import pytest

from dagtui.core.model import Prompt, ProviderChoice, Request, Usage
from dagtui.core.pacing.costs import Costs
from dagtui.core.pacing.departure import Kind


def request(length: int = 400, max_tokens: int = 1000, system: str | None = None) -> Request:
    choice = ProviderChoice("anthropic", "some", max_tokens)
    return Request(0, "0", "main", Prompt("x" * length, system), choice, "t")


def test_one_request_costs_one_and_about_a_token_for_four_characters_at_first() -> None:
    assert Costs().of(request(400, system="y" * 40)) == (1.0, 110.0, 1000.0, 50.0)


def test_nothing_costs_less_than_a_token() -> None:
    assert Costs().of(request(0))[Kind.INPUT] == 1.0


def test_tokens_a_character_are_learnt_from_what_answers_report() -> None:
    costs = Costs()
    costs.learn(request(1000), Usage(input=500, output=20))
    assert costs.of(request(200))[Kind.INPUT] == pytest.approx(100)
    for _ in range(500):
        costs.learn(request(1000), Usage(input=300, output=20))
    assert costs.of(request(200))[Kind.INPUT] == pytest.approx(60, rel=0.05)


def test_output_is_learnt_and_never_expected_beyond_max_tokens() -> None:
    costs = Costs()
    for _ in range(50):
        costs.learn(request(), Usage(input=100, output=300))
    assert costs.of(request(max_tokens=1000))[Kind.ACTUAL_OUTPUT] == pytest.approx(300)
    cost = costs.of(request(max_tokens=64))
    assert (cost[Kind.RESERVED_OUTPUT], cost[Kind.ACTUAL_OUTPUT]) == (64.0, 64.0)


def test_what_is_read_from_a_cache_does_not_count_and_what_is_written_does() -> None:
    costs = Costs()
    costs.learn(request(1000), Usage(input=100, cache_read=5000, cache_write=150))
    assert costs.of(request(1000))[Kind.INPUT] == pytest.approx(250)


def test_one_odd_answer_changes_little_of_what_many_said() -> None:
    costs = Costs(tokens_per_character=0.5, output=100.0)
    costs.learn(request(1000), Usage(input=100_000, output=0))
    assert costs.of(request(1000))[Kind.INPUT] < 5 * 500
    assert costs.output > 95


def test_an_empty_prompt_teaches_no_ratio() -> None:
    costs = Costs()
    costs.learn(request(0), Usage(input=12, output=1))
    assert costs.tokens_per_character == 0.25
