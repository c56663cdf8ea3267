"""scikit-learn's own checks of estimators."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from exact_learn.sklearn import ExactClassifier, ExactClassifierCV


@parametrize_with_checks([ExactClassifier(), ExactClassifierCV()])
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)
