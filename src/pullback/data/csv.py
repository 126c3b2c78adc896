"""CSV files as data sets: columns of numbers as they are, columns of words as one column for each word."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from pullback.core.graph import listed
from pullback.data.batches import Rows
from pullback.data.dataset import Dataset
from pullback.errors import ArgumentError, DTypeError, FormatError
from pullback.files import PathLike, path_name, read_whole

MAX_WORDS = 32
"""How many different words a column of features may have."""
MAX_NUMBERED_CLASSES = 20
"""A target of integers is taken for classes if it has no more different ones than this."""
LARGEST = 1e150
"""Numbers beyond it have squares, and so a standard deviation, that double precision does not hold."""

_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
_DELIMITERS = ",;\t"


def read_csv(path: PathLike, target: str, ignore: Collection[str] = ()) -> Dataset:
    r"""Read a CSV file with a line of column names, in UTF-8, separated by comma, semicolon or tab.

    A column in which every entry is a number is one feature. A column of words (at most 32 different ones) becomes a
    column of 0 and 1 for each word. A target of words, or of at most 20 different integers, is a class; a target of
    other numbers is a number to be predicted.

    Args:
        path: the file.
        target: the name of the column to be predicted.
        ignore: names of columns to leave out.

    Raises:
        FormatError: the file is no such table, or an entry is missing or not a number.
        ArgumentError: a column that is not there, or a target that is not to be predicted.
        FileError: the file cannot be read.

    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "pets.csv")
    >>> with open(path, "w") as file:
    ...     _ = file.write("weight,colour,kind\n4,red,cat\n9,grey,dog\n5,grey,cat\n8,red,dog\n")
    >>> data = read_csv(path, target="kind")
    >>> data
    Dataset(pets: 4 rows, 3 features, kind in 2 classes)
    >>> data.features
    ('weight', 'colour=grey', 'colour=red')
    """
    table = _Table(path)
    table.check(target)
    if isinstance(ignore, str) or not isinstance(ignore, Collection):
        raise DTypeError(f"read_csv: expected ignore to be a list of names, got {type(ignore).__name__}")
    for name in ignore:
        table.check(name)
    names = [name for name in table.names if name != target and name not in ignore]
    if target in ignore or not names:
        raise ArgumentError(f"{table.file}: no column is left to predict {target!r} from")
    columns: list[Rows] = []
    features: list[str] = []
    numeric: list[bool] = []
    for name in names:
        values = table.numbers(name)
        if values is not None:
            columns.append(values)
            features.append(name)
            numeric.append(True)
            continue
        words = _words(table, name)
        for word in words:
            columns.append(np.array([entry == word for entry in table.column(name)], np.float64))
            features.append(f"{name}={word}")
            numeric.append(False)
    targets, classes = _target(table, target)
    name, _ = os.path.splitext(table.file)
    return Dataset(name, np.stack(columns, 1), targets, tuple(features), classes, target, np.array(numeric))


class _Table:
    """The entries of a file as text, checked to be a table."""

    def __init__(self, path: PathLike) -> None:
        self.file = os.path.basename(path_name(path))
        text = _text(path, self.file)
        first = text.lstrip("\n").partition("\n")[0]
        if not first.strip():
            raise FormatError(f"{self.file}: expected a CSV file, got an empty one")
        delimiter = max(_DELIMITERS, key=first.count)
        if not first.count(delimiter):
            raise FormatError(
                f"{self.file}: expected a CSV file whose first line names two or more columns, separated by comma, "
                f"semicolon or tab; it is {_shortened(first)!r}"
            )
        self.names: list[str] = []
        self.lines: list[int] = []
        rows: list[list[str]] = []
        reader = csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True, strict=True)
        try:
            for row in reader:
                if not row or (len(row) == 1 and not row[0].strip()):
                    continue
                entries = [entry.strip() for entry in row]
                if not self.names:
                    self.names = self._checked_names(entries)
                elif len(entries) != len(self.names):
                    raise FormatError(
                        f"{self.file}: line {reader.line_num}: expected {len(self.names)} entries, as the first line "
                        f"has, got {len(entries)}"
                    )
                else:
                    rows.append(entries)
                    self.lines.append(reader.line_num)
        except csv.Error as error:
            raise FormatError(f"{self.file}: line {reader.line_num}: not CSV, {error}") from None
        if len(rows) < 2:
            count = {0: "none", 1: "a single one"}[len(rows)]
            raise FormatError(f"{self.file}: expected rows of data after the first line, got {count}")
        self._columns = dict(zip(self.names, map(list, zip(*rows, strict=True)), strict=True))
        self._numbers: dict[str, Rows | None] = {}

    def _checked_names(self, names: list[str]) -> list[str]:
        if all(_number(name) is not None for name in names):
            raise FormatError(
                f"{self.file}: expected column names in the first line, got numbers only: {listed(names, 4)}"
            )
        for position, name in enumerate(names):
            if not name:
                raise FormatError(f"{self.file}: column {position + 1} has no name in the first line")
            if name in names[:position]:
                raise FormatError(f"{self.file}: two columns are named {name!r}")
        return names

    def check(self, name: str) -> None:
        """Raise ArgumentError unless there is a column of this name."""
        if name not in self._columns:
            raise ArgumentError(f"{self.file} has no column {name!r}. Its columns are {listed(self.names)}")

    def column(self, name: str) -> list[str]:
        """The entries of a column."""
        return self._columns[name]

    def numbers(self, name: str) -> Rows | None:
        """The column as numbers; None if it has words in it. Raises FormatError for what is missing or infinite."""
        if name not in self._numbers:
            self._numbers[name] = self._read_numbers(name)
        return self._numbers[name]

    def _read_numbers(self, name: str) -> Rows | None:
        column = self._columns[name]
        for line, entry in zip(self.lines, column, strict=True):
            if entry.lower() in _MISSING:
                raise FormatError(
                    f"{self.file}: line {line}: nothing in column {name!r} ({entry!r}). "
                    "Fill it in, remove the row, or leave out the column"
                )
        values = [_number(entry) for entry in column]
        if None in values:
            return None
        result = np.array(values, np.float64)
        usable = np.abs(result) < LARGEST
        if not usable.all():
            position = int(np.flatnonzero(~usable)[0])
            kind = "number below 1e150" if np.isfinite(result[position]) else "finite number"
            raise FormatError(
                f"{self.file}: line {self.lines[position]}: expected a {kind} in column {name!r}, "
                f"got {column[position]!r}"
            )
        return result


def _text(path: PathLike, file: str) -> str:
    data = read_whole(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FormatError(
            f"{file}: expected a CSV file in UTF-8, got bytes that are no text in line {line}. Save it as UTF-8"
        ) from None
    if "\0" in text:
        raise FormatError(f"{file}: expected a CSV file, got a binary one")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _number(entry: str) -> float | None:
    if "_" in entry:  # Python reads 1_000 as a number, nobody else does
        return None
    try:
        return float(entry)
    except ValueError:
        return None


def _shortened(text: str, width: int = 40) -> str:
    text = text.strip()
    return text if len(text) <= width else text[: width - 3] + "..."


def _words(table: _Table, name: str) -> list[str]:
    """The different words of a column of features, sorted."""
    column = table.column(name)
    words = sorted(set(column))
    if len(words) <= MAX_WORDS:
        return words
    others = [position for position, entry in enumerate(column) if _number(entry) is None]
    if len(others) <= len(column) / 2:  # a column of numbers, but for some
        raise FormatError(
            f"{table.file}: line {table.lines[others[0]]}: expected a number in column {name!r}, "
            f"got {_shortened(column[others[0]])!r}"
        )
    raise FormatError(
        f"{table.file}: column {name!r} has {len(words)} different words, more than {MAX_WORDS}: "
        "leave the column out, or give its rows fewer categories"
    )


def _target(table: _Table, name: str) -> tuple[Rows, tuple[str, ...] | None]:
    """What is to be predicted: numbers of classes and their names, or measured numbers and None."""
    values = table.numbers(name)
    column: Sequence[Any] = table.column(name)
    if values is not None:
        different = np.unique(values)
        few = len(different) <= min(MAX_NUMBERED_CLASSES, len(values) / 2)
        if len(different) > 1 and not (few and (different == np.floor(different)).all()):
            return values, None
        column = [int(value) if value.is_integer() else value for value in values.tolist()]
    words = sorted(set(column))
    if len(words) < 2:
        raise ArgumentError(f"{table.file}: column {name!r} is {words[0]!r} in every row: there is nothing to learn")
    if len(words) > len(column) / 2:
        raise ArgumentError(
            f"{table.file}: column {name!r} has {len(words)} different words in {len(column)} rows: "
            "too few rows of each to learn it"
        )
    number = {word: position for position, word in enumerate(words)}
    return np.array([number[entry] for entry in column], np.int64), tuple(map(str, words))
