"""What a user does to single requests while the run goes on: ask again, skip, abandon an attempt, send one more.

A request that had its outcome and is asked again enters the run like a fresh one, in the same bounded window;
before any of it leaves, it is durably written that it may.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from dagtui.core.contract import in_order
from dagtui.core.dag import Dag
from dagtui.core.errors import DagtuiError
from dagtui.core.events import Event, Noted, RequestEnded, RequestsReopened
from dagtui.core.model import Cancelled, Outcome, Skipped
from dagtui.core.ports import Archive
from dagtui.core.store import RequestStore, State
from dagtui.engine.books import NOT_SENT, Books, Open, skipped_by
from dagtui.engine.caller import Caller
from dagtui.engine.shelf import Shelf

NEED_FAILED = "what it builds on did not succeed"
_BATCH = 256  # records that are looked up at once
_WAITING, _SUCCEEDED = int(State.WAITING), int(State.SUCCEEDED)
_FOLLOW = frozenset({int(State.SKIPPED), int(State.CANCELLED)})


@dataclass(slots=True)
class Again:
    """How a request that is asked again differs from a fresh one: attempts it had; other tokens, if so wished."""

    attempts: int
    max_tokens: int | None


@dataclass(slots=True)
class _Reopened:
    """Dimensions of one record that wait to be asked again. `opened` is the record, where it was at hand."""

    index: int
    positions: list[int]
    max_tokens: dict[int, int]
    opened: Open | None


@dataclass(frozen=True, slots=True)
class Hands:
    """What steering needs of the run: to have the ready `positions` of a record asked (`begin`), or booked
    without being asked (`finish`); `room` waits until there is any; `store` has the states of all requests that
    were read, `read` counts the records. `sync` ends when all that was told is on disk; `ending` says that
    nothing more is sent.
    """

    begin: Callable[[Open, Sequence[int]], None]
    finish: Callable[[Open, int, Outcome, bool], None]
    room: Callable[[], Awaitable[None]]
    store: Callable[[], RequestStore]
    read: Callable[[], int]
    sync: Callable[[], Awaitable[None]]
    ending: Callable[[], bool]
    emit: Callable[[Event], None]
    clock: Callable[[], float]


class Steering:
    """Carries out what is said of single requests; each command returns how many it concerned.

    `under_way` are the tasks of requests, by number; `again` tells of requests that were reopened. `archive` has
    the records that are not at hand any more.
    """

    def __init__(
        self, dag: Dag, books: Books, shelf: Shelf, caller: Caller, hands: Hands, archive: Archive | None
    ) -> None:
        self.under_way: dict[int, asyncio.Task[Any] | None] = {}
        self.again: dict[int, Again] = {}
        self.reopened = False
        """Whether anything was asked again."""
        self.meddled = False
        """Whether anything was skipped."""
        self._dag = dag
        self._order = in_order(dag)
        self._books = books
        self._shelf = shelf
        self._caller = caller
        self._hands = hands
        self._archive = archive
        self._skipping: dict[int, str] = {}
        self._queues: tuple[deque[_Reopened], deque[_Reopened]] = deque(), deque()  # at once, and after fresh ones
        self._pending: dict[int, _Reopened] = {}
        self._group: asyncio.TaskGroup | None = None
        self._reader: asyncio.Future[None] | None = None
        self._feeder: asyncio.Task[None] | None = None
        self._news: asyncio.Future[None] | None = None

    # --- commands ---

    def retry(self, seqs: Iterable[int], later: bool, max_tokens: int | None, by: str) -> int:
        """Ask again what has an outcome, with what it lacks and what was skipped for it; whatever waits between
        two attempts need wait no longer. `later`: after all fresh records.
        """
        if self._hands.ending() or not self._feed_on():
            return 0
        states, width, read = self._hands.store().state, len(self._dag), self._hands.read()
        waiting: list[int] = []
        wanted: dict[int, list[int]] = {}
        for seq in dict.fromkeys(seqs):
            if not 0 <= seq < len(states) or seq // width >= read:
                continue
            if states[seq] == _WAITING:
                waiting.append(seq)
            elif states[seq] > _WAITING:
                wanted.setdefault(seq // width, []).append(seq % width)
        taken = self._caller.hurry(waiting, max_tokens, now=not later)
        reopened: list[int] = []
        lost = 0
        for index, positions in sorted(wanted.items()):
            opened = self._shelf.get(index)
            if opened is None and self._archive is None:
                lost += len(positions)
            elif whole := self._with_kin(index, positions, states):
                tokens = dict.fromkeys(positions, max_tokens) if max_tokens is not None else {}
                entry = _Reopened(index, whole, tokens, opened)
                self._queues[later].append(entry)
                found = [self._dag.seq(index, position) for position in whole]
                self._pending |= dict.fromkeys(found, entry)
                reopened += found
                taken += len(positions)
        if reopened:
            self.reopened = True
            self._tell(RequestsReopened(self._hands.clock(), tuple(reopened), by))
            self.wake()
        if lost:
            self._say(f"{lost:,} cannot be asked again: their records are no longer at hand")
        return taken

    def skip(self, seqs: Iterable[int], by: str) -> int:
        """End without an answer what has no outcome."""
        taken, self.meddled = 0, True
        for seq in dict.fromkeys(seqs):
            index, position = divmod(seq, len(self._dag))
            if (entry := self._pending.get(seq)) is not None:
                self._drop(entry, position, skipped_by(by))
                taken += 1
                continue
            opened = self._shelf.open.get(index)
            if opened is None or not opened.frontier.is_open(position) or seq in self._skipping:
                continue
            taken += 1
            task = self.under_way.get(seq)
            if task is None:
                self._hands.finish(opened, position, skipped_by(by), opened.frontier.is_ready(position))
            else:
                self._skipping[seq] = by
                task.cancel()
        return taken

    def abort(self, seqs: Iterable[int]) -> int:
        """Abandon the attempts in flight, as if their time had passed."""
        return sum(self._caller.abort(seq) for seq in dict.fromkeys(seqs))

    def hedge(self, seqs: Iterable[int]) -> int:
        """Send what is in flight once more beside that."""
        return 0 if self._hands.ending() else sum(self._caller.hedge(seq) for seq in dict.fromkeys(seqs))

    # --- what the run tells ---

    def enlist(self, group: asyncio.TaskGroup, reader: asyncio.Future[None]) -> None:
        """The run begins; its tasks belong to `group`, and fresh records come from `reader`."""
        self._group, self._reader = group, reader

    def over(self) -> None:
        """The run has ended."""
        self._group = None

    def outcome_of(self, seq: int, outcome: Outcome) -> Outcome:
        """What a request came to, whose task was perhaps cancelled because it was skipped."""
        by = self._skipping.pop(seq, None)
        return outcome if by is None else skipped_by(by, outcome)

    def wake(self) -> None:
        """Something has changed for those that wait to be asked again."""
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    # --- asking again ---

    def _with_kin(self, index: int, positions: Sequence[int], states: Sequence[int]) -> list[int]:
        """`positions` of a record, what they lack, and what was skipped for them, each after what it needs.

        Empty where something under way builds on an answer that would be asked anew.
        """
        dag, start = self._dag, self._dag.seq(index, 0)
        found = set(positions)
        stack = list(positions)
        while stack:
            for need in dag.needs(stack.pop()):
                if need not in found and states[start + need] > _SUCCEEDED:
                    found.add(need)
                    stack.append(need)
        for position in self._order:
            needs, state = dag.needs(position), states[start + position]
            if not found & needs or position in found:
                continue
            if state in _FOLLOW and all(need in found or states[start + need] <= _SUCCEEDED for need in needs):
                found.add(position)
            elif state <= _WAITING:
                return []
        return [position for position in self._order if position in found]

    def _feed_on(self) -> bool:
        """See to it that what is reopened will be asked; False where the run is over."""
        if self._group is None:
            return False
        if self._feeder is None or self._feeder.done():
            feeding: Coroutine[Any, Any, None] = self._feed()
            try:
                self._feeder = self._group.create_task(feeding)
            except RuntimeError:  # its last task has just ended
                feeding.close()
                return False
        return True

    async def _feed(self) -> None:
        try:
            while self._pending and not self._hands.ending():
                if batch := self._next():
                    await self._ask(batch)
                else:
                    await self._fresh_ones_begun()
        finally:
            self._book_rest()

    def _next(self) -> list[_Reopened]:
        at_once, later = self._queues
        queue = at_once if at_once or self._reader is None or not self._reader.done() else later
        batch = list(islice(queue, _BATCH))
        for _ in batch:
            queue.popleft()
        return batch

    async def _fresh_ones_begun(self) -> None:
        assert self._reader is not None
        self._news = asyncio.get_running_loop().create_future()
        await asyncio.wait((self._reader, self._news), return_when=asyncio.FIRST_COMPLETED)

    async def _ask(self, batch: Sequence[_Reopened]) -> None:
        """Let `batch` begin as there is room."""
        try:
            await self._hands.sync()  # that they may be sent is known before they are
            fetched = await self._fetch([e.index for e in batch if e.opened is None and e.positions])
        except (DagtuiError, OSError) as error:
            self._say(f"cannot be asked again: {error}")
            for entry in batch:
                self._end(entry, f"it could not be asked again: {error}")
            return
        for entry in batch:
            if entry.positions:
                await self._hands.room()
            if entry.positions and not self._hands.ending():
                opened = self._shelf.get(entry.index) or entry.opened or fetched.get(entry.index)
                if opened is None:
                    self._end(entry, "it could not be asked again: its record is not in the input any more")
                else:
                    self._begin(entry, opened)

    async def _fetch(self, indexes: Sequence[int]) -> dict[int, Open]:
        if not indexes or self._archive is None:
            return {}
        found = await self._archive.records(indexes)
        return {index: self._books.recall(record, outcomes) for index, (record, outcomes) in found.items()}

    def _begin(self, entry: _Reopened, opened: Open) -> None:
        attempts = self._hands.store().attempts
        for position in entry.positions:
            seq = self._dag.seq(entry.index, position)
            del self._pending[seq]
            self.again[seq] = Again(attempts[seq], entry.max_tokens.get(position))
        self._shelf.put(opened)
        self._hands.begin(opened, self._books.ask_again(opened, entry.positions))
        frontier = opened.frontier
        for position in entry.positions:  # meanwhile a need may have been asked again, too, and in vain
            if frontier.is_open(position) and frontier.is_doomed(position):
                self._hands.finish(opened, position, Skipped(NEED_FAILED), False)

    # --- those that will not be asked again ---

    def _drop(self, entry: _Reopened, position: int, outcome: Outcome) -> None:
        """One that waits to be asked again is not, nor what builds on it."""
        doomed = {position}
        for one in [one for one in self._order if one in entry.positions]:
            if one != position and not self._dag.needs(one) & doomed:
                continue
            doomed.add(one)
            entry.positions.remove(one)
            why = outcome if one == position else Skipped(NEED_FAILED)
            self._book(self._dag.seq(entry.index, one), why)

    def _end(self, entry: _Reopened, reason: str) -> None:
        for position in entry.positions:
            self._book(self._dag.seq(entry.index, position), Cancelled(reason))
        entry.positions.clear()

    def _book_rest(self) -> None:
        for entry in list(self._waiting_entries()):
            self._end(entry, NOT_SENT)
        for queue in self._queues:
            queue.clear()

    def _waiting_entries(self) -> Iterator[_Reopened]:
        yield from {id(entry): entry for entry in self._pending.values()}.values()

    def _book(self, seq: int, outcome: Outcome) -> None:
        self._pending.pop(seq, None)
        self._tell(RequestEnded(self._hands.clock(), seq, outcome))

    def _say(self, message: str) -> None:
        self._tell(Noted(self._hands.clock(), message))

    def _tell(self, event: Event) -> None:
        self._hands.emit(event)
