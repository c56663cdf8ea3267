"""Selection by scorers of scikit-learn, and with rows that belong together."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.metrics import fbeta_score, make_scorer, roc_auc_score
from sklearn.model_selection import GroupKFold, StratifiedKFold

from exact_learn.sklearn import ExactClassifier, ExactClassifierCV


def samples(n=240, seed=0):
    """Two classes that overlap, one of them rare, labelled by words."""
    generator = np.random.default_rng(seed)
    labels = (generator.random(n) < 0.2).astype(int)
    X = np.array([[0.0, 0.0, 0.0], [1.2, 0.6, 0.0]])[labels] + generator.normal(size=(n, 3))
    return X, np.array(["common", "rare"])[labels]


def test_the_score_is_that_of_scikit_learn_on_the_rows_held_out():
    X, y = samples()
    folds = list(StratifiedKFold(3, shuffle=True, random_state=1).split(X, y))
    fitted = ExactClassifierCV("cross-entropy", scoring="roc_auc", cv=folds).fit(X, y)
    assert fitted.best_score_ == pytest.approx(fitted.path_["mean_test_score"].max(), abs=1e-12)
    for number, (train, test) in enumerate(folds):
        for l2, score in zip(fitted.path_["l2"], fitted.path_[f"split{number}_test_score"], strict=True):
            alone = ExactClassifier("cross-entropy", l2=l2).fit(X[train], y[train])
            assert roc_auc_score(y[test], alone.decision_function(X[test])) == pytest.approx(score, abs=1e-2)


@pytest.mark.parametrize(
    "scoring",
    ["f1_macro", "neg_log_loss", "matthews_corrcoef", make_scorer(fbeta_score, beta=2, pos_label="rare")],
)
def test_scorers_see_classes_and_probabilities(scoring):
    X, y = samples()
    fitted = ExactClassifierCV("exact", scoring=scoring, cv=3, n_jobs=2).fit(X, y)
    again = ExactClassifierCV("exact", scoring=scoring, cv=3).fit(X, y)
    assert fitted.best_params_ == again.best_params_ and fitted.best_score_ == again.best_score_
    assert np.isfinite(fitted.best_score_)


def test_weights_reach_scorers_that_take_them():
    X, y = samples()
    seen = []

    def mean_weight(estimator, X, y, sample_weight=None):
        seen.append(sample_weight)
        return float((estimator.predict(X) == y).mean())

    ExactClassifierCV("hinge", scoring=mean_weight, cv=3).fit(X, y, np.full(len(y), 2.0))
    assert seen and all((weights == 2.0).all() for weights in seen)


def test_what_a_scorer_raises_is_passed_on():
    X, y = samples()

    def fails(estimator, X, y):
        raise KeyError("no such thing")

    with pytest.raises(KeyError, match="no such thing"):
        ExactClassifierCV("hinge", scoring=fails, cv=3).fit(X, y)
    with pytest.raises(ValueError, match="not a number"):
        ExactClassifierCV("hinge", scoring=lambda estimator, X, y: float("nan"), cv=3).fit(X, y)
    with pytest.raises(TypeError, match="must return a number"):
        ExactClassifierCV("hinge", scoring=lambda estimator, X, y: "good", cv=3).fit(X, y)
    with pytest.raises(TypeError, match="scoring must be the name of a scorer or a callable, got 3"):
        ExactClassifierCV("hinge", scoring=3, cv=3).fit(X, y)
    with pytest.raises(ValueError, match="no_such_scorer"):
        ExactClassifierCV("hinge", scoring="no_such_scorer", cv=3).fit(X, y)


def test_groups_are_never_divided():
    # Rows of a group are copies: whoever is trained on one of them knows the others.
    generator = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 4)
    X = np.repeat(generator.normal(size=(60, 40)), 4, axis=0)
    y = np.repeat(np.arange(60) % 2, 4)
    plain = ExactClassifierCV("cross-entropy").fit(X, y)
    grouped = ExactClassifierCV("cross-entropy").fit(X, y, groups=groups)
    assert plain.best_score_ > 0.8 and grouped.best_score_ < 0.7
    given = ExactClassifierCV("cross-entropy", cv=GroupKFold(4)).fit(X, y, groups=groups)
    assert given.best_score_ < 0.7
    with pytest.raises(ValueError, match="60 groups, which cannot be divided into 61 folds"):
        ExactClassifierCV(cv=61).fit(X, y, groups=groups)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ExactClassifierCV().fit(X, y, groups=groups[1:])


def test_groups_are_routed():
    with config_context(enable_metadata_routing=True):
        classifier = ExactClassifierCV().set_fit_request(groups=True)
        request = classifier.get_metadata_routing()
        assert request.fit.requests["groups"] is True
