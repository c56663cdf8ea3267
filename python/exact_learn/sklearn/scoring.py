"""Scorers of scikit-learn on predictions that are there already."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import get_scorer

Score = Callable[
    [NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None],
    float,
]


class _Predicted(ClassifierMixin, BaseEstimator):
    """What a scorer sees of a classifier: its predictions for the rows that are scored, whatever X is."""

    def __init__(self, classes: NDArray[Any], logits: NDArray[np.float64], probabilities: NDArray[np.float64]) -> None:
        self.classes_ = classes
        self._logits = logits
        self._probabilities = probabilities

    def predict(self, X: Any) -> NDArray[Any]:
        return self.classes_[self._logits.argmax(axis=1)]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        return self._probabilities

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        return self._logits[:, 1] - self._logits[:, 0] if len(self.classes_) == 2 else self._logits


def score_of(scoring: Any, classes: NDArray[Any]) -> Score:
    """A scorer as the kernels call it: with labels, logits, probabilities and weights.

    Weights reach scorers that take a ``sample_weight``; the others score rows as they are.
    """
    if not (isinstance(scoring, str) or callable(scoring)):
        raise TypeError(f"scoring must be the name of a scorer or a callable, got {scoring!r}")
    scorer = get_scorer(scoring)
    takes_weights = "sample_weight" in signature(getattr(scorer, "_score_func", scorer)).parameters

    def score(
        labels: NDArray[np.int64],
        logits: NDArray[np.float64],
        probabilities: NDArray[np.float64],
        weights: NDArray[np.float64] | None,
    ) -> float:
        weighted = {"sample_weight": weights} if takes_weights and weights is not None else {}
        value = scorer(_Predicted(classes, logits, probabilities), None, classes[labels], **weighted)
        if not isinstance(value, Real):
            raise TypeError(f"scoring must return a number, got {value!r}")
        return float(value)

    return score
