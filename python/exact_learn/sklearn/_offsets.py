"""The search for offsets of classes with which predictions have the best metric.

A sample is of the class whose score plus offset is the largest. As one offset grows, samples go over to its class one
after another, so that the confusion matrices of all its values are sums along that way.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float64]

# Of confusion matrices (..., labels, predictions).
Score = Callable[[_Floats], _Floats]
# Values of an offset that are tried at once.
_CANDIDATES = 256
_SWEEPS = 20
# Scores that differ by less are equal.
_ROUNDING = 1e-12
# Multiples of the direction that are tried.
_TIMES = np.array([0.0, 0.5, 1.0])
# Shares of what improves on it that are tried, and the parts of the rows for that.
_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_PARTS = 5


def accuracy(confusions: _Floats) -> _Floats:
    """The share of samples that are predicted right."""
    return np.trace(confusions, axis1=-2, axis2=-1) / confusions.sum(axis=(-2, -1))


def balanced_accuracy(confusions: _Floats) -> _Floats:
    """The mean over classes of the share that is predicted right."""
    truth = confusions.sum(axis=-1)
    hits = np.diagonal(confusions, axis1=-2, axis2=-1)
    return _mean_over_classes(hits, truth, truth > 0.0)


def macro_f1(confusions: _Floats) -> _Floats:
    """The mean F1 of the classes that occur or are predicted."""
    counts = confusions.sum(axis=-1) + confusions.sum(axis=-2)
    hits = np.diagonal(confusions, axis1=-2, axis2=-1)
    return _mean_over_classes(2.0 * hits, counts, counts > 0.0)


def matthews_corrcoef(confusions: _Floats) -> _Floats:
    """The correlation of labels and predictions; 0 where all predictions are one class."""
    truth, predicted = confusions.sum(axis=-1), confusions.sum(axis=-2)
    total = truth.sum(axis=-1)
    covariance = np.trace(confusions, axis1=-2, axis2=-1) * total - (truth * predicted).sum(axis=-1)
    spread = (total**2 - (truth**2).sum(axis=-1)) * (total**2 - (predicted**2).sum(axis=-1))
    return np.where(spread > 0.0, covariance / np.sqrt(np.where(spread > 0.0, spread, 1.0)), 0.0)


def minus_cost(costs: _Floats) -> Score:
    """Minus the mean cost of a sample."""

    def score(confusions: _Floats) -> _Floats:
        return -(confusions * costs).sum(axis=(-2, -1)) / confusions.sum(axis=(-2, -1))

    return score


def _mean_over_classes(values: _Floats, counts: _Floats, occurs: NDArray[np.bool_]) -> _Floats:
    shares = np.where(occurs, values / np.where(occurs, counts, 1.0), 0.0)
    return shares.sum(axis=-1) / occurs.sum(axis=-1)


def confusion(scores: _Floats, labels: NDArray[np.intp], weights: _Floats) -> _Floats:
    """The confusion matrix (labels, predictions) of scores (n, C)."""
    n_classes = scores.shape[1]
    cells = labels * n_classes + scores.argmax(axis=1)
    counts: _Floats = np.bincount(cells, weights, n_classes**2).astype(np.float64)
    return counts.reshape(n_classes, n_classes)


def tuned_offsets(
    scores: _Floats, labels: NDArray[np.intp], weights: _Floats, score: Score, direction: _Floats
) -> tuple[_Floats, float]:
    """Offsets (C) for the scores (n, C) of rows that are held out, and the score with them.

    First as many times the direction as are best, then the best found from there; of the second step as much is taken
    as is best on parts of the rows for which both steps saw the other parts alone.
    """
    n_classes = scores.shape[1]
    counts = weights > 0.0
    scores, labels, weights = scores[counts], labels[counts], weights[counts]
    # Each part has its share of all scores, and a row that is repeated is in one of them.
    _, ranks = np.unique(np.column_stack([labels, scores]), axis=0, return_inverse=True)
    parts = ranks % _PARTS
    held_out = np.zeros((len(_SHARES), n_classes, n_classes))
    for part in range(_PARTS):
        seen = parts != part
        first, second = _steps(scores[seen], labels[seen], weights[seen], score, direction)
        rest = (labels[~seen], weights[~seen])
        held_out += [confusion(scores[~seen] + first + share * second, *rest) for share in _SHARES]
    share = _SHARES[int(score(held_out).argmax())] if held_out.any() else 0.0
    first, second = _steps(scores, labels, weights, score, direction)
    offsets = first + share * second
    return offsets, float(score(confusion(scores + offsets, labels, weights)))


def _steps(
    scores: _Floats, labels: NDArray[np.intp], weights: _Floats, score: Score, direction: _Floats
) -> tuple[_Floats, _Floats]:
    """The best multiple of the direction, and what improves on it."""
    confusions = np.stack([confusion(scores + times * direction, labels, weights) for times in _TIMES])
    first = _TIMES[int(score(confusions).argmax())] * direction
    offsets, best = first.copy(), score(confusion(scores + first, labels, weights))
    # Of two classes only the difference matters.
    moved = range(1, 2) if len(offsets) == 2 else range(len(offsets))
    for _ in range(_SWEEPS):
        before = best
        for chosen in moved:
            values, found = _along(scores, offsets, labels, weights, score, chosen)
            # In the middle of those that are equally good.
            equal = np.flatnonzero(found >= found.max() - _ROUNDING)
            at = equal[len(equal) // 2]
            if found[at] > best + _ROUNDING:
                offsets[chosen], best = values[at], found[at]
        if best <= before:
            break
    return first, offsets - offsets.mean() - first


def _along(
    scores: _Floats,
    offsets: _Floats,
    labels: NDArray[np.intp],
    weights: _Floats,
    score: Score,
    chosen: int,
) -> tuple[_Floats, _Floats]:
    """Values of one offset, and the scores with them."""
    n_classes = len(offsets)
    others = scores + offsets
    others[:, chosen] = -np.inf
    rivals = others.argmax(axis=1)
    # A sample is of the chosen class from this value of its offset on.
    needed = others.max(axis=1) - scores[:, chosen]
    values = _between(needed)
    steps = np.searchsorted(values, needed)
    size = n_classes**2
    arrives = steps * size + labels * n_classes + chosen
    leaves = steps * size + labels * n_classes + rivals
    length = (len(values) + 1) * size
    changes = np.bincount(arrives, weights, length) - np.bincount(leaves, weights, length)
    start: _Floats = np.bincount(labels * n_classes + rivals, weights, size).astype(np.float64)
    confusions: _Floats = start + np.cumsum(changes.reshape(-1, size)[: len(values)], axis=0)
    return values, score(confusions.reshape(-1, n_classes, n_classes))


def _between(needed: _Floats) -> _Floats:
    """Values between those that samples need, at equal shares of the samples, and beyond both ends."""
    distinct = np.unique(needed)
    if len(distinct) > _CANDIDATES:
        distinct = np.quantile(distinct, np.linspace(0.0, 1.0, _CANDIDATES), method="nearest")
    middle = 0.5 * (distinct[1:] + distinct[:-1])
    return np.concatenate([distinct[:1] - 1.0, middle, distinct[-1:] + 1.0])
