"""Linear classifiers for scikit-learn, trained for the metric that they are judged by.

``ExactClassifier`` takes the place of ``sklearn.linear_model.LogisticRegression``::

    classifier = ExactClassifier(sigma=0.1).fit(X, y)
    classifier.predict(X)

``ExactClassifierCV`` chooses the settings by cross-validation and calibrates the probabilities.
``ExactTableClassifier`` does the same for data frames and files with text, categories, dates and missing values.
``TunedDecisionClassifierCV`` tunes the decisions of any probabilistic classifier to a metric.
:mod:`exact_learn.sklearn.onnx` converts the first two to ONNX.
"""

try:
    import sklearn as _sklearn  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "exact_learn.sklearn needs scikit-learn; install it with `pip install exact-learn[sklearn]`", name=error.name
    ) from error

from exact_learn.sklearn.classifier import ExactClassifier
from exact_learn.sklearn.classifier_cv import ExactClassifierCV
from exact_learn.sklearn.path_display import PathDisplay
from exact_learn.sklearn.table_classifier import ExactTableClassifier, TableWarning
from exact_learn.sklearn.tuned_decision import TunedDecisionClassifierCV

__all__ = [
    "ExactClassifier",
    "ExactClassifierCV",
    "ExactTableClassifier",
    "PathDisplay",
    "TableWarning",
    "TunedDecisionClassifierCV",
]
