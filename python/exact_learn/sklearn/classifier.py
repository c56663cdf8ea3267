"""A linear classifier with given settings."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning

from exact_learn import _core
from exact_learn.sklearn.estimator import whole
from exact_learn.sklearn.linear import LinearClassifier, metric_of
from exact_learn.sklearn.parameters import positive_integer, real, text
from exact_learn.sklearn.progress import progress_bar


class ExactClassifier(LinearClassifier):
    r"""A linear classifier trained for expected accuracy, or with another loss, by L-BFGS.

    The scores of the classes are random, :math:`s \sim N(\mu, \sigma^2 I)` with the logits
    :math:`\mu_c = w_c \cdot x + b_c` as means, and training maximises the mean probability that the label's score is
    the largest:

    .. math:: \min_{w, b} \; 1 - \frac{1}{n} \sum_i P(s_{y_i} > \max_{c \ne y_i} s_c)
              + \frac{\lambda}{2} \lVert w \rVert^2

    The logits are normalised to mean 0 and standard deviation 1 before. Columns are standardised implicitly, so that
    the penalty does not depend on their units (see ``standardize``); the matrix itself is neither copied nor changed,
    and a sparse one stays sparse. The logits are centred: those of a row sum to 0 over the classes.

    Training starts from the solution of cross-entropy. The objective is not convex, and ``sigma`` matters:
    :class:`ExactClassifierCV` chooses it.

    Parameters
    ----------
    loss : {"exact", "cross-entropy", "probit", "hinge", "sigmoid", "beta-bernoulli", "polynomial", "poly1"}
        "exact" is the expected error, or what ``metric`` says; "probit" minus the logarithm of expected accuracy.
    metric : str or array-like, (n_classes, n_classes)
        What "exact" expects: "accuracy"; "balanced_accuracy", its mean over classes; "macro_f1", the mean F1 of the
        classes; "top_k_accuracy", whether the label is among the ``k`` largest scores; or minus the cost of the
        prediction, with a row for each class and a column for each prediction, in the order of ``classes_``. For
        "log_loss", by which :class:`ExactClassifierCV` can choose, it is accuracy. It has no part in the other losses.
    k : int
        The number of guesses of top-k accuracy.
    l2 : float
        The strength :math:`\lambda` of the penalty on the weights, beside the mean of the loss; at least 0. Losses on
        normalised logits ("exact", "sigmoid", "beta-bernoulli", "polynomial") take a tenth of it.
    l1 : float
        The strength of the penalty on the absolute values of the weights, by which features that say little of the
        class are left out; at least 0. Losses on normalised logits take the features that it leaves to cross-entropy.
    group_l1 : float
        The strength of the penalty on the norms of groups of weights, by which a group is left out as a whole (Yuan and
        Lin 2006); at least 0, and 0 where ``l1`` is not. In a matrix each feature is a group of its own, with its
        weights for all classes. Losses on normalised logits take what it leaves to cross-entropy, as with ``l1``.
    sigma : float
        The noise of "exact", in units of the logits' standard deviation, and of "probit"; positive.
    margin : float, optional
        Differences of scores beyond it do not count; of "exact", in units of the logits' standard deviation, and of
        "hinge", where it is 1 by default. Positive.
    temperature : float
        Of "sigmoid", "beta-bernoulli" and "polynomial", in units of the logits' standard deviation; positive.
    epsilon : float
        The coefficient of the linear term of "poly1".
    standardize : bool
        Whether the penalties are on the weights of standardised columns. Otherwise they are on ``coef_`` itself, and a
        column of large values is penalised less.
    fit_intercept : bool
        Whether there are biases. Otherwise ``intercept_`` is 0, and standardised columns are divided by their standard
        deviations (a constant one by 1) but not centred.
    class_weight : dict or "balanced", optional
        Weights of classes, which multiply ``sample_weight``; "balanced" gives each class the same total.
    max_iter : int, optional
        Steps of the solver at most: 200 for "cross-entropy" and "probit" and 60 for other losses, which gain little
        from more.
    warm_start : bool
        Start from the classifier of the last call of ``fit`` instead of the solution of cross-entropy.
    n_jobs : int, optional
        Threads; results do not depend on it. 1 by default, -1 for all cores.
    verbose : bool
        Show a progress bar.

    Attributes
    ----------
    classes_ : array, (n_classes,)
        The labels, sorted.
    coef_ : array, (1, n_features) or (n_classes, n_features)
        Weights in the units of the features; they sum to 0 over more than two classes.
    intercept_ : array, (1,) or (n_classes,)
        Biases; 0 without ``fit_intercept``.
    n_iter_ : int
        Steps of L-BFGS.
    n_features_in_ : int
        The number of features.
    feature_names_in_ : array, (n_features_in_,)
        Their names, if X was a table with names that are strings.

    See Also
    --------
    ExactClassifierCV : Chooses the settings by cross-validation, and calibrates the probabilities.

    Notes
    -----
    ``predict_proba`` is the distribution of the class with the largest score, at the sigma of training, for "exact" and
    "probit", and the softmax of the logits for other losses. A small sigma makes it overconfident:
    :class:`ExactClassifierCV` fits the sigma of the probabilities to rows that were held out.

    References
    ----------
    Karpukhin, Dereka and Kolesnikov, *EXACT: How to Train Your Accuracy*, arXiv 2205.09615.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from exact_learn.sklearn import ExactClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = ExactClassifier(sigma=0.1).fit(X, y)
    >>> round(classifier.score(X, y), 2)
    0.98
    """

    def __init__(
        self,
        loss: str = "exact",
        *,
        metric: str | ArrayLike = "accuracy",
        k: int = 2,
        l2: float = 1e-3,
        l1: float = 0.0,
        group_l1: float = 0.0,
        sigma: float = 0.05,
        margin: float | None = None,
        temperature: float = 1.0,
        epsilon: float = 1.0,
        standardize: bool = True,
        fit_intercept: bool = True,
        class_weight: Any = None,
        max_iter: int | None = None,
        warm_start: bool = False,
        n_jobs: int | None = None,
        verbose: bool = False,
    ) -> None:
        self.loss = loss
        self.metric = metric
        self.k = k
        self.l2 = l2
        self.l1 = l1
        self.group_l1 = group_l1
        self.sigma = sigma
        self.margin = margin
        self.temperature = temperature
        self.epsilon = epsilon
        self.standardize = standardize
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.verbose = verbose

    @whole
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> ExactClassifier:
        """Trains the classifier.

        Parameters
        ----------
        X : array-like, sparse matrix or table, (n_samples, n_features)
            Rows. C-contiguous arrays and CSR matrices of float32 or float64 are not copied.
        y : array-like, (n_samples,)
            Labels of at least two classes.
        sample_weight : array-like, (n_samples,), optional
            Weights of at least 0. A sample with the weight 0 counts as absent, one with the weight 2 as two samples.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X has missing or infinite values, y has one class, weights are negative or all 0, a parameter is outside
            its range, or the last classifier, with ``warm_start``, has other classes or features.
        TypeError
            If a parameter has another type.
        """
        settings = self._settings()
        warm = self.warm_start and hasattr(self, "_classifier")
        start, classes = (self._classifier, self.classes_) if warm else (None, None)
        data = self._dataset(X, y, sample_weight)
        if classes is not None and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"y has the classes {self.classes_}, the last classifier has {classes}; train without a warm start"
            )
        with progress_bar(self.verbose) as progress:
            self._classifier, self.n_iter_, converged = _core.LinearClassifier.fit(
                data=data,
                loss=text("loss", self.loss),
                metric=metric_of(self.metric, self.k, len(self.classes_)),
                settings=settings,
                start=start,
                n_threads=self._n_threads(),
                progress=progress,
            )
        if self.max_iter is not None and not converged:
            warnings.warn(
                f"L-BFGS has not converged after {self.max_iter} steps; raise max_iter",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def _settings(self) -> _core.Settings:
        """The parameters as the kernels take them."""
        return {
            "l2": real("l2", self.l2),
            "l1": real("l1", self.l1),
            "group_l1": real("group_l1", self.group_l1),
            "sigma": real("sigma", self.sigma),
            "margin": None if self.margin is None else real("margin", self.margin),
            "temperature": real("temperature", self.temperature),
            "epsilon": real("epsilon", self.epsilon),
            "max_iter": None if self.max_iter is None else positive_integer("max_iter", self.max_iter),
        }
