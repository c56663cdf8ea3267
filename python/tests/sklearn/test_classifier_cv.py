"""Selection by cross-validation: what is chosen, on which rows, and how probabilities are calibrated."""

import doctest
from itertools import product

import numpy as np
import pytest
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold

from exact_learn.sklearn import ExactClassifier, ExactClassifierCV, classifier_cv


def overlapping(n=240, seed=0):
    """Three classes that overlap, labelled by words."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(3, size=n)
    X = np.array([[0.0, 0.0], [1.5, 0.0], [0.0, 1.5]])[labels] + generator.normal(size=(n, 2))
    return X, np.array(["ant", "bee", "cat"])[labels]


def test_examples_of_the_documentation_hold():
    failed, attempted = doctest.testmod(classifier_cv)
    assert failed == 0 and attempted > 0


def test_the_chosen_setting_is_the_best_of_the_path_and_is_trained_on_all_rows():
    X, y = overlapping()
    fitted = ExactClassifierCV("exact", cv=3).fit(X, y)
    path = fitted.path_
    # Beyond these where the best is at an end of them.
    assert len(path["sigma"]) >= 5 * 7 * 2 and set(path["loss"]) == {"exact"}
    assert set(path["l2"]) >= {1e-1, 1e-2, 1e-3, 1e-4, 1e-5}
    assert fitted.best_score_ == pytest.approx(path["mean_test_score"].max(), abs=1e-12)
    splits = np.stack([path[f"split{fold}_test_score"] for fold in range(3)])
    np.testing.assert_allclose(path["mean_test_score"], splits.mean(axis=0))
    chosen = ExactClassifier(**fitted.best_params_).fit(X, y)
    # The path warms up from one strength of the penalty to the next.
    assert (chosen.predict(X) == fitted.predict(X)).mean() > 0.98
    assert fitted.n_iter_ > 0


def test_scores_are_those_of_the_rows_held_out():
    X, y = overlapping()
    folds = list(StratifiedKFold(3, shuffle=True, random_state=1).split(X, y))
    fitted = ExactClassifierCV("cross-entropy", cv=folds).fit(X, y)
    for number, (train, test) in enumerate(folds):
        for l2, score in zip(fitted.path_["l2"], fitted.path_[f"split{number}_test_score"], strict=True):
            alone = ExactClassifier("cross-entropy", l2=l2).fit(X[train], y[train])
            assert alone.score(X[test], y[test]) == pytest.approx(score, abs=1.5 / len(test))


def test_forms_of_cv_agree():
    X, y = overlapping()
    weights = np.arange(len(y)) % 3
    splitter = KFold(4, shuffle=True, random_state=2)
    pairs = list(splitter.split(X))
    masks = [(np.isin(np.arange(len(y)), train), np.isin(np.arange(len(y)), test)) for train, test in pairs]
    fitted = [ExactClassifierCV("hinge", cv=cv).fit(X, y, weights) for cv in (splitter, pairs, masks, iter(pairs))]
    kept = np.flatnonzero(weights)
    place = {row: number for number, row in enumerate(kept)}
    inner = [tuple([place[row] for row in part if row in place] for part in pair) for pair in pairs]
    fitted.append(ExactClassifierCV("hinge", cv=inner).fit(X[kept], y[kept], weights[kept]))
    for other in fitted[1:]:
        assert (other.coef_ == fitted[0].coef_).all() and other.best_score_ == fitted[0].best_score_


def test_auto_takes_one_of_two_losses_and_shows_both():
    X, y = overlapping()
    fitted = ExactClassifierCV(cv=3).fit(X, y)
    assert set(fitted.path_["loss"]) == {"cross-entropy", "exact"}
    assert fitted.best_params_["loss"] in {"cross-entropy", "exact"}
    assert np.isnan(fitted.path_["sigma"][fitted.path_["loss"] == "cross-entropy"]).all()


def test_probabilities_of_held_out_rows_are_better_than_at_the_sigma_of_training():
    X, y = overlapping(400)
    new, truth = overlapping(2000, seed=1)
    chosen = ExactClassifierCV("exact", cv=3).fit(X, y)
    plain = ExactClassifier(**chosen.best_params_).fit(X, y)
    calibrated = log_loss(truth, chosen.predict_proba(new))
    assert calibrated < log_loss(truth, np.clip(plain.predict_proba(new), 1e-15, None))
    assert calibrated < 0.7 * np.log(3)


def test_results_repeat_and_do_not_depend_on_threads():
    X, y = overlapping()
    first, again, threads = (ExactClassifierCV(cv=3, n_jobs=n).fit(X, y) for n in (1, 1, 3))
    for other in (again, threads):
        assert (other.coef_ == first.coef_).all()
        assert (other.path_["mean_test_score"] == first.path_["mean_test_score"]).all()
    reseeded = ExactClassifierCV(cv=3, random_state=5).fit(X, y)
    # The grid goes on where the best lies at its end, so that only its beginning is the same for all folds.
    assert (reseeded.path_["mean_test_score"][:5] != first.path_["mean_test_score"][:5]).any()


def test_the_metric_is_what_settings_are_chosen_by():
    X, y = overlapping()
    costs = 3.0 * (np.ones((3, 3)) - np.eye(3))
    by_cost = ExactClassifierCV("cross-entropy", metric=costs, cv=3).fit(X, y)
    by_accuracy = ExactClassifierCV("cross-entropy", cv=3).fit(X, y)
    np.testing.assert_allclose(
        by_cost.path_["mean_test_score"], -3.0 * (1.0 - by_accuracy.path_["mean_test_score"]), atol=1e-12
    )
    top = ExactClassifierCV("cross-entropy", metric="top_k_accuracy", k=3, cv=3).fit(X, y)
    assert (top.path_["mean_test_score"] == 1.0).all()


def test_exactly_the_grids_that_are_given_are_tried():
    X, y = overlapping()
    grids = {"l2s": (1e-3, 0.5), "sigmas": np.array([0.3, 0.11]), "margins": [None, 0.4, 2]}
    fitted = ExactClassifierCV("exact", cv=3, **grids).fit(X, y)
    path = fitted.path_
    tried = zip(path["l2"], path["sigma"], np.nan_to_num(path["margin"]), strict=True)
    assert sorted(tried) == sorted(product((1e-3, 0.5), (0.3, 0.11), (0.0, 0.4, 2.0)))
    assert {fitted.best_params_["l2"]} <= {1e-3, 0.5} and fitted.best_params_["sigma"] in (0.3, 0.11)
    alone = ExactClassifierCV("exact", cv=3, l2s=[0.5], sigmas=[0.11], margins=[0.4]).fit(X, y)
    assert alone.best_params_ == {"loss": "exact", "l2": 0.5, "sigma": 0.11, "margin": 0.4}


def test_losses_take_the_grids_that_are_theirs():
    X, y = overlapping()
    fitted = ExactClassifierCV(cv=3, l2s=[0.01], sigmas=[0.2, 0.1], margins=[None]).fit(X, y)
    assert list(fitted.path_["loss"]) == ["cross-entropy", "exact", "exact"]
    np.testing.assert_array_equal(fitted.path_["sigma"], [np.nan, 0.2, 0.1])
    hinge = ExactClassifierCV("hinge", cv=3, l2s=[0.01], sigmas=[0.2], margins=[None, 3.0]).fit(X, y)
    assert sorted(hinge.path_["margin"]) == [1.0, 3.0] and "sigma" not in hinge.path_


def test_grids_are_searched_and_cloned():
    X, y = overlapping()
    grids = {"l2s": [[1e-3], [1e-4, 1e-2]], "margins": [None, [None]]}
    search = GridSearchCV(ExactClassifierCV("exact", cv=2, sigmas=[0.1]), grids, cv=2).fit(X, y)
    assert search.best_estimator_.get_params()["sigmas"] == [0.1]


def test_columns_are_trained_on_as_they_are():
    X, y = overlapping()
    X = X * [1.0, 100.0] + 5.0
    parameters = {"l2s": [1e-2], "cv": 3}
    for changed in ({"fit_intercept": False}, {"standardize": False}, {"fit_intercept": False, "standardize": False}):
        chosen = ExactClassifierCV("cross-entropy", **parameters, **changed).fit(X, y)
        alone = ExactClassifier("cross-entropy", l2=1e-2, **changed).fit(X, y)
        np.testing.assert_allclose(chosen.coef_, alone.coef_, rtol=0.05, atol=0.01)
        assert (chosen.intercept_ == 0.0).all() == ("fit_intercept" in changed)
        with pytest.raises(ValueError, match=r"columns are expanded to, .*; give features='linear', or leave fit_"):
            ExactClassifierCV("cross-entropy", features="splines", **parameters, **changed).fit(X, y)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"loss": "log"}, ValueError, "there is no loss 'log'"),
        ({"l2s": []}, ValueError, "l2s has no values to try; give one at least, or None"),
        ({"l2s": [0.1, -1.0]}, ValueError, "l2s must be at least 0 and finite, got -1"),
        ({"l2s": [np.inf]}, ValueError, "l2s must be at least 0 and finite, got inf"),
        ({"l2s": 0.1}, TypeError, "l2s must be a list of numbers or None, got 0.1"),
        ({"l2s": "0.1"}, TypeError, "l2s must be a list of numbers or None, got '0.1'"),
        ({"l2s": [None]}, TypeError, "each of l2s must be a number, got None"),
        ({"sigmas": np.array(0.1)}, TypeError, "sigmas must be a list of numbers or None"),
        ({"sigmas": np.array([[0.1]])}, TypeError, "sigmas must be a list of numbers or None"),
        ({"sigmas": ["0.1"]}, TypeError, "each of sigmas must be a number, got '0.1'"),
        ({"sigmas": [True]}, TypeError, "each of sigmas must be a number, got True"),
        ({"sigmas": [0.0]}, ValueError, "sigmas must be positive and finite, got 0"),
        ({"sigmas": [np.nan]}, ValueError, "sigmas must be positive and finite, got NaN"),
        ({"margins": ()}, ValueError, "margins has no values to try"),
        ({"margins": [None, 0.0]}, ValueError, "margins must be positive and finite, or None, got 0"),
        ({"margins": [None, "1"]}, TypeError, "each of margins must be a number, got '1'"),
        ({"fit_intercept": None}, TypeError, "fit_intercept must be True or False, got None"),
        ({"loss": None}, TypeError, "loss must be a string"),
        ({"metric": "f1"}, ValueError, "metric must be"),
        ({"solver": "newton"}, ValueError, "there is no solver 'newton'; the solvers are"),
        ({"cv": 1}, ValueError, "folds must be at least 2"),
        ({"cv": 0}, ValueError, "cv must be at least 1"),
        ({"cv": 1000}, ValueError, "use fewer folds or more rows"),
        ({"cv": 2.5}, TypeError, "cv must be an integer"),
        ({"cv": "five"}, ValueError, "cv"),
        ({"cv": []}, ValueError, "fold"),
        ({"cv": [([0, 1, 2], [])]}, ValueError, "fold 0 of the cross-validation has no rows to validate on"),
        ({"cv": [([], [0, 1, 2])]}, ValueError, "fold 0 of the cross-validation has no rows to train on"),
        ({"cv": [([0, 1, 2], [5000])]}, IndexError, "out of bounds"),
        ({"n_jobs": 0}, ValueError, "n_jobs == 0"),
        ({"random_state": "seed"}, ValueError, "cannot be used to seed"),
    ],
)
def test_parameters_that_are_refused(parameters, error, message):
    X, y = overlapping()
    with pytest.raises(error, match=message):
        ExactClassifierCV(**parameters).fit(X, y)
