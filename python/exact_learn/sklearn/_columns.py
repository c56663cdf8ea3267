"""Columns of tables in memory as the kernels take them.

A column of numbers, dates or times is an array of float64 with NaN for what is missing; every other column is a list of
texts with None for it. Dates are in seconds since the beginning of 1970, times of a day in seconds since midnight.
The libraries of data frames are not imported: who has a frame has done that.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from numbers import Real
from os import PathLike, fspath
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

# The integers beyond it are codes rather than quantities, and not all of them are floats.
_LARGEST_INTEGER = 2**53
_MICROSECONDS = 1e6


class Column(NamedTuple):
    """The values of a column, whether they are moments, and the kind, if any, that its type says it is of."""

    is_moments: bool
    values: NDArray[np.float64] | list[str | None]
    declared: Literal["categorical", "numeric"] | None = None

    def for_kernel(self) -> tuple[bool, NDArray[np.float64] | list[str | None]]:
        return self.is_moments, self.values


def paths(X: Any) -> tuple[str, ...] | None:
    """The paths, or patterns of paths, of files; None for what is no path and no list of paths."""
    if isinstance(X, (str, PathLike)):
        return (fspath(X),)
    if isinstance(X, (list, tuple)) and X and all(isinstance(path, (str, PathLike)) for path in X):
        return tuple(fspath(path) for path in X)
    return None


def frame_columns(X: Any) -> list[tuple[str, Column]] | None:
    """The columns of a data frame of pandas or Polars or an Arrow table; None for everything else."""
    for base in type(X).__mro__:
        read = _FRAMES.get((base.__module__.partition(".")[0], base.__name__))
        if read is not None:
            return read(X)
    return None


def array_columns(X: NDArray[Any], names: Sequence[str]) -> list[tuple[str, Column]]:
    """The columns of an array, (n_samples, n_columns); those of an array of numbers are no identifiers."""
    columns = [(name, array_column(values)) for name, values in zip(names, X.T, strict=True)]
    if X.dtype.kind not in "iuf":
        return columns
    return [(name, column._replace(declared="numeric")) for name, column in columns]


def array_column(values: NDArray[Any]) -> Column:
    """The values of an array, (n_samples,)."""
    kind = values.dtype.kind
    if kind in "iuf":
        return _numbers(values.astype(np.float64), values.tolist if kind in "iu" else None)
    if kind == "M":
        epoch, second = np.datetime64(0, "s"), np.timedelta64(1, "s")
        return Column(True, np.ascontiguousarray((values - epoch) / second))
    if kind == "m":
        return Column(False, np.ascontiguousarray(values / np.timedelta64(1, "s")))
    if kind == "c":
        raise ValueError(f"Complex data not supported: {values.dtype}")
    return _objects(values.tolist())


def _numbers(numbers: NDArray[np.float64], integers: Callable[[], list[Any]] | None = None) -> Column:
    """Numbers; of integers, which may be too large for them, also the exact values."""
    if integers is not None and (np.abs(numbers) > _LARGEST_INTEGER).any():
        return _objects(integers())
    return Column(False, np.ascontiguousarray(numbers))


def _objects(values: list[Any]) -> Column:
    """Values of any types: numbers or dates if all are."""
    types = set(map(type, values))
    if types <= {str, type(None)}:
        return Column(False, values)
    values = [None if _is_missing(value) else value for value in values]
    present = [value for value in values if value is not None]
    if present and all(_is_number(value) for value in present):
        if all(abs(value) <= _LARGEST_INTEGER or not isinstance(value, int) for value in present):
            return Column(False, np.array([np.nan if value is None else float(value) for value in values]))
    elif present and all(isinstance(value, datetime.date) for value in present):
        return Column(True, np.array([np.nan if value is None else _seconds(value) for value in values]))
    elif present and all(isinstance(value, datetime.time) for value in present):
        return Column(True, np.array([np.nan if value is None else _seconds_of_day(value) for value in values]))
    return Column(False, [None if value is None else _text(value) for value in values])


def _is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, pandas' NA or no time."""
    if isinstance(value, (Real, Decimal)):
        return bool(value != value)
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def _is_number(value: Any) -> bool:
    return isinstance(value, (Real, Decimal)) and not isinstance(value, (bool, np.bool_))


