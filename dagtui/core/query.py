"""The language of the filter: words that must all be true of a request.

    failed latency>5s -kind:timeout category:work "order 66"

A bare word is a state, a kind of error, a category or a question where there is one of that name, else a part of
the record's id. `name:value` says which is meant, commas give alternatives, and `-` or `!` before a word turns it
round.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, nextafter

from dagtui.core.errors import DagtuiError, ErrorKind, ExitCode, nearest
from dagtui.core.store import RequestStore, State
from dagtui.core.terms import Asked, Between, Named, Not, Numbers, OneOf, Rows, Term
from dagtui.core.text import named

STATES: dict[str, tuple[State, ...]] = {
    "queued": (State.QUEUED,),
    "in flight": (State.IN_FLIGHT,),
    "flying": (State.IN_FLIGHT,),
    "waiting": (State.WAITING,),
    "done": (State.SUCCEEDED,),
    "failed": (State.FAILED,),
    "skipped": (State.SKIPPED,),
    "cancelled": (State.CANCELLED,),
    "ended": (State.SUCCEEDED, State.FAILED, State.SKIPPED, State.CANCELLED),
}
"""The words for states; `ended` is all that have their outcome."""
EXAMPLES = "failed   kind:timeout   category:work   latency>5s   try>1   status:429   -done   part of an id"
"""What may be typed, in a line."""

_KINDS: dict[str, ErrorKind] = {kind.value.replace("_", " "): kind for kind in ErrorKind}
_NUMBERS: dict[str, Numbers] = {
    "latency": "latency",
    "try": "attempts",
    "attempts": "attempts",
    "in": "tokens_in",
    "out": "tokens_out",
    "cost": "cost",
    "http": "status",
    "status": "status",
}
_NAMES = ("state", "kind", "error", "category", "question", "id")
_LOOKED_AT = ("state", "kind", "category", "question", "id", "latency", "try", "http", "in", "out", "cost")
_UNITS: dict[Numbers, dict[str, float]] = {
    "latency": {"": 1.0, "s": 1.0, "ms": 0.001, "m": 60.0, "min": 60.0, "h": 3600.0},
    "cost": {"": 1e9},
    "tokens_in": {"": 1.0, "k": 1e3},
    "tokens_out": {"": 1.0, "k": 1e3},
}
_EXAMPLE: dict[Numbers, str] = {
    "latency": "latency>5s or latency<200ms",
    "attempts": "try>1",
    "tokens_in": "in>500",
    "tokens_out": "out>=100",
    "cost": "cost>0.001, in dollars",
    "status": "status:429 or http>=500",
}
_LEAST = nextafter(0.0, 1.0)
_WORD = re.compile(
    r"(?P<turned>[-!]?)(?:(?P<name>[A-Za-z_]+)\s*(?P<sign>[<>!]=|[:<>=])\s*)?"
    r'(?P<value>"[^"]*"?|\S*)\s*'
)
_NUMBER = re.compile(r"\$?(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)")


class BadQuery(DagtuiError):  # noqa: N818 - a sentence for who typed it
    """A query that cannot be understood: which word, why, and what is possible."""

    exit_code = ExitCode.CONFIGURATION


@dataclass(frozen=True)
class Query:
    """Terms that must all be true. `hint` says what a word may have been meant for, should nothing be found."""

    text: str = ""
    terms: tuple[Term, ...] = ()
    hint: str = ""
    _ordered: tuple[Term, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ordered", tuple(sorted(self.terms, key=lambda term: term.effort)))

    @property
    def timely(self) -> bool:
        """It asks how long something takes, so that the answer may change while nothing happens."""
        return any(_of_latency(term) for term in self.terms)

    def __bool__(self) -> bool:
        return bool(self.terms)

    def also(self, *terms: Term) -> Query:
        """This one and more."""
        return Query(self.text, (*self.terms, *terms), self.hint)

    def scan(self, rows: Rows, start: int, stop: int) -> Sequence[int]:
        """The requests from `start` to before `stop` that all is true of, ascending."""
        if not self._ordered or start >= stop:
            return range(start, stop)
        first, *others = self._ordered
        found = first.scan(rows, start, stop)
        for term in others:
            if not found:
                break
            found = term.keep(rows, found)
        return found

    def holds(self, rows: Rows, seq: int) -> bool:
        """Whether all is true of request `seq`."""
        return all(term.keep(rows, (seq,)) for term in self._ordered)


def _of_latency(term: Term) -> bool:
    inner = term.term if isinstance(term, Not) else term
    return isinstance(inner, Between) and inner.column == "latency"


def in_states(states: Iterable[State]) -> Term:
    """True of requests in one of `states`."""
    wanted = bytes(states)
    return OneOf("state", lambda store: wanted)


def parse(text: str, dimensions: Sequence[str] = (), categories: Iterable[str] = ()) -> Query:
    """`text` as a query of a run with these questions, whose answers had these categories so far.

    Raises:
        BadQuery: a word cannot be understood.
    """
    known = tuple(name for name in categories if name)
    terms, hints = list[Term](), list[str]()
    for turned, name, sign, value in _words(text.strip()):
        if not name:
            term, hint = _bare(value, dimensions, known)
            hints.append(hint)
        elif name in _NUMBERS:
            term = _compared(name, sign, value)
        else:
            term = _told(name, sign, value, dimensions)
        terms.append(Not(term) if turned else term)
    return Query(" ".join(text.split()), tuple(terms), next(filter(None, hints), ""))


def _words(text: str) -> Iterable[tuple[bool, str, str, str]]:
    """The words: whether turned round, the name, the sign, the value. Two words of one name are one."""
    place = 0
    while place < len(text):
        match = _WORD.match(text, place)
        assert match is not None  # it takes any character
        turned, name, sign, value = match.group("turned", "name", "sign", "value")
        place = match.end()
        both = re.compile(r"(\w+)[ ]+(\w+)").match(text, match.start("value"))
        if both and f"{both[1]} {both[2]}".lower() in (*STATES, *_KINDS) and text[both.end() :][:1] in ("", " "):
            value = f"{both[1]} {both[2]}"
            place = len(text) - len(text[both.end() :].lstrip())
        if name and sign in (":", "=", "!=") and not value.strip('"'):
            raise BadQuery(f"{name}{sign} lacks what to look for; write such as {_example(name.lower())}.")
        if value or name:
            yield bool(turned) != (sign == "!="), (name or "").lower(), sign or "", value
        elif turned:
            raise BadQuery(f'"{turned}" stands before the word that it turns round, such as -done.')


def _example(name: str) -> str:
    if name in _NUMBERS:
        return _EXAMPLE[_NUMBERS[name]]
    examples = {"kind": "kind:timeout", "error": "error:timeout", "category": "category:work", "id": "id:0061"}
    return examples.get(name, "question:name" if name == "question" else "state:failed")


def _bare(word: str, dimensions: Sequence[str], categories: Sequence[str]) -> tuple[Term, str]:
    """A word alone, and what it may have been meant for."""
    if word.startswith('"'):
        return Named(word.strip('"')), ""
    plain = _plain(word)
    if plain in _NUMBERS:
        raise BadQuery(f"{plain} is compared with a number; write {_example(plain)}.")
    if plain in STATES:
        return in_states(STATES[plain]), ""
    if plain in _KINDS:
        return _with_errors((plain,)), ""
    if plain in (_plain(name) for name in categories):
        return _in_categories((plain,)), ""
    if len(dimensions) > 1 and plain in (_plain(name) for name in dimensions):
        return _of_questions((plain,), dimensions), ""
    return Named(word), nearest(plain, (*STATES, *_KINDS, *categories, *_NUMBERS)).strip()


def _told(name: str, sign: str, value: str, dimensions: Sequence[str]) -> Term:
    """`name:value`, with alternatives between commas."""
    if name not in _NAMES:
        hint = nearest(name, (*_NAMES, *_NUMBERS))
        raise BadQuery(
            f'There is no "{named(name, 30)}" to look at{hint}; there are {", ".join(_LOOKED_AT)}. '
            f"Quote a text with {sign} in it."
        )
    if sign not in (":", "=", "!="):
        raise BadQuery(f"{name} is a name and cannot be compared; write {_example(name)}.")
    if name == "id":
        return Named(value.strip('"'))
    given = (value.strip('"'),) if value.startswith('"') else tuple(value.split(","))
    wanted = tuple(_plain(part) for part in given if part)
    if name == "category":
        return _in_categories(wanted)
    if name == "state":
        _check(wanted, STATES, "state")
        return in_states(state for word in wanted for state in STATES[word])
    if name == "question":
        return _of_questions(wanted, dimensions)
    _check(wanted, _KINDS, "kind of error")
    return _with_errors(wanted)


def _check(wanted: Iterable[str], known: Mapping[str, object], what: str) -> None:
    for word in wanted:
        if word not in known:
            possible = ", ".join(known)
            raise BadQuery(f'"{named(word, 30)}" is no {what}{nearest(word, known)}; there are {possible}.')


def _compared(name: str, sign: str, value: str) -> Term:
    """`name>value` and the like."""
    column = _NUMBERS[name]
    match = _NUMBER.fullmatch(value.replace(",", "").replace("_", "").lower())
    factor = _UNITS.get(column, {"": 1.0}).get(match[2]) if match else None
    if match is None or factor is None:
        raise BadQuery(f'"{named(value, 30)}" after {name}{sign} is no number of that; write {_EXAMPLE[column]}.')
    number = float(match[1]) * factor
    if column == "cost":
        number = round(number)
    below, above = nextafter(number, -inf), nextafter(number, inf)
    match sign:
        case ">":
            return Between(column, max(above, _LEAST), inf)
        case ">=":
            return Between(column, max(number, _LEAST), inf)
        case "<":
            return Between(column, _LEAST, below)
        case "<=":
            return Between(column, _LEAST, number)
        case _ if column == "latency":
            raise BadQuery("A latency is never exactly that; write latency>5s or latency<200ms.")
        case _:
            return Between(column, number, number)


def _plain(word: str) -> str:
    """`word` as it is looked up: `rate_limited` and `Rate-Limited` are `rate limited`."""
    return " ".join(word.replace("_", " ").replace("-", " ").lower().split())


def _with_errors(wanted: Sequence[str]) -> Term:
    kinds = [_KINDS[word] for word in wanted]
    return OneOf("error", lambda store: bytes(store.error_number(kind) for kind in kinds))


def _in_categories(wanted: Sequence[str]) -> Term:
    names: Callable[[RequestStore], bytes] = lambda store: bytes(  # noqa: E731 - they become known as the run goes on
        number for number, name in enumerate(store.categories) if name and _plain(name) in wanted
    )
    return OneOf("category", names)


def _of_questions(wanted: Sequence[str], dimensions: Sequence[str]) -> Term:
    known = {_plain(name): place for place, name in enumerate(dimensions)}
    _check(wanted, known, "question of this run")
    return Asked(frozenset(known[word] for word in wanted))
