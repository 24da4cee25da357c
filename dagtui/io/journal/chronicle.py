"""What is asked of a journal in bulk: how long its run took, how every request ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dagtui.io.journal.reader import JournalReader

_PAGE = 10_000


class Chronicle(JournalReader):
    """Looks into the journal at `path`; a run that goes on may write meanwhile.

    Raises:
        ConfigError: there is no journal, it is none, it is damaged, or of another version. So do all methods.
    """

    def elapsed(self) -> float:
        """The seconds that the run was under way, over all its sessions."""
        return sum(end - begin for _, begin, end in self._times())

    def endings(self) -> Iterator[tuple[int, str, str | None]]:
        """How every request that has an outcome ended, by `seq`: its state and category. The last outcome counts,
        but a stop takes no answer away that there was before.
        """
        with self._reading():
            cursor = self._db.execute("SELECT seq, state, category FROM outcome ORDER BY seq, number")
            last: tuple[int, str, str | None] | None = None
            while rows := cursor.fetchmany(_PAGE):
                for row in rows:
                    if last is not None and row[0] == last[0]:
                        if not (row[1] == "cancelled" and last[1] == "ok"):
                            last = row
                        continue
                    if last is not None:
                        yield last
                    last = row
            if last is not None:
                yield last

    def ids(self, records: Sequence[int]) -> dict[int, str]:
        """The ids of a few records, by their place in the input."""
        with self._reading():
            places = ",".join("?" * len(records))
            return dict(self._db.execute(f"SELECT idx, id FROM record WHERE idx IN ({places})", list(records)))

    def _times(self) -> list[tuple[int, float, float]]:
        """Number, begin and end of the sessions that began, epoch seconds; of one that did not come to its end,
        the last moment that is known.
        """
        with self._reading():
            begun = self._db.execute(
                "SELECT session, min(time) FROM event WHERE kind = 'started' GROUP BY session ORDER BY session"
            ).fetchall()
            ended = dict(
                self._db.execute(
                    "SELECT session, max(time) FROM event WHERE kind = 'phase'"
                    " AND json_extract(body, '$.phase') = 'ended' GROUP BY session"
                ).fetchall()
            )
            last = begun and begun[-1][0] not in ended
        reached = self.last() if last else 0.0
        found: list[tuple[int, float, float]] = []
        for number, begin in begun:
            end = ended.get(number, reached if number == begun[-1][0] else self._last_of(number, begin))
            found.append((number, begin, max(begin, end)))
        return found

    def _last_of(self, session: int, begin: float) -> float:
        with self._reading():
            [at] = self._db.execute("SELECT max(ended_at) FROM attempt WHERE session = ?", (session,)).fetchone()
            return begin if at is None else float(at)
