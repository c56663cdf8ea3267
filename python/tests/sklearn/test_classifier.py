"""A fit with given settings: what is minimised, what is predicted, and every input that is refused."""

import doctest
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from exact_learn import _core, expected_accuracy, predictive_distribution
from exact_learn.sklearn import ExactClassifier, classifier

LOSSES = ["exact", "cross-entropy", "probit", "hinge", "sigmoid", "beta-bernoulli", "polynomial", "poly1"]


def clusters(n_classes=3, n=300, seed=0):
    """Overlapping classes on columns of different units, labelled by words."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(n_classes, size=n)
    centres = generator.normal(size=(n_classes, 4))
    X = (centres[labels] + generator.normal(size=(n, 4))) * [1.0, 100.0, 0.01, 1.0]
    return X, np.array(["ant", "bee", "cat", "dog"])[labels]


def test_examples_of_the_documentation_hold():
    failed, attempted = doctest.testmod(classifier)
    assert failed == 0 and attempted > 0


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_separates_the_classes(loss, n_classes):
    X, y = clusters(n_classes)
    fitted = ExactClassifier(loss).fit(X, y)
    assert fitted.score(X, y) > 0.7
    probabilities = fitted.predict_proba(X)
    assert np.abs(probabilities.sum(axis=1) - 1.0).max() < 1e-12
    assert (fitted.classes_[probabilities.argmax(axis=1)] == fitted.predict(X)).all()
    n_rows = 1 if n_classes == 2 else n_classes
    assert fitted.coef_.shape == (n_rows, 4) and fitted.intercept_.shape == (n_rows,)
    logits = X @ fitted.coef_.T + fitted.intercept_
    np.testing.assert_allclose(fitted.decision_function(X), logits.squeeze(), atol=1e-9)


def test_probabilities_are_the_predictive_distribution_at_the_sigma():
    X, y = clusters()
    fitted = ExactClassifier(sigma=0.4).fit(X, y)
    expected = predictive_distribution(fitted.decision_function(X), 0.4)
    np.testing.assert_allclose(fitted.predict_proba(X), expected, atol=1e-12)


def test_expected_accuracy_is_higher_than_that_of_cross_entropy_at_the_same_scale():
    X, y = clusters(seed=2)
    labels = np.unique(y, return_inverse=True)[1]
    means = []
    for loss in ("exact", "cross-entropy"):
        logits = ExactClassifier(loss, l2=1e-5, sigma=0.2).fit(X, y).decision_function(X)
        means.append(expected_accuracy((logits - logits.mean()) / logits.std(), labels, 0.2).mean())
    assert means[0] > means[1] + 0.002


@pytest.mark.parametrize("n_classes", [2, 3])
def test_forms_and_types_of_the_matrix_change_nothing(n_classes):
    X, y = clusters(n_classes)
    X = np.where(np.abs(X) < np.abs(X).mean(axis=0), 0.0, X).astype(np.float32)
    reference = ExactClassifier().fit(X.astype(np.float64), y).decision_function(X)
    unsorted = sparse.csr_array(X)[:, [3, 2, 1, 0]][:, [3, 2, 1, 0]]
    wide = sparse.csr_array(X)
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    for form in (X, np.asfortranarray(X), sparse.csr_array(X), sparse.csc_matrix(X), unsorted, wide):
        fitted = ExactClassifier().fit(form, y)
        np.testing.assert_allclose(fitted.decision_function(form), reference, rtol=1e-4, atol=1e-4)


def test_threads_do_not_change_the_result():
    X, y = clusters(n=3000)
    assert (ExactClassifier(n_jobs=1).fit(X, y).coef_ == ExactClassifier(n_jobs=3).fit(X, y).coef_).all()


def test_class_weights_are_sample_weights():
    X, y = clusters()
    sample_weight = np.arange(len(y)) % 3
    weights = {"ant": 1.0, "bee": 2.0, "cat": 0.5}
    by_class = ExactClassifier(class_weight=weights).fit(X, y, sample_weight)
    by_sample = ExactClassifier().fit(X, y, sample_weight * np.array([weights[label] for label in y]))
    assert (by_class.coef_ == by_sample.coef_).all()
    totals = {label: sample_weight[y == label].sum() for label in weights}
    balanced = {label: sample_weight.sum() / (3 * total) for label, total in totals.items()}
    explicit = ExactClassifier(class_weight=balanced).fit(X, y, sample_weight)
    np.testing.assert_allclose(
        ExactClassifier(class_weight="balanced").fit(X, y, sample_weight).coef_, explicit.coef_, rtol=1e-4
    )


def test_metrics_are_what_is_trained_for():
    X, y = clusters(3, n=600, seed=3)
    costs = np.ones((3, 3)) - np.eye(3)
    accuracy = ExactClassifier().fit(X, y)
    np.testing.assert_allclose(ExactClassifier(metric=costs).fit(X, y).coef_, accuracy.coef_, rtol=0.05, atol=0.05)
    costs[0, 1:] = 20.0
    careful = ExactClassifier(metric=costs).fit(X, y)
    recall = [(fitted.predict(X)[y == "ant"] == "ant").mean() for fitted in (careful, accuracy)]
    assert recall[0] > recall[1]
    top = ExactClassifier(metric="top_k_accuracy", k=2).fit(X, y)
    last = [fitted.decision_function(X).argmin(axis=1) for fitted in (top, accuracy)]
    errors = [(fitted.classes_[worst] == y).mean() for fitted, worst in zip((top, accuracy), last, strict=True)]
    assert errors[0] <= errors[1]
    rare = (y != "ant") | (np.arange(len(y)) % 8 == 0)
    X, y = X[rare], y[rare]
    balanced, plain = (
        ExactClassifier(metric=metric, sigma=0.3).fit(X, y) for metric in ("balanced_accuracy", "accuracy")
    )
    recall = [(fitted.predict(X)[y == "ant"] == "ant").mean() for fitted in (balanced, plain)]
    assert recall[0] > recall[1]


def test_a_warm_start_goes_on_from_the_last_classifier():
    X, y = clusters()
    cold = ExactClassifier("cross-entropy").fit(X, y)
    warm = ExactClassifier("cross-entropy", warm_start=True).fit(X, y)
    assert (warm.coef_ == cold.coef_).all() and cold.n_iter_ > 3
    assert warm.fit(X, y).n_iter_ <= 2
    with pytest.raises(ValueError, match=r"the features have 3 columns.*without a warm start"):
        warm.fit(X[:, :3], y)
    with pytest.raises(ValueError, match=r"y has the classes \['ant' 'bee'\].*without a warm start"):
        warm.fit(X[y != "cat"], y[y != "cat"])


def test_a_group_penalty_leaves_out_features_for_all_classes():
    X, y = clusters()
    noise = np.random.default_rng(1).normal(size=(len(X), 20))
    for loss in ("cross-entropy", "exact"):
        kept = ExactClassifier(loss, group_l1=0.1).fit(np.hstack([X, noise]), y).coef_ != 0.0
        assert (kept.all(axis=0) == kept.any(axis=0)).all()
        assert kept[0, :4].sum() >= 3 and not kept[:, 4:].any()


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_cross_entropy_on_columns_as_they_are_is_logistic_regression(fit_intercept, n_classes, form):
    X, y = clusters(n_classes)
    X = X * [1.0, 0.01, 100.0, 3.0] + [0.0, 2.0, 0.0, 0.0]
    # The same penalty; of two classes, each has half of the weights.
    C = (2.0 if n_classes == 2 else 1.0) / (0.01 * len(y))
    expected = LogisticRegression(C=C, fit_intercept=fit_intercept, tol=1e-10, max_iter=10_000).fit(X, y)
    fitted = ExactClassifier("cross-entropy", l2=0.01, standardize=False, fit_intercept=fit_intercept).fit(form(X), y)
    np.testing.assert_allclose(fitted.coef_, expected.coef_, atol=5e-3)
    np.testing.assert_allclose(fitted.intercept_, expected.intercept_, atol=2e-2 if fit_intercept else 0.0)


def test_columns_of_any_units_are_trained_on_as_they_are():
    # Their standard deviations are from 0.003 to 570.
    X, y = load_breast_cancer(return_X_y=True)
    for l2 in (1e-2, 1e-4):
        expected = LogisticRegression(C=2 / (l2 * len(y)), solver="newton-cholesky", max_iter=200).fit(X, y)
        fitted = ExactClassifier("cross-entropy", l2=l2, standardize=False).fit(X, y)

        def objective(model, l2=l2):
            # Each of two classes has half of the weights.
            logits = np.where(y == 1, 1.0, -1.0) * model.decision_function(X)
            return np.logaddexp(0.0, -logits).mean() + l2 / 4 * (model.coef_**2).sum()

        assert objective(fitted) == pytest.approx(objective(expected), rel=2e-3)


@pytest.mark.parametrize("loss", LOSSES)
def test_without_an_intercept_columns_are_scaled_but_not_centred(loss):
    X, y = clusters()
    X = X + np.array([3.0, 0.0, 0.0, 1.0])
    scaled = StandardScaler(with_mean=False).fit_transform(X)
    # More steps over a surface that is not convex enlarge the rounding of sums.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        implicit = ExactClassifier(loss, fit_intercept=False, max_iter=5).fit(X, y)
        explicit = ExactClassifier(loss, fit_intercept=False, standardize=False, max_iter=5).fit(scaled, y)
    assert (implicit.intercept_ == 0.0).all() and (implicit.decision_function(np.zeros((1, 4))) == 0.0).all()
    np.testing.assert_allclose(
        implicit.decision_function(X), explicit.decision_function(scaled), atol=1e-6 * np.abs(implicit.coef_).max()
    )


def test_a_limit_of_steps_that_is_reached_is_reported():
    X, y = clusters()
    with pytest.warns(ConvergenceWarning, match="not converged after 2 steps; raise max_iter"):
        fitted = ExactClassifier(max_iter=2).fit(X, y)
    assert fitted.n_iter_ == 2


def test_pickles_of_other_formats_and_damaged_ones_are_refused():
    X, y = clusters()
    state = ExactClassifier().fit(X, y).__getstate__()
    # The version is an entry of JSON in JSON.
    current, future = (f'\\"version\\":{version},'.encode() for version in (3, 4))
    assert state["_classifier"].count(current) == 1
    of_the_future = state["_classifier"].replace(current, future)
    message = (
        f"ExactClassifier, pickled by version 99.0.0 of exact-learn, cannot be read by version {_core.__version__}: "
        "the pickled classifier is not a usable model.*format version is 4, this program reads versions up to 3"
    )
    with pytest.raises(ValueError, match=message):
        ExactClassifier().__setstate__(dict(state, _classifier=of_the_future, _exact_learn_version="99.0.0"))
    damaged = dict(state, _classifier=state["_classifier"][:-1])
    with pytest.raises(ValueError, match=r"pickled classifier is not a usable model.*train it again"):
        ExactClassifier().__setstate__(damaged)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"sigma": 0.0}, ValueError, "sigma must be positive and finite"),
        ({"sigma": -1.0}, ValueError, "sigma must be positive and finite"),
        ({"sigma": np.nan}, ValueError, "sigma must be positive and finite"),
        ({"sigma": "0.1"}, TypeError, "sigma must be a number, got '0.1'"),
        ({"sigma": None}, TypeError, "sigma must be a number, got None"),
        ({"l2": -1.0}, ValueError, "l2 must be at least 0"),
        ({"group_l1": -1.0}, ValueError, "group_l1 must be at least 0"),
        ({"group_l1": 0.1, "l1": 0.1}, ValueError, "group_l1 must be 0 where l1 is not"),
        ({"margin": -1.0}, ValueError, "margin must be"),
        ({"loss": "sigmoid", "temperature": 0.0}, ValueError, "temperature must be"),
        ({"loss": "log"}, ValueError, "there is no loss 'log'; the losses are cross-entropy, exact"),
        ({"loss": 3}, TypeError, "loss must be a string"),
        ({"metric": "f1"}, ValueError, "metric must be one of 'accuracy', .* got 'f1'"),
        ({"metric": [[0.0, 1.0], [1.0, 0.0]]}, ValueError, r"expected \(3, 3\)"),
        ({"metric": [[0.0, np.nan, 1.0]] * 3}, ValueError, "metric contains NaN"),
        ({"metric": "top_k_accuracy", "k": 0}, ValueError, "k must be at least 1"),
        ({"metric": "top_k_accuracy", "k": 4}, ValueError, "k must be from 1 to the number of classes"),
        ({"metric": "top_k_accuracy", "k": 1.5}, TypeError, "k must be an integer"),
        ({"max_iter": 0}, ValueError, "max_iter must be at least 1"),
        ({"max_iter": 1.0}, TypeError, "max_iter must be an integer"),
        ({"n_jobs": 0}, ValueError, "n_jobs == 0"),
        ({"class_weight": "even"}, ValueError, "class_weight"),
        ({"standardize": 1}, TypeError, "standardize must be True or False, got 1"),
        ({"fit_intercept": "no"}, TypeError, "fit_intercept must be True or False, got 'no'"),
        ({"class_weight": {"ant": -1.0}}, ValueError, "weight -1 of sample"),
    ],
)
def test_parameters_that_are_refused(parameters, error, message):
    X, y = clusters()
    with pytest.raises(error, match=message):
        ExactClassifier(**parameters).fit(X, y)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda X, y, w: (X[0], y, w), ValueError, "Expected 2D array"),
        (lambda X, y, w: (X[:-1], y, w), ValueError, "inconsistent numbers of samples"),
        (lambda X, y, w: (np.where(X[5, 1] == X, np.nan, X), y, w), ValueError, "NaN"),
        (lambda X, y, w: (np.where(X[5, 1] == X, np.inf, X), y, w), ValueError, "infinity"),
        (lambda X, y, w: (sparse.csr_array(np.where(X[5, 1] == X, np.nan, X)), y, w), ValueError, "NaN"),
        (lambda X, y, w: (X.astype(complex), y, w), ValueError, "Complex data not supported"),
        (lambda X, y, w: (X.astype(str) + np.array("a"), y, w), ValueError, "could not convert string to float"),
        (lambda X, y, w: (X * [1e200, 1.0, 1.0, 1.0], y, w), ValueError, "column 0 has values too large"),
        (lambda X, y, w: (X, X[:, 0], w), ValueError, "Unknown label type"),
        (lambda X, y, w: (X, np.full(len(y), "ant"), w), ValueError, "at least 2 classes.*'ant'"),
        (lambda X, y, w: (X, y, -w), ValueError, "sample_weight has negative values"),
        (lambda X, y, w: (X, y, 0.0 * w), ValueError, "sample_weight is zero for all samples"),
        (lambda X, y, w: (X, y, w * (y == "ant")), ValueError, "at least two classes with rows, found 1"),
        (lambda X, y, w: (X, y, w[:-1]), ValueError, "sample_weight has 299 values, expected 300"),
        (lambda X, y, w: (X, y, w * np.nan), ValueError, "sample_weight contains NaN"),
        (lambda X, y, w: (X, y, w * np.inf), ValueError, "sample_weight contains infinity"),
    ],
)
def test_data_that_are_refused(change, error, message):
    X, y = clusters()
    X, y, sample_weight = change(X, y, np.ones(len(y)))
    with pytest.raises(error, match=message):
        ExactClassifier().fit(X, y, sample_weight)


def test_predictions_that_are_refused():
    X, y = clusters()
    with pytest.raises(NotFittedError):
        ExactClassifier().predict(X)
    fitted = ExactClassifier().fit(X, y)
    for method in (fitted.predict, fitted.predict_proba, fitted.decision_function):
        with pytest.raises(ValueError, match="X has 3 features, but ExactClassifier is expecting 4"):
            method(X[:, :3])
        with pytest.raises(ValueError, match="NaN"):
            method(np.full_like(X, np.nan))
