"""Decisions tuned to a metric: against all offsets there are, scikit-learn's thresholds, and every bad input."""

import doctest

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, make_scorer, matthews_corrcoef
from sklearn.model_selection import GroupKFold, StratifiedKFold, TunedThresholdClassifierCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from exact_learn.sklearn import ExactClassifier, TunedDecisionClassifierCV, _offsets, tuned_decision

SCORES = {
    "accuracy": accuracy_score,
    "balanced_accuracy": balanced_accuracy_score,
    "macro_f1": lambda y, predicted, **weights: f1_score(y, predicted, average="macro", **weights),
    "matthews_corrcoef": matthews_corrcoef,
}


def imbalanced(n=1500, n_classes=3, seed=0):
    weights = {2: [0.85], 3: [0.8, 0.15]}[n_classes]
    X, y = make_classification(n, n_informative=4, n_classes=n_classes, weights=weights, random_state=seed)
    return X, np.array(["ant", "bee", "cat"])[y]


def test_examples_of_the_documentation_hold():
    failed, attempted = doctest.testmod(tuned_decision)
    assert failed == 0 and attempted > 0


@pytest.mark.parametrize("name", SCORES)
def test_scores_of_confusion_matrices_are_those_of_scikit_learn(name):
    generator = np.random.default_rng(0)
    labels, predicted = generator.integers(4, size=(2, 50))
    weights = generator.random(50)
    scores = -np.abs(np.arange(4) - predicted[:, np.newaxis])
    found = tuned_decision._METRICS[name](_offsets.confusion(scores.astype(float), labels, weights))
    assert found == pytest.approx(SCORES[name](labels, predicted, sample_weight=weights))
    one_class = _offsets.confusion(np.eye(4)[np.zeros(50, int)], labels, weights)
    expected = SCORES[name](labels, np.zeros(50, int), sample_weight=weights)
    assert tuned_decision._METRICS[name](one_class) == pytest.approx(expected)


@pytest.mark.parametrize("name", SCORES)
def test_all_values_of_an_offset_have_the_scores_of_their_predictions(name):
    generator = np.random.default_rng(1)
    scores, labels, weights = generator.normal(size=(40, 3)), generator.integers(3, size=40), generator.random(40)
    offsets = np.array([0.3, 0.0, -0.2])
    values, found = _offsets._along(scores, offsets, labels, weights, tuned_decision._METRICS[name], chosen=2)
    assert len(values) == 41
    for value, score in zip(values, found, strict=True):
        predicted = (scores + np.array([0.3, 0.0, value])).argmax(axis=1)
        assert score == pytest.approx(SCORES[name](labels, predicted, sample_weight=weights))


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_decisions_are_better_in_the_metric_they_are_tuned_to(name, n_classes):
    X, y = imbalanced(4000, n_classes)
    # What was trained for another metric.
    estimator = LogisticRegression(class_weight=None if name == "balanced_accuracy" else "balanced")
    plain = clone(estimator).fit(X[:2000], y[:2000])
    tuned = TunedDecisionClassifierCV(estimator, metric=name).fit(X[:2000], y[:2000])
    scores = [SCORES[name](y[2000:], model.predict(X[2000:])) for model in (plain, tuned)]
    assert scores[0] + 0.01 < scores[1]
    np.testing.assert_array_equal(tuned.predict_proba(X), plain.predict_proba(X))
    np.testing.assert_array_equal(tuned.predict_log_proba(X), np.log(plain.predict_proba(X)))
    assert tuned.offsets_.shape == (n_classes,) and abs(tuned.offsets_.sum()) < 1e-9
    decisions = tuned.decision_function(X)
    codes = (decisions > 0).astype(int) if n_classes == 2 else decisions.argmax(axis=1)
    np.testing.assert_array_equal(tuned.classes_[codes], tuned.predict(X))


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("estimator", [LogisticRegression(), RandomForestClassifier(30, random_state=0)])
def test_two_classes_agree_with_tuned_thresholds(name, estimator):
    X, y = imbalanced(3000, 2)
    cv = StratifiedKFold(4)
    tuned = TunedDecisionClassifierCV(estimator, metric=name, cv=cv).fit(X[:1500], y[:1500])
    scorer = make_scorer(SCORES[name])
    theirs = TunedThresholdClassifierCV(estimator, scoring=scorer, cv=cv, thresholds=500).fit(X[:1500], y[:1500])
    found, expected = (SCORES[name](y[1500:], model.predict(X[1500:])) for model in (tuned, theirs))
    assert found > expected - 0.02
    assert (tuned.predict(X) == theirs.predict(X)).mean() > 0.95


def test_costs_start_from_the_least_expected_cost():
    X, y = imbalanced(4000)
    costs = np.array([[0.0, 1.0, 2.0], [4.0, 0.0, 1.0], [30.0, 8.0, 0.0]])

    def cost(model):
        return costs[
            np.searchsorted(model.classes_, y[2000:]), np.searchsorted(model.classes_, model.predict(X[2000:]))
        ]

    plain = LogisticRegression().fit(X[:2000], y[:2000])
    tuned = TunedDecisionClassifierCV(LogisticRegression(), metric=costs).fit(X[:2000], y[:2000])
    by_probabilities = costs[
        np.searchsorted(plain.classes_, y[2000:]), (plain.predict_proba(X[2000:]) @ costs).argmin(1)
    ]
    assert cost(tuned).mean() < 0.9 * cost(plain).mean()
    assert cost(tuned).mean() < 1.05 * by_probabilities.mean()
    assert -1.5 * cost(tuned).mean() < tuned.best_score_ < 0.0


