"""The lines of an input file, compressed or not, as bytes, one at a time.

Lines end at LF and nowhere else: `str.splitlines` would also cut at U+2028 inside a JSON string. No line longer
than `LINE_CAP` is ever held, so neither a file without line ends nor a gzip bomb fills the memory.
"""

from __future__ import annotations

import errno
import gzip
import io
import os
import select
import stat
import threading
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from dagtui.core.errors import BadInput, nearest
from dagtui.core.text import named

LINE_CAP = 32 * 1024 * 1024
"""Bytes of the longest line that is read; a provider takes no larger request."""

BOMB_FLOOR = 256 * 1024 * 1024
BOMB_RATIO = 200
"""A gzip file that has given more than the floor, at more than this ratio, is taken for a bomb."""

_BUFFER = 256 * 1024
_UTF8_BOM = b"\xef\xbb\xbf"
_MAGIC = (
    (b"PAR1", "is a Parquet file, which is not read; write it as JSONL or CSV first"),
    (b"(\xb5/\xfd", "is compressed with zstd, which is not read; unpack it with: zstd -d"),
    (b"PK\x03\x04", "is a zip archive or an office document; unpack it, or save the sheet as CSV"),
    (b"BZh", "is compressed with bzip2, which is not read; unpack it with: bunzip2"),
    (b"\xfd7zXZ", "is compressed with xz, which is not read; unpack it with: unxz"),
    (b"%PDF-", "is a PDF document; give a CSV, TSV, JSONL or text file"),
)


class ByteLines:
    """One pass over the lines of one input. Not for several threads at once.

    `number` is the number of the line that was given last, `consumed` the bytes of all lines given so far, after
    unpacking.
    """

    def __init__(self, name: str, raw: io.RawIOBase | BinaryIO) -> None:
        self.name = name
        self.number = 0
        self.consumed = 0
        self._packed: BinaryIO | None = None
        self._raw = raw
        self._stream = io.BufferedReader(cast(Any, raw), _BUFFER)
        with _translated(self):
            if self._stream.peek(2)[:2] == b"\x1f\x8b":
                self._packed = cast(BinaryIO, raw)
                packed = gzip.GzipFile(fileobj=self._stream, mode="rb")
                self._stream = io.BufferedReader(cast(Any, packed), _BUFFER)

    def head(self) -> bytes:
        """The first bytes (at most 256 KiB, perhaps fewer), without using them up.

        Raises:
            BadInput: the content cannot be text in UTF-8.
        """
        with _translated(self):
            head = self._stream.peek()
        for magic, advice in _MAGIC:
            if head.startswith(magic):
                raise BadInput(f"{self.name} {advice}.")
        wide = _wide_encoding(head)
        if wide:
            advice = f"convert it with: iconv -f {wide} -t utf-8"
            raise BadInput(f"{self.name} is encoded as {wide}, but UTF-8 is read; {advice}.")
        return head.removeprefix(_UTF8_BOM)

    def __iter__(self) -> Iterator[bytes | None]:
        """The lines with their ends; None stands for one that is longer than `LINE_CAP`.

        Raises:
            BadInput: the file cannot be read on: damaged gzip, a gzip bomb, a failing disk.
        """
        readline = self._stream.readline
        watched = BOMB_FLOOR
        with _translated(self):
            while line := readline(LINE_CAP + 1):
                self.number += 1
                self.consumed += len(line)
                if self.consumed > watched:
                    watched += BOMB_FLOOR
                    self._refuse_bomb()
                if len(line) > LINE_CAP and not line.endswith(b"\n"):
                    self._skip_line()
                    yield None
                elif self.number == 1 and line.startswith(_UTF8_BOM):
                    yield line[3:]
                else:
                    yield line

    def idle(self) -> bool:
        """Whether the next line of a pipe would have to be waited for; a file is never idle."""
        if not isinstance(self._raw, _Pipe):
            return False
        # peek() waits when nothing is held, and what the unpacker of a packed stream holds is unknown.
        held = self._packed is None and self._raw.given > self.consumed
        return not (held and b"\n" in self._stream.peek()) and self._raw.idle()

    def close(self) -> None:
        """Let go of the file."""
        with suppress(OSError):
            self._stream.close()
        with suppress(OSError):
            self._raw.close()

    def _skip_line(self) -> None:
        while part := self._stream.readline(LINE_CAP):
            self.consumed += len(part)
            self._refuse_bomb()
            if part.endswith(b"\n"):
                return

    def _refuse_bomb(self) -> None:
        if self._packed is None or self.consumed < BOMB_FLOOR or not self._packed.seekable():
            return
        if self.consumed > BOMB_RATIO * self._packed.tell():
            raise BadInput(
                f"{self.name}:{self.number}: the file unpacks to more than {BOMB_RATIO} times its size, "
                "as only a gzip bomb does; unpack it yourself if it is meant."
            )


