"""The graph of dimensions, and which of a record's requests are ready."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dagtui.core.errors import ConfigError, nearest
from dagtui.core.plugin import Dimension
from dagtui.core.value import value


class Dag:
    """A validated set of dimensions: names known and unique, no cycle.

    Raises:
        ConfigError: naming the dimension at fault.
    """

    def __init__(self, dimensions: Sequence[Dimension]) -> None:
        if not dimensions:
            raise ConfigError("The plugin declares no dimensions; give it at least one.")
        self.dimensions = tuple(dimensions)
        self.names = tuple(d.name for d in dimensions)
        self._position = {name: i for i, name in enumerate(self.names)}
        if len(self._position) < len(self.names):
            twice = next(n for n in self.names if self.names.count(n) > 1)
            raise ConfigError(f'Dimension "{twice}" is declared twice; rename one of them.')
        for dimension in dimensions:
            for need in dimension.needs:
                if need not in self._position:
                    hint = nearest(need, self.names)
                    raise ConfigError(f'Dimension "{dimension.name}" needs "{need}", which is not declared{hint}.')
        self._needs = tuple(frozenset(self._position[n] for n in d.needs) for d in dimensions)
        positions = range(len(dimensions))
        self._dependents = tuple(tuple(i for i in positions if needed in self._needs[i]) for needed in positions)
        self._masks = tuple(sum(1 << need for need in needs) for needs in self._needs)
        self.roots = tuple(i for i, needs in enumerate(self._needs) if not needs)
        """The dimensions that need nothing."""
        self._reject_cycle()

    def __len__(self) -> int:
        return len(self.dimensions)

    def position(self, name: str) -> int:
        """Where `name` stands among the dimensions."""
        return self._position[name]

    def seq(self, index: int, position: int) -> int:
        """The number of the request that asks the dimension at `position` of the record at `index`."""
        return index * len(self.names) + position

    def needs(self, position: int) -> frozenset[int]:
        """The dimensions that must succeed before the one at `position`."""
        return self._needs[position]

    def mask(self, position: int) -> int:
        """`needs` as a bit mask."""
        return self._masks[position]

    def dependents(self, position: int) -> tuple[int, ...]:
        """The dimensions that need the one at `position` directly."""
        return self._dependents[position]

    def _reject_cycle(self) -> None:
        done: set[int] = set()
        while len(done) < len(self):
            ready = [i for i in range(len(self)) if i not in done and self._needs[i] <= done]
            if not ready:
                stuck = " -> ".join(self._cycle(done))
                raise ConfigError(f"The dimensions need each other in a circle: {stuck}. Remove one of the needs.")
            done.update(ready)

    def _cycle(self, done: set[int]) -> list[str]:
        path: list[int] = [next(i for i in range(len(self)) if i not in done)]
        while True:
            step = min(self._needs[path[-1]] - done)
            if step in path:
                return [self.names[i] for i in [*path[path.index(step) :], step]]
            path.append(step)


@value
class Step:
    """What follows from one outcome: dimensions that became ready, and those that never will."""

    ready: tuple[int, ...] = ()
    skipped: tuple[int, ...] = ()


_NOTHING = Step()


class Frontier:
    """The state of one record on its way through the graph. Changing it returns what to do.

    Sets of dimensions are bit masks: every record has a frontier of its own, and most graphs are a single node.
    """

    __slots__ = ("_dag", "_open", "_succeeded")

    def __init__(self, dag: Dag) -> None:
        self._dag = dag
        self._open = (1 << len(dag.names)) - 1
        self._succeeded = 0

    def start(self) -> tuple[int, ...]:
        """The dimensions that need nothing."""
        return self._dag.roots

    @property
    def finished(self) -> bool:
        """Whether every dimension has its outcome."""
        return not self._open

    def is_open(self, position: int) -> bool:
        """Whether the dimension at `position` has no outcome yet."""
        return bool(self._open >> position & 1)

    def is_ready(self, position: int) -> bool:
        """Whether all that the dimension at `position` needs has succeeded."""
        return not self._dag.mask(position) & ~self._succeeded

    def is_doomed(self, position: int) -> bool:
        """Whether something that the dimension at `position` needs has ended without success."""
        return bool(self._dag.mask(position) & ~self._succeeded & ~self._open)

    def reopen(self, positions: Iterable[int]) -> tuple[int, ...]:
        """Forget the outcomes of `positions`; those of them that are ready."""
        again = tuple(positions)
        for position in again:
            self._open |= 1 << position
            self._succeeded &= ~(1 << position)
        return tuple(position for position in again if self.is_ready(position))

    def end(self, position: int, *, succeeded: bool) -> Step:
        """Book the outcome of the dimension at `position`."""
        self._open &= ~(1 << position)
        dependents = self._dag.dependents(position)
        if succeeded:
            self._succeeded |= 1 << position
        if not dependents:
            return _NOTHING
        if succeeded:
            done = self._succeeded
            left = self._open  # one may have been skipped by hand before its turn
            return Step(ready=tuple(d for d in dependents if not self._dag.mask(d) & ~done and left >> d & 1))
        skipped: list[int] = []
        doomed = [position]
        while doomed:
            for dependent in self._dag.dependents(doomed.pop()):
                if self._open >> dependent & 1:
                    self._open &= ~(1 << dependent)
                    skipped.append(dependent)
                    doomed.append(dependent)
        return Step(skipped=tuple(sorted(skipped)))
