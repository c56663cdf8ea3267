"""Expected metrics of random predictions, and their gradients, on NumPy arrays."""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from exact_learn import _core
from exact_learn._arrays import Rows, class_labels, contiguous, float_array


class ValueAndGradients(NamedTuple):
    """A value with its gradients, sample by sample.

    Attributes
    ----------
    value : array, (...)
        (..., C) for :func:`predictive_distribution`.
    logits_gradient : array, (..., C)
        The derivative of each sample's value with respect to its logits.
    sigma_gradient : array, (...) or (..., C)
        The same with respect to its sigma; (..., C) for a sigma per sample and class.
    """

    value: Any
    logits_gradient: Any
    sigma_gradient: Any


def expected_accuracy(
    logits: ArrayLike, labels: ArrayLike, sigma: ArrayLike = 1.0, *, log: bool = False, gradient: bool = False
) -> Any:
    r"""The probability that the label's score is the largest.

    .. math:: P(s_y > \max_{i \ne y} s_i)
              = \int \phi(z) \prod_{i \ne y} \Phi((\mu_y - \mu_i + \sigma_y z) / \sigma_i) dz

    for independent scores :math:`s_i \sim N(\mu_i, \sigma_i^2)` with the logits as means.

    Parameters
    ----------
    logits : array_like, (..., C)
        float32 stays float32; float64 and integers are computed in float64.
    labels : array_like of int, (...)
        Classes, from 0 to C - 1. Leading dimensions broadcast.
    sigma : array_like
        The standard deviation of the scores: a number, one per sample (...), or one per sample and class with as many
        dimensions as the logits. Positive and finite.
    log : bool
        Return the logarithm of the probability, which is finite also where the probability underflows.
    gradient : bool
        Return the gradients too.

    Returns
    -------
    array, (...), or ValueAndGradients

    Raises
    ------
    TypeError
        If logits or sigma are not float32, float64 or integers, or labels are not integers.
    ValueError
        If shapes do not broadcast, a logit is not finite, a label is not a class or a sigma is not positive.

    Examples
    --------
    >>> from exact_learn import expected_accuracy
    >>> # Two classes: the normal distribution function of 1 / (0.5 sqrt(2)).
    >>> round(float(expected_accuracy([1.0, 0.0], 0, sigma=0.5)), 12)
    0.921350396475
    """
    classes = class_labels(labels)
    rows = Rows(logits, sigma, classes.shape)
    quantity = "log" if log else "accuracy"
    results = _core.expected_accuracy(rows.logits, rows.flat(classes), rows.sigma, None, quantity, None)
    return _values(rows, results, gradient)


def top_k(logits: ArrayLike, labels: ArrayLike, k: int, sigma: ArrayLike = 1.0, *, gradient: bool = False) -> Any:
    r"""Expected top-k accuracy: the probability that fewer than k scores exceed the label's.

    .. math:: P(\#\{i \ne y: s_i > s_y\} < k)

    for independent scores :math:`s_i \sim N(\mu_i, \sigma_i^2)` with the logits as means. For ``k=1`` it is
    :func:`expected_accuracy`, which is much faster; ``k`` of at least the number of classes gives 1.

    Parameters
    ----------
    logits : array_like, (..., C)
        float32 stays float32; float64 and integers are computed in float64.
    labels : array_like of int, (...)
        Classes, from 0 to C - 1. Leading dimensions broadcast.
    k : int
        How many guesses there are, at least 1.
    sigma : array_like
        As in :func:`expected_accuracy`.
    gradient : bool
        Return the gradients too.

    Returns
    -------
    array, (...), or ValueAndGradients

    Raises
    ------
    TypeError, ValueError
        As in :func:`expected_accuracy`, and ValueError for a k below 1.

    Examples
    --------
    >>> from exact_learn import top_k
    >>> # Of five equal scores, each is among the first two with probability 2/5.
    >>> round(float(top_k([0.0] * 5, 3, k=2)), 12)
    0.4
    """
    k = operator.index(k)
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    classes = class_labels(labels)
    rows = Rows(logits, sigma, classes.shape)
    guesses = min(k, rows.n_classes)
    results = _core.top_k(rows.logits, rows.flat(classes), guesses, rows.sigma, None, "accuracy", None)
    return _values(rows, results, gradient)


