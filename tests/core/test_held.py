from __future__ import annotations

import pytest

from dagtui.core.held import Hold, Holder, sentence
from dagtui.core.pacing.mirror import Source

NUMBERS = {Holder.REQUESTS: 50_000.0, Holder.INPUT: 4_000_000.0, Holder.OUTPUT: 800_000.0}


@pytest.mark.parametrize("known_from", [source.value for source in Source])
@pytest.mark.parametrize("by", list(Holder))
def test_each_is_one_short_sentence_that_goes_on_from_held_by(by: Holder, known_from: str) -> None:
    said = sentence(Hold(by, NUMBERS.get(by, 1234.0), known_from))
    assert said
    assert said == said.strip()
    assert "\n" not in said
    assert said[-1] not in ".!?;:,"
    assert ". " not in said
    assert len(said) <= 90


def test_no_two_say_the_same() -> None:
    assert len({sentence(Hold(by, 10.0)) for by in Holder}) == len(Holder)


@pytest.mark.parametrize(
    ("by", "remedy"),
    [
        (Holder.YOU, "more than 40 at once would be faster"),
        (Holder.REQUESTS, "a higher limit"),
        (Holder.INPUT, "a shorter prompt"),
        (Holder.OUTPUT, "max_tokens"),
    ],
)
def test_where_something_would_lift_it_that_is_said(by: Holder, remedy: str) -> None:
    assert remedy in sentence(Hold(by, 40.0))


@pytest.mark.parametrize(
    ("hold", "said"),
    [
        (Hold(Holder.CEILING, 500), "500"),
        (Hold(Holder.AUTOMATIC, 37), "37"),
        (Hold(Holder.PROVIDER_CAP, 8.0), "8 at once"),
        (Hold(Holder.GATEWAY, 17.4), "17 at once"),
        (Hold(Holder.ASKED, 12.34), "12.3 s"),
        (Hold(Holder.OUTAGE, 1.5), "1.5 s"),
        (Hold(Holder.WAITING, 1200), "1,200"),
        (Hold(Holder.LOWERED, 3), "3"),
        (Hold(Holder.REQUESTS, 2999.7, "header"), "3,000, as the provider says"),
        (Hold(Holder.REQUESTS, 3000, "measured"), "3,000, measured by refusals"),
        (Hold(Holder.REQUESTS, 3000, "remembered"), "3,000, as in an earlier run"),
        (Hold(Holder.REQUESTS, 3000, "told"), "3,000, as you said"),
        (Hold(Holder.INPUT, 3000, "message"), "3,000, as a refusal said"),
        (Hold(Holder.REQUESTS, 3000, "header", 1460.0), "3,000, as the provider says; others use about 50% of it"),
        (Hold(Holder.REQUESTS, 3000, "header", 100.0), "3,000, as the provider says; a higher limit"),
    ],
)
def test_the_number_that_binds_is_named_and_where_it_is_known_from(hold: Hold, said: str) -> None:
    assert said in sentence(hold)


def test_of_a_limit_of_unknown_origin_only_the_number_is_said() -> None:
    assert sentence(Hold(Holder.REQUESTS, 3000)) == "requests a minute: 3,000; a higher limit would lift it"
