"""What estimators have in common: a fit that fails leaves the last one, logarithms, and pickles of other versions."""

from __future__ import annotations

import functools
import inspect
import sys
import warnings
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import InconsistentVersionWarning

from exact_learn import _core

Fit = TypeVar("Fit", bound=Callable[..., Any])


def whole(fit: Fit) -> Fit:
    """Has a fit that fails or is interrupted leave the estimator as it was before."""

    @functools.wraps(fit)
    def fit_or_restore(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = dict(self.__dict__)
        try:
            return fit(self, *args, **kwargs)
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    return cast(Fit, fit_or_restore)


def log_probabilities(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Their logarithms, minus infinity where a probability is 0."""
    with np.errstate(divide="ignore"):
        return np.log(probabilities)


def caller_level() -> int:
    """The ``stacklevel`` of the first caller outside of this package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals["__name__"].startswith("exact_learn."):
        level, frame = level + 1, frame.f_back
    return level


def versioned(state: dict[str, Any]) -> dict[str, Any]:
    """What is pickled, with the version of this package."""
    return dict(state, _exact_learn_version=_core.__version__)


def read(estimator: Any, state: dict[str, Any], name: str, from_bytes: Callable[[bytes], Any]) -> dict[str, Any]:
    """What was pickled, with the model of this name from its bytes, which say in which format they are.

    A warning tells of another version, as scikit-learn's does of its own: what is predicted may have changed.
    Parameters that the version did not have yet are at their defaults, which stand for what it did.
    """
    parameters = inspect.signature(type(estimator)).parameters.values()
    state = {parameter.name: parameter.default for parameter in parameters} | state
    version = state.pop("_exact_learn_version", None)
    if name in state:
        try:
            state[name] = from_bytes(state[name])
        except ValueError as error:
            raise ValueError(
                f"this {type(estimator).__name__}, pickled by version {version} of exact-learn, cannot be read by "
                f"version {_core.__version__}: {error}"
            ) from None
        if version != _core.__version__:
            warnings.warn(OtherVersionWarning(type(estimator).__name__, str(version)), stacklevel=3)
    return state


class OtherVersionWarning(InconsistentVersionWarning):
    """A model was pickled by another version of exact-learn."""

    def __init__(self, estimator_name: str, version: str) -> None:
        super().__init__(
            estimator_name=estimator_name,
            current_sklearn_version=_core.__version__,
            original_sklearn_version=version,
        )

    def __str__(self) -> str:
        return (
            f"{self.estimator_name} was pickled by version {self.original_sklearn_version} of exact-learn and is read "
            f"by version {self.current_sklearn_version}; its predictions may differ in detail: check them, or train "
            "it again"
        )
