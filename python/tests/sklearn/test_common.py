"""scikit-learn's own checks of estimators."""

from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from exact_learn.sklearn import ExactClassifier, ExactClassifierCV, TunedDecisionClassifierCV

ESTIMATORS = [ExactClassifier(), ExactClassifierCV(), TunedDecisionClassifierCV(LogisticRegression())]


def expected_to_fail(estimator):
    """As of scikit-learn's own classifiers with other thresholds than one half."""
    if isinstance(estimator, TunedDecisionClassifierCV):
        return {"check_classifiers_train": "predictions are not those with the largest probability"}
    return {}


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_to_fail)
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)
