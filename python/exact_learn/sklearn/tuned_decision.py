"""Decisions of any probabilistic classifier, tuned to a metric."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.model_selection import StratifiedGroupKFold, check_cv
from sklearn.utils import _safe_indexing, assert_all_finite, column_or_1d, get_tags, indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import _check_method_params, check_is_fitted, has_fit_parameter

from exact_learn.sklearn import _offsets
from exact_learn.sklearn.estimator import log_probabilities, whole
from exact_learn.sklearn.linear import checked_sample_weight, cost_matrix

_METRICS: dict[str, _offsets.Score] = {
    "accuracy": _offsets.accuracy,
    "balanced_accuracy": _offsets.balanced_accuracy,
    "macro_f1": _offsets.macro_f1,
    "matthews_corrcoef": _offsets.matthews_corrcoef,
}


class TunedDecisionClassifierCV(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    r"""Any probabilistic classifier, whose decisions are tuned to a metric by one offset for each class.

    It predicts :math:`\arg\max_c \log p_c(x) + b_c` with the probabilities of the classifier and offsets that have the
    best metric on rows held out by cross-validation; for a cost matrix :math:`C` the class with the least
    :math:`\sum_y p_y(x) C_{yc} - b_c`. For two classes it tunes the threshold, as scikit-learn's
    ``TunedThresholdClassifierCV`` does.

    Parameters
    ----------
    estimator : estimator
        A classifier with ``predict_proba``, fitted or not.
    metric : {"accuracy", "balanced_accuracy", "macro_f1", "matthews_corrcoef"} or array-like, (n_classes, n_classes)
        What is tuned: a metric, or the costs of predictions, with a row for each class and a column for each prediction
        in the order of ``classes_``.
    cv : int, splitter, iterable or "prefit", optional
        The folds, 5 stratified ones by default. With "prefit" the estimator is fitted already, and the rows given to
        ``fit`` are all held out.
    n_jobs : int, optional
        Folds that are fitted at the same time. 1 by default, -1 for all cores.

    Attributes
    ----------
    estimator_ : estimator
        The classifier, fitted to all rows.
    offsets_ : array, (n_classes,)
        The offsets; they sum to 0.
    best_score_ : float
        The metric with them on the rows held out, of which more is better: minus the mean cost for costs. It is biased
        by having been maximised.
    classes_ : array, (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        The number of features, if the estimator knows it.
    feature_names_in_ : array, (n_features_in_,)
        Their names, if the estimator knows them.

    See Also
    --------
    ExactClassifierCV : Trains a linear classifier for the metric.

    Notes
    -----
    The search starts from the best multiple of minus the logarithm of the classes' prior probabilities, or from none
    with costs, and improves one offset after the other, each over all its values at once. As the metric of few rows
    rewards chance, only so much of these improvements is taken as does best in a second cross-validation, over the
    probabilities held out.

    Metadata are routed to the estimator's ``fit`` and the splitter's ``split`` as scikit-learn routes them. Without
    routing, ``sample_weight`` also reaches the estimator, if it takes any, and ``groups`` the splitter.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.metrics import balanced_accuracy_score
    >>> from exact_learn.sklearn import TunedDecisionClassifierCV
    >>> X, y = make_classification(n_samples=3000, n_informative=4, n_classes=3, weights=[0.8, 0.15], random_state=0)
    >>> plain = LogisticRegression().fit(X[:2000], y[:2000])
    >>> tuned = TunedDecisionClassifierCV(LogisticRegression()).fit(X[:2000], y[:2000])
    >>> scores = [balanced_accuracy_score(y[2000:], model.predict(X[2000:])) for model in (plain, tuned)]
    >>> scores[0] + 0.1 < scores[1]
    True
    """

    def __init__(
        self,
        estimator: Any,
        *,
        metric: str | ArrayLike = "balanced_accuracy",
        cv: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.metric = metric
        self.cv = cv
        self.n_jobs = n_jobs

    @whole
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None, **params: Any
    ) -> TunedDecisionClassifierCV:
        """Fits the classifier and chooses the offsets.

        Parameters
        ----------
        X : array-like, sparse matrix or table, (n_samples, n_features)
            What the estimator takes.
        y : array-like, (n_samples,)
            Labels of at least two classes.
        sample_weight : array-like, (n_samples,), optional
            Weights of at least 0, in the metric and, where the estimator takes them, in its training.
        groups : array-like, (n_samples,), optional
            The group of each row, for the splitter; without one, folds are those of ``StratifiedGroupKFold``.
        **params : dict
            Further metadata, which are routed.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If y has one class, a fold lacks a class to train on, the metric is unknown or its costs have another shape,
            or weights are negative.
        TypeError
            If the estimator has no ``predict_proba``.
        """
        if not hasattr(self.estimator, "predict_proba"):
            raise TypeError(
                f"estimator must have predict_proba, which {self.estimator!r} has not; wrap it in "
                "sklearn.calibration.CalibratedClassifierCV"
            )
        X, y = indexable(X, y)
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        classes = np.unique(y)
        if len(classes) < 2:
            raise ValueError(f"{type(self).__name__} needs samples of at least 2 classes, but y has 1 class")
        costs, score = self._tuned_metric(len(classes))
        weights = None if sample_weight is None else checked_sample_weight(sample_weight, len(y))
        if isinstance(self.cv, str) and self.cv == "prefit":
            check_is_fitted(self.estimator)
            estimator, folds = self.estimator, [(np.arange(len(y)), _probabilities(self.estimator, X, classes))]
        else:
            estimator, folds = self._fitted(X, y, classes, self._routed(weights, groups, params))
        rows = np.concatenate([rows for rows, _ in folds])
        scores = _scores(np.concatenate([probabilities for _, probabilities in folds]), costs)
        labels = np.searchsorted(classes, y[rows])
        held_out = (labels, np.ones(len(rows)) if weights is None else weights[rows])
        # Divided by the prior probabilities, classes are equal; the costs say themselves what classes are worth.
        priors = np.bincount(*held_out, len(classes))
        direction = -np.log(np.where(priors > 0.0, priors, 1.0)) if costs is None else np.zeros(len(classes))
        direction -= direction.mean()
        self.offsets_, self.best_score_ = _offsets.tuned_offsets(scores, *held_out, score, direction)
        self.estimator_, self.classes_, self._costs = estimator, classes, costs
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(estimator, name):
                setattr(self, name, getattr(estimator, name))
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """The class with the largest score after its offset.

        Parameters
        ----------
        X : array-like, sparse matrix or table, (n_samples, n_features)

        Returns
        -------
        array, (n_samples,)
        """
        predicted = self._decisions(X).argmax(axis=1)
        return self.classes_[predicted]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The probabilities of the classifier, which the offsets do not change.

        Parameters
        ----------
        X : array-like, sparse matrix or table, (n_samples, n_features)

        Returns
        -------
        array, (n_samples, n_classes)
        """
        check_is_fitted(self)
        return _probabilities(self.estimator_, X, self.classes_)

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """The logarithms of :meth:`predict_proba`.

        Parameters
        ----------
        X : array-like, sparse matrix or table, (n_samples, n_features)

        Returns
        -------
        array, (n_samples, n_classes)
        """
        return log_probabilities(self.predict_proba(X))

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """The scores with their offsets, the largest of which is predicted.

        Parameters
        ----------
        X : array-like, sparse matrix or table, (n_samples, n_features)

        Returns
        -------
        array, (n_samples,) or (n_samples, n_classes)
            For two classes the score of ``classes_[1]`` minus that of ``classes_[0]``.
        """
        decisions = self._decisions(X)
        return decisions[:, 1] - decisions[:, 0] if len(self.classes_) == 2 else decisions

    def get_metadata_routing(self) -> MetadataRouter:
        """What is routed where."""
        return (
            MetadataRouter(owner=self)
            .add(estimator=self.estimator, method_mapping=MethodMapping().add(caller="fit", callee="fit"))
            .add(splitter=self.cv, method_mapping=MethodMapping().add(caller="fit", callee="split"))
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.estimator).input_tags
        return tags

    def _decisions(self, X: Any) -> NDArray[np.float64]:
        return _scores(self.predict_proba(X), self._costs) + self.offsets_

    def _tuned_metric(self, n_classes: int) -> tuple[NDArray[np.float64] | None, _offsets.Score]:
        """The costs, if the metric is a cost, and the score of confusion matrices."""
        if isinstance(self.metric, str):
            if self.metric not in _METRICS:
                names = ", ".join(map(repr, _METRICS))
                raise ValueError(f"metric must be one of {names}, or a cost matrix, got {self.metric!r}")
            return None, _METRICS[self.metric]
        costs = cost_matrix(self.metric, n_classes)
        return costs, _offsets.minus_cost(costs)

    def _routed(self, weights: Any, groups: Any, params: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Metadata for the estimator's fit and for the splitter's split."""
        of_split = {} if groups is None else {"groups": groups}
        if get_config()["enable_metadata_routing"]:
            of_fit = {} if weights is None else {"sample_weight": weights}
            routed = process_routing(self, "fit", **of_fit, **of_split, **params)
            return routed.estimator.fit, routed.splitter.split
        if weights is not None and has_fit_parameter(self.estimator, "sample_weight"):
            params["sample_weight"] = weights
        return params, of_split

    def _fitted(
        self, X: Any, y: NDArray[Any], classes: NDArray[Any], routed: tuple[dict[str, Any], dict[str, Any]]
    ) -> tuple[Any, list[tuple[NDArray[np.intp], NDArray[np.float64]]]]:
        """The estimator, fitted to all rows, and of each fold the rows held out with their probabilities."""
        of_fit, of_split = routed
        cv = self.cv
        if of_split and (cv is None or isinstance(cv, Integral)):
            cv = StratifiedGroupKFold(5 if cv is None else cv)
        splits = list(check_cv(cv, y, classifier=True).split(X, y, **of_split))

        def held_out(train: NDArray[np.intp], test: NDArray[np.intp]) -> NDArray[np.float64]:
            of_fold = _check_method_params(X, of_fit, indices=train)
            fitted = clone(self.estimator).fit(_safe_indexing(X, train), y[train], **of_fold)
            return _probabilities(fitted, _safe_indexing(X, test), classes)

        found = Parallel(n_jobs=self.n_jobs)(delayed(held_out)(train, test) for train, test in splits)
        estimator = clone(self.estimator).fit(X, y, **of_fit)
        return estimator, [(np.asarray(test), values) for (_, test), values in zip(splits, found, strict=True)]


def _probabilities(estimator: Any, X: Any, classes: NDArray[Any]) -> NDArray[np.float64]:
    """The probabilities of all classes, 0 for those that the estimator has not seen."""
    known = np.searchsorted(classes, estimator.classes_)
    if not np.array_equal(classes[np.minimum(known, len(classes) - 1)], estimator.classes_):
        raise ValueError(f"y has the classes {classes}, the fitted estimator has {estimator.classes_}")
    found = np.asarray(estimator.predict_proba(X), dtype=np.float64)
    probabilities = np.zeros((len(found), len(classes)))
    probabilities[:, known] = found
    return probabilities


def _scores(probabilities: NDArray[np.float64], costs: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """What is predicted by: logarithms of probabilities, or minus the expected costs of the predictions."""
    if costs is not None:
        return -probabilities @ costs
    return np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))
