"""Checks of the types of parameters. The kernels check the ranges of real numbers."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from joblib import effective_n_jobs


def real(name: str, value: Any) -> float:
    """A number."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    return float(value)


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
