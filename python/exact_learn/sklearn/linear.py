"""What linear classifiers have in common: checks of data, predictions and pickling."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_array, column_or_1d, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from exact_learn import _core
from exact_learn._arrays import contiguous
from exact_learn.sklearn.estimator import log_probabilities, read, versioned
from exact_learn.sklearn.parameters import flag, n_threads, positive_integer

# Matrices are taken as they are in either precision, row after row.
_CHECKS: dict[str, Any] = {"accept_sparse": "csr", "dtype": [np.float64, np.float32], "order": "C"}

# Those that have a name and no number.
_METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss")


class LinearClassifier(ClassifierMixin, BaseEstimator):
    """Predictions of a linear classifier, and the checks before its training.

    A subclass has the parameters ``metric``, ``k``, ``class_weight``, ``standardize``, ``fit_intercept`` and
    ``n_jobs``; its ``fit`` sets ``_classifier``.
    """

    metric: Any
    k: int
    class_weight: Any
    standardize: bool
    fit_intercept: bool
    n_jobs: int | None
    classes_: NDArray[Any]
    n_features_in_: int
    _classifier: _core.LinearClassifier

    def _dataset(self, X: Any, y: Any, sample_weight: Any) -> _core.Dataset:
        """Checks the data and sets ``classes_``."""
        X, y = validate_data(self, X, y, **_CHECKS)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        labels = labels.astype(np.int64, copy=False)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least 2 classes, but y has 1 class: "
                f"{self.classes_[0]!r}; add samples of another class"
            )
        return {
            "inputs": _canonical(X),
            "labels": labels,
            "n_classes": len(self.classes_),
            "sample_weight": self._weights(y, labels, sample_weight),
            "standardize": flag("standardize", self.standardize),
            "fit_intercept": flag("fit_intercept", self.fit_intercept),
        }

    def _weights(self, y: NDArray[Any], labels: NDArray[Any], sample_weight: Any) -> NDArray[np.float64] | None:
        """Sample weights times class weights."""
        weights = None
        if sample_weight is not None:
            weights = checked_sample_weight(sample_weight, len(labels))
        if self.class_weight is None:
            return weights
        if isinstance(self.class_weight, str) and self.class_weight == "balanced":
            return _core.balanced_weights(labels, len(self.classes_), weights)
        of_class = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
        return weighted_by_class(weights, of_class[labels])

    def _n_threads(self) -> int:
        return n_threads(self.n_jobs)

    def _inputs(self, X: Any) -> Any:
        """Rows to predict."""
        check_is_fitted(self)
        return _canonical(validate_data(self, X, reset=False, **_CHECKS))

    @property
    def coef_(self) -> NDArray[np.float64]:
        """Weights in the units of the features, (n_classes, n_features); they sum to 0 over the classes.

        For two classes (1, n_features), the difference of the second to the first.
        """
        coefficients = self._classifier.coefficients()
        return coefficients[1:] - coefficients[:1] if len(coefficients) == 2 else coefficients

    @property
    def intercept_(self) -> NDArray[np.float64]:
        """Biases, (n_classes,); they sum to 0, and are 0 without an intercept.

        For two classes (1,), the difference of the second to the first.
        """
        intercepts = self._classifier.intercepts()
        return intercepts[1:] - intercepts[:1] if len(intercepts) == 2 else intercepts

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Logits; the class with the largest is predicted, unless the classifier decides by cost.

        Parameters
        ----------
        X : array-like, sparse matrix or table, (n_samples, n_features)

        Returns
        -------
        array, (n_samples,) or (n_samples, n_classes)
            For two classes, the logit of ``classes_[1]`` minus that of ``classes_[0]``; otherwise those of all
            classes, which sum to 0.
        """
        inputs = self._inputs(X)
        logits = self._classifier.logits(inputs)
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    def predict(self, X: Any) -> NDArray[Any]:
        """The class with the largest logit.

        Where :class:`ExactClassifierCV` was given costs and chose another loss than "exact", the class with the least
        expected cost under :meth:`predict_proba`.

        Parameters
        ----------
        X : array-like, sparse matrix or table, (n_samples, n_features)

        Returns
        -------
        array, (n_samples,)
        """
        inputs = self._inputs(X)
        return self.classes_[self._classifier.predict(inputs)]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The probability of each class.

        Parameters
        ----------
        X : array-like, sparse matrix or table, (n_samples, n_features)

        Returns
        -------
        array, (n_samples, n_classes)
            In the order of ``classes_``; rows sum to 1.
        """
        inputs = self._inputs(X)
        return self._classifier.probabilities(inputs)

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """The logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like, sparse matrix or table, (n_samples, n_features)

        Returns
        -------
        array, (n_samples, n_classes)
            Minus infinity where a probability is 0.
        """
        return log_probabilities(self.predict_proba(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state = versioned(super().__getstate__())
        if "_classifier" in state:
            state["_classifier"] = self._classifier.to_bytes()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(read(self, state, "_classifier", _core.LinearClassifier.from_bytes))


def _canonical(X: Any) -> Any:
    """A matrix as the kernels take it, the same one if it is so already; a sparse one with sorted columns."""
    if not issparse(X):
        return contiguous(X)
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    if not all(part.flags.aligned for part in (X.data, X.indices, X.indptr)):
        X = X.copy()
    return X


def metric_of(metric: Any, k: int, n_classes: int | None) -> str | int | NDArray[np.float64]:
    """A metric as the kernels take it; without a number of classes, they check the shape of costs."""
    if not isinstance(metric, str):
        return cost_matrix(metric, n_classes)
    if metric == "top_k_accuracy":
        return positive_integer("k", k)
    if metric in _METRICS:
        return metric
    names = ", ".join(repr(name) for name in (*_METRICS, "top_k_accuracy"))
    raise ValueError(f"metric must be one of {names}, or a cost matrix, got {metric!r}")


def cost_matrix(metric: Any, n_classes: int | None) -> NDArray[np.float64]:
    """A metric that is no name, as the costs of predictions."""
    if callable(metric):
        raise TypeError(
            f"metric must be a name or a cost matrix, got {metric!r}; ExactClassifierCV takes scorers as scoring="
        )
    costs = check_array(metric, dtype=np.float64, order="C", input_name="metric")
    if n_classes is None:
        n_classes = len(costs)
    if costs.shape != (n_classes, n_classes):
        raise ValueError(
            f"metric is a cost matrix of shape {costs.shape}, expected {(n_classes, n_classes)}: "
            "a row for each class and a column for each prediction, in the order of classes_"
        )
    return costs


def checked_sample_weight(sample_weight: Any, n_samples: int) -> NDArray[np.float64]:
    """Weights of samples, one for each, of which one is positive."""
    if isinstance(sample_weight, Real):
        sample_weight = np.full(n_samples, sample_weight)
    weights = column_or_1d(check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight"))
    if len(weights) != n_samples:
        raise ValueError(f"sample_weight has {len(weights)} values, expected {n_samples}, one for each sample of X")
    if (weights < 0.0).any():
        raise ValueError("sample_weight has negative values; a weight of 0 leaves a sample out")
    _check_total("sample_weight", weights)
    if not weights.any():
        raise ValueError(
            "sample_weight is zero for all samples; give at least one sample of each of two classes a weight"
        )
    return contiguous(weights)


def weighted_by_class(weights: NDArray[np.float64] | None, of_class: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of samples times those of their classes."""
    with np.errstate(over="ignore"):
        weights = of_class if weights is None else weights * of_class
    _check_total("class_weight, times sample_weight,", weights)
    return weights


def _check_total(name: str, weights: NDArray[np.float64]) -> None:
    with np.errstate(over="ignore"):
        total = weights.sum()
    if np.isinf(total):
        raise ValueError(f"{name} adds up to more than a float holds; divide the weights by the largest")