def test_a_fitted_classifier_is_tuned_on_other_rows():
    X, y = imbalanced(3000)
    fitted = LogisticRegression().fit(X[:1000], y[:1000])
    before = fitted.coef_.copy()
    tuned = TunedDecisionClassifierCV(fitted, metric="macro_f1", cv="prefit").fit(X[1000:2000], y[1000:2000])
    assert tuned.estimator_ is fitted and (fitted.coef_ == before).all()
    found, plain = (SCORES["macro_f1"](y[2000:], model.predict(X[2000:])) for model in (tuned, fitted))
    assert found > plain


def test_weights_count_in_the_metric_and_in_training():
    X, y = imbalanced()
    weights = np.where(y == "cat", 5.0, 1.0)
    rows = np.repeat(np.arange(len(y)), weights.astype(int))
    tuned = TunedDecisionClassifierCV(LogisticRegression(), metric="accuracy", cv="prefit")
    estimator = LogisticRegression().fit(X, y)
    by_weight = tuned.set_params(estimator=estimator).fit(X, y, sample_weight=weights)
    by_rows = clone(tuned).set_params(estimator=estimator).fit(X[rows], y[rows])
    assert by_weight.best_score_ == pytest.approx(by_rows.best_score_, abs=0.01)
    whole = TunedDecisionClassifierCV(LogisticRegression()).fit(X, y, sample_weight=weights)
    expected = LogisticRegression().fit(X, y, sample_weight=weights)
    np.testing.assert_array_equal(whole.estimator_.coef_, expected.coef_)


def test_groups_are_not_divided_and_metadata_are_routed():
    X, y = imbalanced(600)
    groups = np.arange(600) % 20
    seen = []

    class Recording(LogisticRegression):
        def fit(self, X, y, sample_weight=None, rows=None):
            seen.append(set(groups[rows]) if rows is not None else None)
            return super().fit(X, y, sample_weight)

    rows = np.arange(600)
    TunedDecisionClassifierCV(Recording(), cv=4).fit(X, y, groups=groups, rows=rows)
    assert all(len(part) == 15 for part in seen[:4]) and len(seen[4]) == 20
    with config_context(enable_metadata_routing=True):
        seen.clear()
        estimator = Recording().set_fit_request(sample_weight=True, rows=True)
        tuned = TunedDecisionClassifierCV(estimator, cv=GroupKFold(4))
        tuned.fit(X, y, sample_weight=np.ones(600), groups=groups, rows=rows)
        assert all(len(part) == 15 for part in seen[:4])
        found = cross_validate(tuned, X, y, cv=GroupKFold(2), params={"groups": groups, "rows": rows})
        assert (found["test_score"] > 0.3).all()


def test_it_tunes_pipelines_in_parallel_and_classifiers_of_this_package():
    X, y = imbalanced()
    pipeline = make_pipeline(StandardScaler(), ExactClassifier())
    one, two = (TunedDecisionClassifierCV(pipeline, n_jobs=n).fit(X, y) for n in (1, 2))
    np.testing.assert_array_equal(one.offsets_, two.offsets_)
    assert one.n_features_in_ == X.shape[1]


def test_folds_without_a_class_know_of_it():
    X, y = imbalanced(300)
    folds = [(np.flatnonzero(y != "cat"), np.flatnonzero(y == "cat")), (np.arange(0, 300, 2), np.arange(1, 300, 2))]
    tuned = TunedDecisionClassifierCV(LogisticRegression(), cv=folds).fit(X, y)
    assert list(tuned.classes_) == ["ant", "bee", "cat"] and np.isfinite(tuned.offsets_).all()


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"estimator": LinearSVC()}, TypeError, r"predict_proba, which LinearSVC\(\) has not; wrap it in .*Calibrated"),
        ({"metric": "f1"}, ValueError, "metric must be one of 'accuracy', .* or a cost matrix, got 'f1'"),
        ({"metric": np.ones((2, 2))}, ValueError, r"expected \(3, 3\)"),
        ({"metric": accuracy_score}, TypeError, "metric must be a name or a cost matrix"),
        ({"cv": "prefit"}, NotFittedError, "not fitted"),
        ({"cv": 1}, ValueError, "n_splits=1"),
    ],
)
def test_parameters_that_are_refused(parameters, error, message):
    X, y = imbalanced(300)
    with pytest.raises(error, match=message):
        TunedDecisionClassifierCV(**({"estimator": LogisticRegression()} | parameters)).fit(X, y)


def test_data_that_are_refused():
    X, y = imbalanced(300)
    with pytest.raises(ValueError, match="at least 2 classes"):
        TunedDecisionClassifierCV(LogisticRegression()).fit(X, np.full(300, "ant"))
    other = LogisticRegression().fit(X, np.where(y == "ant", "ant", "dog"))
    with pytest.raises(ValueError, match="the fitted estimator has"):
        TunedDecisionClassifierCV(other, cv="prefit").fit(X, y)
    with pytest.raises(NotFittedError):
        TunedDecisionClassifierCV(LogisticRegression()).predict(X)