def predictive_distribution(logits: ArrayLike, sigma: ArrayLike = 1.0, *, cotangent: ArrayLike | None = None) -> Any:
    r"""The probability of each class to have the largest score.

    .. math:: p_c = P(s_c > \max_{i \ne c} s_i)

    for independent scores :math:`s_i \sim N(\mu_i, \sigma_i^2)` with the logits as means.

    Parameters
    ----------
    logits : array_like, (..., C)
        float32 stays float32; float64 and integers are computed in float64.
    sigma : array_like
        As in :func:`expected_accuracy`.
    cotangent : array_like, (..., C), optional
        Return the vector-Jacobian products too: the gradients of the sum over c of ``cotangent_c p_c``.

    Returns
    -------
    array, (..., C), or ValueAndGradients

    Raises
    ------
    TypeError, ValueError
        As in :func:`expected_accuracy`, and ValueError for a cotangent that is not finite.

    Examples
    --------
    >>> from exact_learn import predictive_distribution
    >>> predictive_distribution([1.0, 0.0], sigma=0.5).round(6)
    array([0.92135, 0.07865])
    """
    if cotangent is None:
        rows = Rows(logits, sigma)
        return rows.restore(_core.predictive_distribution(rows.logits, rows.sigma))
    weights = _per_class("cotangent", cotangent)
    rows = Rows(logits, sigma, weights.shape[:-1])
    _check_width("cotangent", weights, rows)
    weights = rows.rows(weights.astype(rows.logits.dtype, copy=False))
    value = _core.predictive_distribution(rows.logits, rows.sigma)
    products = _core.predictive_distribution_gradient(rows.logits, rows.sigma, weights)
    return _values(rows, (value, *products), gradient=True)


def expected_cost(
    logits: ArrayLike,
    costs: ArrayLike,
    labels: ArrayLike | None = None,
    sigma: ArrayLike = 1.0,
    *,
    gradient: bool = False,
) -> Any:
    r"""The expected cost of the prediction, ``sum_c costs_c p_c`` with the :func:`predictive_distribution` p.

    An option to reject is one more class, with a logit of its own, which is never a label.

    Parameters
    ----------
    logits : array_like, (..., C)
        float32 stays float32; float64 and integers are computed in float64.
    costs : array_like
        With labels, the cost matrix, (labels, C): row y holds what each prediction costs for the label y. Without
        labels, the costs of each sample's predictions, (..., C), which broadcast.
    labels : array_like of int, (...), optional
        Rows of the cost matrix.
    sigma : array_like
        As in :func:`expected_accuracy`.
    gradient : bool
        Return the gradients too.

    Returns
    -------
    array, (...), or ValueAndGradients

    Raises
    ------
    TypeError, ValueError
        As in :func:`expected_accuracy`, and ValueError for a cost that is not finite.

    Examples
    --------
    >>> from exact_learn import expected_cost
    >>> # Two labels and a rejection at cost 0.2; of equal scores, each wins with probability 1/3.
    >>> matrix = [[0.0, 1.0, 0.2], [5.0, 0.0, 0.2]]
    >>> expected_cost([[0.0, 0.0, 0.0]], matrix, labels=[0, 1]).round(12)
    array([0.4       , 1.73333333])
    """
    table = _per_class("costs", costs)
    if labels is None:
        rows = Rows(logits, sigma, table.shape[:-1])
        _check_width("costs", table, rows)
        table = rows.rows(table)
        rows_of_table = np.arange(len(table))
    else:
        if table.ndim != 2:
            raise ValueError(f"with labels, costs must be a matrix (labels, predictions), got shape {table.shape}")
        classes = class_labels(labels)
        rows = Rows(logits, sigma, classes.shape)
        table = contiguous(table)
        rows_of_table = rows.flat(classes)
    table = table.astype(rows.logits.dtype, copy=False)
    return _values(rows, _core.expected_cost(rows.logits, rows_of_table, table, rows.sigma, None), gradient)


def _values(rows: Rows, results: tuple[Any, ...], gradient: bool) -> Any:
    if not gradient:
        return rows.restore(results[0])
    return ValueAndGradients(*(rows.restore(result) for result in results))


def _per_class(name: str, values: ArrayLike) -> np.ndarray[Any, Any]:
    array = float_array(name, values)
    if array.ndim == 0:
        raise ValueError(f"{name} must have one value per class in the last dimension, got a single number")
    return array


def _check_width(name: str, values: np.ndarray[Any, Any], rows: Rows) -> None:
    if values.shape[-1] != rows.n_classes:
        raise ValueError(f"{name} has {values.shape[-1]} columns, expected {rows.n_classes}, one per logit")
