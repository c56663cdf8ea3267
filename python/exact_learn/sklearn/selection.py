"""What classifiers that choose their settings by cross-validation have in common."""

from __future__ import annotations

import warnings
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, check_cv
from sklearn.utils import check_consistent_length, column_or_1d

from exact_learn import _core
from exact_learn.sklearn.estimator import caller_level
from exact_learn.sklearn.parameters import optional_reals, positive_integer, reals, text

Folds = int | list[tuple[NDArray[np.int64], NDArray[np.int64]]]


def given_folds(
    cv: Any,
    labels: NDArray[np.int64],
    weights: NDArray[np.float64] | None,
    groups: Any = None,
    seed: int = 0,
) -> Folds:
    """The number of folds, 5 by default, or their rows among those that have a weight."""
    if groups is not None:
        groups = column_or_1d(groups)
        if has_missing(groups):
            raise ValueError("groups has missing values; name the group of each row")
        check_consistent_length(labels, groups)
    if cv is None or isinstance(cv, Real):
        n_folds = 5 if cv is None else positive_integer("cv", cv)
        if groups is None:
            return n_folds
        n_groups = len(np.unique(groups))
        if n_groups < n_folds:
            raise ValueError(f"groups has {n_groups} groups, which cannot be divided into {n_folds} folds")
        cv = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    rows = np.arange(len(labels))
    kept = np.ones(len(labels), dtype=bool) if weights is None else weights > 0.0
    numbers = np.cumsum(kept) - 1
    splits = check_cv(cv, labels, classifier=True).split(rows, labels, groups)

    def numbered(fold: Any) -> NDArray[np.int64]:
        # NumPy takes an empty list for numbers that are not integers.
        chosen = rows[np.asarray(fold)] if len(fold) > 0 else rows[:0]
        return numbers[chosen[kept[chosen]]].astype(np.int64)

    return [(numbered(train), numbered(test)) for train, test in splits]


def has_missing(values: NDArray[Any]) -> bool:
    """Whether one of some labels or groups is missing."""
    if values.dtype.kind == "O":
        return any(value is None or value != value for value in values)
    return values.dtype.kind == "f" and bool(np.isnan(values).any())


def warn_of_small_classes(folds: Folds, labels: NDArray[np.int64], weights: NDArray[np.float64] | None) -> None:
    """Tells of a class that some of the folds, if they are a number, cannot hold out."""
    n_folds = folds if isinstance(folds, int) else 0
    counts = np.bincount(labels if weights is None else labels[weights > 0.0])
    smallest = counts[counts > 0].min()
    if smallest < n_folds:
        warnings.warn(
            f"the smallest class of y has {smallest} samples, fewer than the {n_folds} folds: some folds hold out none "
            "of it; give cv fewer folds, or more samples of the class",
            stacklevel=caller_level(),
        )


def search_of(classifier: Any, metric: Any, folds: Folds, seed: int) -> _core.Search:
    """How a classifier with these parameters is to choose its settings, as the kernels take it."""
    return {
        "loss": text("loss", classifier.loss),
        "metric": metric,
        "l2s": reals("l2s", classifier.l2s),
        "sigmas": reals("sigmas", classifier.sigmas),
        "margins": optional_reals("margins", classifier.margins),
        "folds": folds,
        "solver": text("solver", classifier.solver),
        "features": text("features", classifier.features),
        "seed": seed,
    }


def chosen_parameters(setting: _core.Setting) -> dict[str, Any]:
    """A setting without the hyper-parameters that its loss does not have."""
    return {name: value for name, value in setting.items() if value is not None}


def path_arrays(path: list[_core.PathPoint]) -> dict[str, NDArray[Any]]:
    """The settings that were tried and their scores as arrays."""
    columns: dict[str, NDArray[Any]] = {"loss": np.array([point["setting"]["loss"] for point in path])}
    for name in ("l2", "l1", "group_l1", "sigma", "margin", "temperature", "epsilon", "learning_rate"):
        values = np.array([point["setting"][name] for point in path], dtype=np.float64)
        if not np.isnan(values).all():
            columns[name] = values
    n_folds = max(len(point["test_scores"]) for point in path)
    scores = np.full((len(path), n_folds), np.nan)
    for row, point in zip(scores, path, strict=True):
        row[: len(point["test_scores"])] = point["test_scores"]
    columns["mean_test_score"] = np.nanmean(scores, axis=1)
    columns["std_test_score"] = np.nanstd(scores, axis=1)
    columns["mean_train_score"] = np.array([np.mean(point["train_scores"]) for point in path])
    for fold in range(n_folds):
        columns[f"split{fold}_test_score"] = scores[:, fold]
    return columns
