"""Checks of the types of parameters. The kernels check the ranges of real numbers."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from joblib import effective_n_jobs


def real(name: str, value: Any) -> float:
    """A number."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    return float(value)


def flag(name: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def reals(name: str, values: Any) -> list[float] | None:
    """Numbers to choose from, or None."""
    return None if values is None else [real(f"each of {name}", value) for value in sequence(name, values)]


def optional_reals(name: str, values: Any) -> list[float | None] | None:
    """Numbers to choose from, None among them, or None."""
    if values is None:
        return None
    return [None if value is None else real(f"each of {name}", value) for value in sequence(name, values)]


def sequence(name: str, values: Any) -> list[Any]:
    """The values of a list, an array or the like."""
    if np.ndim(values) != 1:
        raise TypeError(f"{name} must be a list of numbers or None, got {values!r}")
    return list(values)


def positive_integer(name: str, value: Any) -> int:
    """An integer of at least 1."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")
    return int(value)


def text(name: str, value: Any) -> str:
    """A name of something."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {value!r}")
    return value


def n_threads(n_jobs: Any) -> int:
    """How many threads scikit-learn's number of jobs stands for."""
    if n_jobs is not None and (isinstance(n_jobs, bool) or not isinstance(n_jobs, Integral)):
        raise TypeError(f"n_jobs must be an integer or None, got {n_jobs!r}")
    return int(effective_n_jobs(n_jobs))