@contextmanager
def _translated(lines: ByteLines) -> Generator[None]:
    """Turns what goes wrong while reading into one sentence with a place."""
    try:
        yield
    except (EOFError, OSError, zlib.error) as error:
        place = f"{lines.name}:{lines.number + 1}"
        match error:
            case EOFError():
                reason = "the gzip file is cut off here; copy or download it again"
            case gzip.BadGzipFile() | zlib.error():
                reason = f"the gzip file is damaged ({error}); copy or download it again"
            case _:
                reason = f"cannot be read: {error.strerror or error}"
        raise BadInput(f"{place}: {reason}.") from None


def open_lines(path: Path) -> ByteLines:
    """The lines of a regular file.

    Raises:
        BadInput: there is no such file, it may not be read, or it is something else than a regular file.
    """
    try:
        # Without O_NONBLOCK a named pipe would hold us here until someone writes to it.
        # Windows has no such flag, and another one without which it would change line ends.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise BadInput(f"{path}: there is no such file{_neighbour(path)}.") from None
    except ValueError:
        raise BadInput(f"{str(path)!r} cannot be the name of a file: it holds a NUL character.") from None
    except OSError as error:
        if error.errno == errno.ENXIO:  # so does the system say that it is a socket
            raise BadInput(f"{path} is {_kind_of(stat.S_IFSOCK)}") from None
        raise BadInput(f"{path}: cannot be opened: {error.strerror or error}.") from None
    kind = os.fstat(handle).st_mode
    if not stat.S_ISREG(kind):
        os.close(handle)
        raise BadInput(f"{path} is {_kind_of(kind)}")
    raw = io.FileIO(handle, "rb")
    try:
        return ByteLines(named(path.name, 255), raw)
    except BaseException:
        raw.close()
        raise


def pipe_lines(
    stream: BinaryIO, name: str = "standard input", copy: Path | None = None
) -> tuple[ByteLines, Callable[[], None]]:
    """The lines of a pipe, and a function that makes a reader that waits for it in another thread give up.

    `copy` is a file into which all that is read goes too, so that it can be read again.
    """
    try:
        handle = stream.fileno()
    except (OSError, AttributeError, ValueError):
        return ByteLines(name, stream), lambda: None
    if os.isatty(handle):
        raise BadInput('"-" reads standard input, but that is the terminal; pipe a file into it.')
    pipe = _Pipe(handle, copy)
    return ByteLines(name, pipe), pipe.stop


class _Pipe(io.RawIOBase):
    """Reads a descriptor, but can be told to stop while it waits: a blocked read() could not."""

    def __init__(self, handle: int, copy: Path | None = None) -> None:
        self.given = 0
        self._handle = os.dup(handle)
        self._stopped = threading.Event()
        self._copy = None if copy is None else os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)

    def readable(self) -> bool:
        return True

    def idle(self) -> bool:
        return not select.select([self._handle], [], [], 0)[0]

    def stop(self) -> None:
        self._stopped.set()

    def readinto(self, buffer: Any, /) -> int:
        while not self._stopped.is_set():
            if select.select([self._handle], [], [], 0.1)[0]:
                data = os.read(self._handle, len(buffer))
                buffer[: len(data)] = data
                if self._copy is not None:
                    os.write(self._copy, data)
                self.given += len(data)
                return len(data)
        return 0

    def close(self) -> None:
        if not self.closed:
            os.close(self._handle)
            if self._copy is not None:
                os.close(self._copy)
        super().close()


def _kind_of(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder; give a file in it."
    if stat.S_ISSOCK(mode):
        return "a socket, not a regular file; give a CSV, TSV, JSONL or text file."
    if stat.S_ISFIFO(mode):
        return 'a pipe, not a regular file; redirect it into standard input and give "-" instead.'
    return "a device, not a regular file; give a CSV, TSV, JSONL or text file."


def _neighbour(path: Path) -> str:
    try:
        return nearest(path.name, os.listdir(path.parent))
    except OSError:
        return ""


def _wide_encoding(head: bytes) -> str:
    """The name of a UTF-16 or UTF-32 encoding that `head` is in, or nothing."""
    if head.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "utf-32"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    begin = head[:256]
    if len(begin) < 4 or 0 not in begin:
        return ""
    even, odd = begin[::2].count(0) * 2 / len(begin), begin[1::2].count(0) * 2 / len(begin)
    if odd > 0.6 and even < 0.2:
        return "utf-16le"
    return "utf-16be" if even > 0.6 and odd < 0.2 else ""