def _seconds(value: datetime.date) -> float:
    """Since the beginning of 1970, of UTC where there is a time zone."""
    if not isinstance(value, datetime.datetime):
        value = datetime.datetime(value.year, value.month, value.day)
    return (value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)).timestamp()


def _seconds_of_day(value: datetime.time) -> float:
    return value.hour * 3600.0 + value.minute * 60.0 + value.second + value.microsecond / _MICROSECONDS


def _text(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _of_pandas(frame: Any) -> list[tuple[str, Column]]:
    return [(str(name), _pandas_column(frame.iloc[:, at])) for at, name in enumerate(frame.columns)]


def _pandas_column(series: Any) -> Column:
    if hasattr(series.dtype, "categories"):
        return array_column(np.asarray(series))._replace(declared="categorical")
    kind = getattr(series.dtype, "kind", "O")
    if kind == "M":
        return array_column(series.to_numpy(dtype="datetime64[us]"))
    if kind == "m":
        return array_column(series.to_numpy(dtype="timedelta64[us]"))

    def objects() -> list[Any]:
        return series.astype(object).tolist()

    if kind in "iuf":
        numbers = series.to_numpy(dtype=np.float64, na_value=np.nan)
        return _numbers(numbers, objects if kind in "iu" else None)
    return array_column(np.asarray(series)) if kind == "c" else _objects(objects())


def _of_polars(frame: Any) -> list[tuple[str, Column]]:
    return [(series.name, _polars_column(series)) for series in frame.get_columns()]


def _polars_column(series: Any) -> Column:
    polars, dtype = sys.modules["polars"], series.dtype

    def floats(numbers: Any) -> NDArray[np.float64]:
        return numbers.cast(polars.Float64).to_numpy()

    if dtype.is_numeric():
        return _numbers(floats(series), series.to_list if dtype.is_integer() else None)
    if dtype in (polars.Date, polars.Datetime):
        return Column(True, floats(series.dt.epoch("us")) / _MICROSECONDS)
    if dtype == polars.Time:
        return Column(True, floats(series.cast(polars.Int64)) / 1e9)
    if dtype == polars.Duration:
        return Column(False, floats(series.dt.total_microseconds()) / _MICROSECONDS)
    column = _objects(series.to_list())
    return column._replace(declared="categorical") if dtype in (polars.Categorical, polars.Enum) else column


def _of_arrow(table: Any) -> list[tuple[str, Column]]:
    return [(name, _arrow_column(column)) for name, column in zip(table.schema.names, table.columns, strict=True)]


def _arrow_column(column: Any) -> Column:
    arrow, dtype = sys.modules["pyarrow"], column.type
    types = arrow.types

    def floats(numbers: Any) -> NDArray[np.float64]:
        return numbers.cast(arrow.float64(), safe=False).to_numpy(zero_copy_only=False)

    def seconds(unit: Any) -> NDArray[np.float64]:
        return floats(column.cast(unit, safe=False).cast(arrow.int64())) / _MICROSECONDS

    if types.is_dictionary(dtype):
        return _arrow_column(column.cast(dtype.value_type))._replace(declared="categorical")
    if types.is_integer(dtype):
        return _numbers(floats(column), column.to_pylist)
    if types.is_floating(dtype) or types.is_decimal(dtype):
        return _numbers(floats(column))
    if types.is_date(dtype) or types.is_timestamp(dtype):
        return Column(True, seconds(arrow.timestamp("us")))
    if types.is_time(dtype):
        return Column(True, seconds(arrow.time64("us")))
    if types.is_duration(dtype):
        return Column(False, seconds(arrow.duration("us")))
    return _objects(column.to_pylist())


_FRAMES: dict[tuple[str, str], Callable[[Any], list[tuple[str, Column]]]] = {
    ("pandas", "DataFrame"): _of_pandas,
    ("polars", "DataFrame"): _of_polars,
    ("pyarrow", "Table"): _of_arrow,
    ("pyarrow", "RecordBatch"): _of_arrow,
}
