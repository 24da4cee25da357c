"""The filter's language, against a plain reading of the same words, request by request."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress

import pytest

from dagtui.core.errors import ErrorKind
from dagtui.core.query import BadQuery, parse
from dagtui.core.store import UNKNOWN_COST, RequestStore, State
from dagtui.core.terms import Rows

QUESTIONS = ("topic", "tone")
NOW = 1000.0


def filled(records: int = 3000) -> tuple[RequestStore, dict[int, float]]:
    """A store with everything in it, and when what is in flight was sent."""
    dice, store, since = random.Random(5), RequestStore(QUESTIONS), {}
    for number in range(records):
        store.add_record(f"Mail_{number:05d}")
    for seq in range(len(store)):
        state = dice.choice(list(State))
        store.state[seq] = state
        if state == State.QUEUED:
            continue
        store.attempts[seq] = dice.randrange(1, 4)
        if state == State.IN_FLIGHT:
            since[seq] = NOW - dice.random() * 10
        store.latency[seq] = dice.random() * 10
        store.status[seq] = dice.choice((200, 429, 500, 0))
        store.tokens_in[seq] = dice.randrange(1000)
        store.tokens_out[seq] = dice.randrange(200)
        store.cost[seq] = dice.choice((UNKNOWN_COST, 0, 500_000, 2_000_000))
        if state == State.SUCCEEDED:
            store.category[seq] = store.category_number(dice.choice(("work", "spam", "Billing question")))
        else:
            store.error[seq] = dice.choice((0, *(store.error_number(kind) for kind in ErrorKind)))
    return store, since


STORE, SINCE = filled()
ROWS = Rows(STORE, NOW, SINCE)
Reading = Callable[[int], bool]


def _is(*states: State) -> Reading:
    return lambda seq: STORE.state[seq] in states


def _flying(seq: int) -> bool:
    return STORE.state[seq] == State.IN_FLIGHT


def _kind(kind: ErrorKind) -> Reading:
    return lambda seq: STORE.error_kind(seq) is kind


READINGS: dict[str, Reading] = {
    "": lambda seq: True,
    "failed": _is(State.FAILED),
    "In Flight": _flying,
    "in-flight": _flying,
    "flying": _flying,
    "ended": _is(State.SUCCEEDED, State.FAILED, State.SKIPPED, State.CANCELLED),
    "state:failed,waiting": _is(State.FAILED, State.WAITING),
    "rate_limited": _kind(ErrorKind.RATE_LIMITED),
    "rate-limited": _kind(ErrorKind.RATE_LIMITED),
    "rate limited": _kind(ErrorKind.RATE_LIMITED),
    "kind:timeout": _kind(ErrorKind.TIMEOUT),
    "error=timeout": _kind(ErrorKind.TIMEOUT),
    "kind:invalid output": _kind(ErrorKind.INVALID_OUTPUT),
    "category:work": lambda seq: STORE.category_name(seq) == "work",
    "work": lambda seq: STORE.category_name(seq) == "work",
    'category:"billing question"': lambda seq: STORE.category_name(seq) == "Billing question",
    "category:none-such": lambda seq: False,
    "question:tone": lambda seq: seq % 2 == 1,
    "tone": lambda seq: seq % 2 == 1,
    "status:429": lambda seq: STORE.status[seq] == 429 and not _flying(seq),
    "http>=400": lambda seq: STORE.status[seq] >= 400 and not _flying(seq),
    "try>1": lambda seq: STORE.attempts[seq] > 1,
    "try != 1": lambda seq: STORE.attempts[seq] != 1,
    "latency>5s": lambda seq: ROWS.took(seq) > 5,
    "latency > 5": lambda seq: ROWS.took(seq) > 5,
    "latency<200ms": lambda seq: 0 < ROWS.took(seq) < 0.2,
    "in>500": lambda seq: STORE.tokens_in[seq] > 500,
    "in<=0.5k": lambda seq: 0 < STORE.tokens_in[seq] <= 500,
    "out>=100": lambda seq: STORE.tokens_out[seq] >= 100,
    "out=0": lambda seq: STORE.tokens_out[seq] == 0,
    "cost>$0.001": lambda seq: STORE.cost[seq] > 1_000_000,
    "cost<0.001": lambda seq: 0 < STORE.cost[seq] < 1_000_000,
    "id:00_1": lambda seq: False,
    "l_0012": lambda seq: "l_0012" in STORE.record_id(seq).lower(),
    "MAIL_00012": lambda seq: STORE.record_id(seq) == "Mail_00012",
    '"failed"': lambda seq: False,
    "-failed": lambda seq: STORE.state[seq] != State.FAILED,
    "!category:work": lambda seq: STORE.category_name(seq) != "work",
    "-mail_0001": lambda seq: "Mail_0001" not in STORE.record_id(seq),
    "-latency>5s": lambda seq: not ROWS.took(seq) > 5,
    "failed try>1 -rate_limited in>500 mail_00": lambda seq: (
        STORE.state[seq] == State.FAILED
        and STORE.attempts[seq] > 1
        and STORE.error_kind(seq) is not ErrorKind.RATE_LIMITED
        and STORE.tokens_in[seq] > 500
        and "Mail_00" in STORE.record_id(seq)
    ),
}


@pytest.mark.parametrize("text", READINGS)
def test_a_query_finds_what_its_words_say(text: str) -> None:
    query = parse(text, QUESTIONS, STORE.categories)
    wanted = [seq for seq in range(len(STORE)) if READINGS[text](seq)]
    assert list(query.scan(ROWS, 0, len(STORE))) == wanted
    parts = [query.scan(ROWS, start, min(start + 997, len(STORE))) for start in range(0, len(STORE), 997)]
    assert [seq for part in parts for seq in part] == wanted
    assert [seq for seq in range(0, len(STORE), 7) if query.holds(ROWS, seq)] == [
        seq for seq in wanted if seq % 7 == 0
    ]


def test_every_word_for_a_state_and_for_a_kind_of_error_is_understood() -> None:
    words = ("queued", "in flight", "waiting", "done", "failed", "skipped", "cancelled")
    for state, word in zip(State, words, strict=True):
        assert {STORE.state[seq] for seq in parse(word).scan(ROWS, 0, len(STORE))} == {state}
    for kind in ErrorKind:
        for word in (kind.value, kind.value.replace("_", "-"), f"kind:{kind.value}"):
            assert {STORE.error_kind(seq) for seq in parse(word).scan(ROWS, 0, len(STORE))} == {kind}


def test_ids_that_only_together_hold_the_text_are_not_found() -> None:
    store = RequestStore(("x",))
    for name in ("aab", "aab", "baab", "Straße", "STRASSE 東京"):
        store.add_record(name)
    found = {"baa": [2], "aab": [0, 1, 2], "bb": [], "strasse": [4], "straße": [3, 4], "東": [4]}
    for text, wanted in found.items():
        assert list(parse(f"id:{text}").scan(Rows(store), 0, 5)) == wanted, text


def test_a_category_that_comes_later_is_found_by_a_query_from_before() -> None:
    store = RequestStore(("x",))
    store.add_record("a")
    query = parse("category:late")
    assert list(query.scan(Rows(store), 0, 1)) == []
    store.category[0] = store.category_number("late")
    assert list(query.scan(Rows(store), 0, 1)) == [0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("latncy>5s", ('no "latncy"', 'did you mean "latency"?', "Quote a text with > in it.")),
        ("state:faild", ('"faild" is no state', 'did you mean "failed"?', "in flight")),
        ("kind:timout", ('"timout" is no kind of error', 'did you mean "timeout"?')),
        ("question:tune", ('"tune" is no question of this run', 'did you mean "tone"?')),
        ("latency>soon", ('"soon" after latency>', "latency>5s or latency<200ms")),
        ("latency:5", ("never exactly", "latency>5s")),
        ("in>", ("in>500",)),
        ("failed latency", ("latency is compared with a number", "latency>5s")),
        ("try>2s", ('"2s" after try>', "try>1")),
        ("state>failed", ("cannot be compared", "state:failed")),
        ("category:", ("category: lacks", "category:work")),
        ("failed -", ('"-" stands before',)),
        ("http://example.org", ("http:", "status:429")),
    ],
)
def test_what_cannot_be_understood_is_told_in_one_sentence_with_what_is_possible(
    text: str, words: tuple[str, ...]
) -> None:
    with pytest.raises(BadQuery) as told:
        parse(text, QUESTIONS)
    for part in words:
        assert part in str(told.value), str(told.value)
    assert "\n" not in str(told.value)


def test_a_bare_word_that_is_nearly_a_known_one_says_so() -> None:
    assert parse("faild").hint == '(did you mean "failed"?)'
    assert parse("latancy").hint == '(did you mean "latency"?)'
    assert parse("mail_17").hint == ""


@pytest.mark.parametrize("text", ['"', '""', "::", "<>", "=", ">5", "a" * 9000, "[/b]", "\\", "(", "日本", '-"x'])
def test_no_text_is_more_than_refused(text: str) -> None:
    with suppress(BadQuery):
        parse(text, QUESTIONS).scan(ROWS, 0, 100)
