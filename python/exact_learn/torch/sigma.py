"""Sigma, the standard deviation of the class scores: schedules, and learning it."""

from __future__ import annotations

import dataclasses
import math
import numbers

import torch
from torch import Tensor, nn

from exact_learn import _core


@dataclasses.dataclass(frozen=True)
class GeometricSchedule:
    """``start * (end / start) ** t`` with t from 0 at step 0 to 1 at the last of `steps` steps, and `end` after it.

    The paper's schedule of sigma goes from 10 to 0.01.

    Examples
    --------
    >>> schedule = GeometricSchedule(10.0, 0.1, steps=3)
    >>> [round(schedule(step), 6) for step in range(4)]
    [10.0, 1.0, 0.1, 0.1]
    """

    start: float
    end: float
    steps: int

    def __post_init__(self) -> None:
        _check(self.start, self.end, self.steps)

    def __call__(self, step: int) -> float:
        return _core.schedule_value("geometric", self.start, self.end, step, self.steps)


@dataclasses.dataclass(frozen=True)
class CosineSchedule:
    """``end + (start - end) * (1 + cos(pi t)) / 2`` with t as in :class:`GeometricSchedule`.

    Examples
    --------
    >>> schedule = CosineSchedule(2.0, 1.0, steps=3)
    >>> [round(schedule(step), 6) for step in range(4)]
    [2.0, 1.5, 1.0, 1.0]
    """

    start: float
    end: float
    steps: int

    def __post_init__(self) -> None:
        _check(self.start, self.end, self.steps)

    def __call__(self, step: int) -> float:
        return _core.schedule_value("cosine", self.start, self.end, step, self.steps)


def _check(start: float, end: float, steps: int) -> None:
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    _core.schedule_value("geometric", start, end, 0, steps)


class LearnedSigma(nn.Module):
    """A positive sigma whose logarithm is learned.

    Hand its parameters to the optimiser, together with the model's.

    Parameters
    ----------
    initial : float
        Sigma before learning.
    """

    def __init__(self, initial: float = 1.0) -> None:
        super().__init__()
        self.log_sigma = nn.Parameter(torch.tensor(math.log(positive("sigma", initial))))

    def forward(self) -> Tensor:
        return self.log_sigma.exp()


def positive(name: str, value: float) -> float:
    """The value as a float, if it is positive and finite."""
    if not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {type(value).__name__}")
    value = float(value)
    if not (value > 0.0 and math.isfinite(value)):
        raise ValueError(f"{name} must be positive and finite, got {value}")
    return value
