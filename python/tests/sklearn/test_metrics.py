"""Selection by metrics other than accuracy."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss

from exact_learn.sklearn import ExactClassifier, ExactClassifierCV


def samples(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Three classes that overlap, of which one is common and one rare."""
    generator = np.random.default_rng(seed)
    y = generator.choice(3, size=n, p=[0.8, 0.12, 0.08])
    centres = np.array([[0.0, 0.0], [1.5, 0.0], [0.0, 1.5]])
    return centres[y] + generator.standard_normal((n, 2)), y


def test_macro_f1_is_better_by_selection_for_it():
    X, y = samples(300, 0)
    X_test, y_test = samples(3000, 1)
    plain, special = (
        ExactClassifierCV("exact", metric=metric, cv=3).fit(X, y) for metric in ("accuracy", "macro_f1")
    )
    f1 = [f1_score(y_test, classifier.predict(X_test), average="macro") for classifier in (plain, special)]
    assert f1[1] > f1[0] + 0.02
    assert abs(special.best_score_ - f1[1]) < 0.1


def test_best_score_of_log_loss_is_minus_it():
    X, y = samples(300, 0)
    X_test, y_test = samples(3000, 1)
    classifier = ExactClassifierCV("cross-entropy", metric="log_loss", cv=3).fit(X, y)
    assert abs(classifier.best_score_ + log_loss(y_test, classifier.predict_proba(X_test))) < 0.1


def test_the_class_with_the_least_expected_cost_is_predicted():
    X, y = samples(300, 0)
    costs = np.array([[0.0, 1.0, 1.0], [2.0, 0.0, 2.0], [20.0, 20.0, 0.0]])
    classifier = ExactClassifierCV("cross-entropy", metric=costs, cv=3).fit(X, y)
    expected = classifier.predict_proba(X) @ costs
    assert (classifier.predict(X) == expected.argmin(axis=1)).all()
    assert (classifier.predict(X) != classifier.decision_function(X).argmax(axis=1)).any()
    exact = ExactClassifierCV("exact", metric=costs, cv=3).fit(X, y)
    assert (exact.predict(X) == exact.decision_function(X).argmax(axis=1)).all()


def test_metrics_that_are_none_are_named():
    X, y = samples(60, 0)
    for estimator in (ExactClassifier, ExactClassifierCV):
        with pytest.raises(ValueError, match="metric must be one of 'accuracy', .*'macro_f1', 'log_loss'"):
            estimator(metric="recall").fit(X, y)
