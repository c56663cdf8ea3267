"""Linear classifiers on partitions of the rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray
from ray.exceptions import GetTimeoutError, RayActorError
from sklearn.utils import check_X_y
from sklearn.utils.multiclass import check_classification_targets

from exact_learn import _core
from exact_learn.sklearn import ExactClassifier
from exact_learn.sklearn.parameters import text

Source = Callable[[], tuple[Any, ...]]
_Rows = tuple[NDArray[Any], NDArray[Any], NDArray[np.float64] | None]


def fit_partitions(
    classifier: ExactClassifier,
    sources: Sequence[Source],
    *,
    threads: int = 1,
    max_restarts: int = 3,
    timeout: float = 600.0,
) -> ExactClassifier:
    """Trains a classifier on partitions of the rows as its ``fit`` does on all rows together.

    Each partition is held by a Ray actor. The driver runs L-BFGS: for every evaluation it sends the parameters to all
    actors, which answer with the sums of losses and gradients over their rows. Columns and logits are standardised by
    the moments of all rows. The objective is that of ``fit``, up to the rounding of sums.

    An actor that is lost is started again, reads its partition anew and answers what it was asked.

    What this does not cover: sparse matrices, metrics other than accuracy, class weights (give sample weights), columns
    that are not standardised, training without an intercept, a warm start, and the choice of settings by
    cross-validation.

    Parameters
    ----------
    classifier : ExactClassifier
        Its parameters are those of training; the metric must be accuracy. It is changed in place.
    sources : sequence of callables
        Each returns its partition, in an actor: X, (n_samples, n_features), and y, (n_samples,), and, if it likes,
        the sample weights, (n_samples,). It is called again for an actor that was lost, and must return the same.
    threads : int
        Threads of each actor, for which Ray reserves as many CPUs.
    max_restarts : int
        How often an actor may be lost.
    timeout : float
        Seconds that an answer may take, restarts included.

    Returns
    -------
    ExactClassifier
        The same, fitted.

    Raises
    ------
    ValueError
        If a partition or a parameter cannot be trained with, or partitions have different numbers of features.
    TypeError
        If a partition is sparse, or the classifier is not an ExactClassifier.
    RuntimeError
        If an actor was lost too often, or an answer takes too long.
    """
    if not sources:
        raise ValueError("there are no partitions; give at least one source")
    if not isinstance(classifier, ExactClassifier):
        raise TypeError(
            f"fit_partitions trains an ExactClassifier, got {type(classifier).__name__}; "
            "choose the settings on a sample of the rows first"
        )
    unsupported = {
        "metric": "accuracy",
        "class_weight": None,
        "standardize": True,
        "fit_intercept": True,
        "warm_start": False,
    }
    for name, value in unsupported.items():
        if getattr(classifier, name) != value:
            raise ValueError(f"{name} must be {value!r} to train on partitions, got {getattr(classifier, name)!r}")
    loss, settings = text("loss", classifier.loss), classifier._settings()
    options = {"num_cpus": threads, "max_restarts": max_restarts, "max_task_retries": max_restarts}
    actors: list[Any] = [ray.remote(Holder).options(**options).remote(source, threads, settings) for source in sources]
    try:
        described = _answers(actors, timeout, "describe")
        widths = sorted({width for width, _ in described})
        if len(widths) > 1:
            raise ValueError(f"the partitions must have the same features, got {widths} of them")
        classes = np.unique(np.concatenate([classes for _, classes in described]))
        if len(classes) < 2:
            raise ValueError(f"training needs samples of at least 2 classes, but y has 1 class: {classes[0]!r}")

        def ask(method: str, *arguments: Any) -> list[Any]:
            return _answers(actors, timeout, "answer", classes, method, *arguments)

        fitted, n_iter, _ = _core.LinearClassifier.fit_partitions(ask, len(classes), loss, settings)
    finally:
        for actor in actors:
            ray.kill(actor)
    classifier._classifier, classifier.n_iter_ = fitted, n_iter
    classifier.classes_, classifier.n_features_in_ = classes, widths[0]
    return classifier


class Holder:
    """What an actor does: it reads its partition when it is first asked."""

    def __init__(self, source: Source, threads: int, settings: _core.Settings) -> None:
        os.environ["RAYON_NUM_THREADS"] = str(threads)
        self._source = source
        self._settings = settings
        self._rows: _Rows | None = None
        self._partition: _core.Partition | None = None

    def describe(self) -> tuple[int, NDArray[Any]]:
        """The number of features, and the classes of the partition."""
        self._rows = self._read()
        X, y, _ = self._rows
        return X.shape[1], np.unique(y)

    def answer(self, classes: NDArray[Any], method: str, *arguments: Any) -> Any:
        """Calls a method of the partition, with the labels numbered by all classes."""
        if self._partition is None:
            # An actor that has replaced another has described nothing.
            X, y, sample_weight = self._rows or self._read()
            self._rows = None
            self._partition = _core.Partition(
                inputs=X,
                labels=np.searchsorted(classes, y).astype(np.int64, copy=False),
                n_classes=len(classes),
                sample_weight=sample_weight,
                settings=self._settings,
            )
        return getattr(self._partition, method)(*arguments)

    def _read(self) -> _Rows:
        X, y, *weights = self._source()
        X, y = check_X_y(X, y, dtype=[np.float64, np.float32], order="C")
        check_classification_targets(y)
        return X, y, np.ascontiguousarray(weights[0], dtype=np.float64) if weights else None


def _answers(actors: Sequence[Any], timeout: float, method: str, *arguments: Any) -> list[Any]:
    """The answers of all actors, in their order."""
    # Each argument is stored once for all actors.
    arguments = tuple(ray.put(argument) for argument in arguments)
    try:
        return ray.get([getattr(actor, method).remote(*arguments) for actor in actors], timeout=timeout)
    except GetTimeoutError as error:
        raise RuntimeError(f"a partition has not answered after {timeout:g} s; are all actors running?") from error
    except RayActorError as error:
        raise RuntimeError(
            "a partition was lost more often than max_restarts allows; is there enough memory for it?"
        ) from error
