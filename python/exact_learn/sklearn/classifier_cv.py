"""A linear classifier whose settings are chosen by cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from exact_learn import _core
from exact_learn.sklearn.estimator import whole
from exact_learn.sklearn.linear import LinearClassifier, metric_of
from exact_learn.sklearn.progress import progress_bar
from exact_learn.sklearn.scoring import score_of
from exact_learn.sklearn.selection import (
    chosen_parameters,
    given_folds,
    path_arrays,
    search_of,
    warn_of_small_classes,
)


class ExactClassifierCV(LinearClassifier):
    r"""A linear classifier whose loss, penalty, sigma and margin are chosen by cross-validation.

    For each of five strengths of the L2 penalty, from 0.1 to 1e-5, cross-entropy is trained from the solution of the
    stronger one, and from there expected accuracy at each of seven sigmas, with a margin and without. The setting with
    the best mean score on the rows held out is trained on all rows. The objective is that of :class:`ExactClassifier`.
    Where the best lies at an end of the strengths or the sigmas, those beyond are tried, for as long as they are
    better. With fewer than twenty rows for each feature, an L1 penalty is tried, and with splines a group penalty, by
    which a feature's line and curve are left out together; the better stays where it beats the L2 penalty by more than
    two standard errors. ``l2s``, ``sigmas`` and ``margins`` take the place of what is tried of each.

    Where a fold holds out at least 250 rows, every second strength and sigma are tried and then what lies next to the
    best, and not all settings on all folds: all on the first, the better half on the second, the best quarter on the
    others.

    Parameters
    ----------
    loss : str
        "auto" takes expected accuracy where it is better than cross-entropy; below 1500 rows the gain over the folds
        has to exceed two of its standard errors. Otherwise a loss of :class:`ExactClassifier`, with a grid of its own
        hyper-parameters.
    metric : str or array-like, (n_classes, n_classes)
        What settings are chosen by and "exact" expects, as in :class:`ExactClassifier`. With costs, classifiers that
        were trained with another loss predict the class with the least expected cost.
    scoring : str or callable, optional
        What settings, features and the loss are chosen by in place of the metric: the name of a scorer of scikit-learn,
        as "roc_auc" or "f1_macro", one by ``make_scorer``, or ``scorer(estimator, X, y)``, whose estimator has the
        predictions for the rows held out and whose X is None. Training is for ``metric`` all the same.
    k : int
        The number of guesses of top-k accuracy.
    l2s : array-like, optional
        The strengths of the L2 penalty to choose from. Exactly these are tried, and no L1 or group penalty. None for
        the search above.
    sigmas : array-like, optional
        The sigmas of "exact" and "probit" to choose from; exactly these are tried. With ``solver="sgd"``, what sigma
        falls to from 10. They have no part in losses without a sigma. None for the search above.
    margins : array-like, optional
        The margins of "exact" and "hinge" to choose from, of which None is no margin, and 1 for "hinge"; exactly these
        are tried. They have no part in other losses. None for the search above.
    cv : int, splitter or iterable, optional
        The number of folds, 5 by default, which are stratified and drawn with ``random_state``; or a splitter of
        scikit-learn or pairs of rows to train and to validate on.
    solver : {"auto", "lbfgs", "sgd"}
        L-BFGS on all rows, or stochastic gradient descent on minibatches; "auto" takes the latter from 100 million rows
        times parameters, where it chooses settings on 100,000 rows.
    features : {"linear", "splines", "interactions", "kernel", "cells", "auto"}
        What the columns are expanded to: nothing, smooth curves of each, products of pairs, a Gaussian kernel at
        landmarks among the rows, or the cells of pairs cut into bins; "auto" takes what cross-entropy does best with
        over the folds.
    standardize, fit_intercept : bool
        As in :class:`ExactClassifier`. Columns that are expanded are standardised and have an intercept.
    class_weight : dict or "balanced", optional
        Weights of classes, which multiply ``sample_weight``, also in the scores; "balanced" gives each class the same
        total.
    n_jobs : int, optional
        Threads; results do not depend on it. 1 by default, -1 for all cores.
    random_state : int, RandomState or None
        The seed of the folds and of minibatches; None for other ones in each call.
    verbose : bool
        Show a progress bar.

    Attributes
    ----------
    best_params_ : dict
        The loss and the hyper-parameters that were chosen, as :class:`ExactClassifier` takes them.
    best_score_ : float
        Their mean score over the folds, of which more is better: minus the log loss, or minus the cost, for these
        metrics.
    path_ : dict of arrays, (n_settings,)
        Every setting that was tried: "loss", its hyper-parameters (NaN for those that the loss does not have, and no
        margin), "mean_test_score", "std_test_score", "mean_train_score" and, for each fold i, "split{i}_test_score".
        Scores on folds on which a setting was not tried are NaN, and have no part in the means.
    features_ : dict
        What the columns are expanded to: "kind" and, of a kernel, its "bandwidth" in units of the median distance of
        rows.
    classes_ : array, (n_classes,)
        The labels, sorted.
    coef_ : array, (1, n_features) or (n_classes, n_features)
        Weights in the units of the features, which sum to 0 over more than two classes; of expanded columns, those of
        what they are expanded to.
    intercept_ : array, (1,) or (n_classes,)
        Biases; 0 without ``fit_intercept``.
    n_iter_ : int
        Steps of L-BFGS on all rows.
    n_features_in_ : int
        The number of features.
    feature_names_in_ : array, (n_features_in_,)
        Their names, if X was a table with names that are strings.

    See Also
    --------
    ExactClassifier : One fit with given settings.

    Notes
    -----
    ``predict_proba`` is the distribution of the class with the largest score, for "exact" and "probit", and the softmax
    of the logits for other losses. Its sigma, or temperature, is the one with the smallest log loss on the rows held
    out by the folds.

    References
    ----------
    Karpukhin, Dereka and Kolesnikov, *EXACT: How to Train Your Accuracy*, arXiv 2205.09615.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from exact_learn.sklearn import ExactClassifierCV
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = ExactClassifierCV("exact").fit(X, y)
    >>> classifier.best_params_["loss"], len(classifier.path_["sigma"]) >= 70
    ('exact', True)
    >>> classifier.score(X, y) > 0.95
    True
    """

    # Who gives groups wants them to be kept together, wherever they are routed.
    __metadata_request__fit = {"groups": True}  # noqa: RUF012

    def __init__(
        self,
        loss: str = "auto",
        *,
        metric: str | ArrayLike = "accuracy",
        scoring: Any = None,
        k: int = 2,
        l2s: ArrayLike | None = None,
        sigmas: ArrayLike | None = None,
        margins: Sequence[float | None] | None = None,
        cv: Any = None,
        solver: str = "auto",
        features: str = "linear",
        standardize: bool = True,
        fit_intercept: bool = True,
        class_weight: Any = None,
        n_jobs: int | None = None,
        random_state: Any = 0,
        verbose: bool = False,
    ) -> None:
        self.loss = loss
        self.metric = metric
        self.scoring = scoring
        self.k = k
        self.l2s = l2s
        self.sigmas = sigmas
        self.margins = margins
        self.cv = cv
        self.solver = solver
        self.features = features
        self.standardize = standardize
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @whole
    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> ExactClassifierCV:
        """Chooses the settings and trains the classifier.

        Parameters
        ----------
        X : array-like, sparse matrix or table, (n_samples, n_features)
            Rows. C-contiguous arrays and CSR matrices of float32 or float64 are copied for the folds only.
        y : array-like, (n_samples,)
            Labels of at least two classes.
        sample_weight : array-like, (n_samples,), optional
            Weights of at least 0, in training and in the scores. A sample with the weight 0 counts as absent.
        groups : array-like, (n_samples,), optional
            The group of each row: no fold holds out rows of a group of which others are trained on. A splitter as
            ``cv`` is given them; without one, folds are drawn by ``StratifiedGroupKFold``. With metadata routing they
            are requested, unless ``set_fit_request`` says otherwise.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X has missing or infinite values, y has one class, weights are negative or all 0, there are fewer rows
            or groups than folds, or a parameter is outside its range. What ``scoring`` raises is passed on.
        TypeError
            If a parameter has another type.
        """
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        data = self._dataset(X, y, sample_weight)
        folds = given_folds(self.cv, data["labels"], data["sample_weight"], groups, seed)
        search = search_of(self, metric_of(self.metric, self.k, len(self.classes_)), folds, seed)
        with progress_bar(self.verbose) as progress:
            self._classifier, selection = _core.LinearClassifier.cross_validate(
                data=data,
                search=search,
                score=None if self.scoring is None else score_of(self.scoring, self.classes_),
                n_threads=self._n_threads(),
                progress=progress,
            )
        warn_of_small_classes(folds, data["labels"], data["sample_weight"])
        self.best_params_ = chosen_parameters(selection["chosen"])
        self.best_score_ = selection["score"]
        self.features_ = selection["features"]
        self.n_iter_ = selection["n_iter"]
        self.path_ = path_arrays(selection["path"])
        return self
