"""Classifiers converted by skl2onnx in ONNX Runtime: labels and probabilities are those of scikit-learn's interface."""

import importlib
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import exact_learn.sklearn.onnx
from exact_learn.sklearn import ExactClassifier, ExactClassifierCV

# Absolute, of a probability: of logits in single precision, or of integrals.
TOLERANCE = 1e-5

X, Y = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[Y]
UNITS = np.array([1.0, 30.0, 0.1, 1.0])


def run(classifier, rows, **options):
    """The outputs of ONNX Runtime for these rows."""
    model = to_onnx(classifier, rows[:1], options={"zipmap": False, **options})
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: rows})


def check(classifier, rows, **options):
    labels, probabilities = run(classifier, rows, **options)
    expected = classifier.predict_proba(rows)
    assert np.abs(probabilities - expected).max() < TOLERANCE
    # Where two classes are all but equal, rounding decides.
    logits = np.sort(classifier.decision_function(rows).reshape(len(rows), -1), axis=1)
    apart = np.abs(logits[:, 0] if logits.shape[1] == 1 else logits[:, -1] - logits[:, -2]) > 1e-4
    assert apart.mean() > 0.9 and (labels == classifier.predict(rows))[apart].all()
    return probabilities


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("loss", ["exact", "probit", "cross-entropy", "hinge"])
def test_both_links_in_both_precisions(loss, n_classes, dtype):
    kept = n_classes > Y
    rows = (X * UNITS)[kept].astype(dtype)
    probabilities = check(ExactClassifier(loss, sigma=0.2).fit(rows, NAMES[kept]), rows)
    assert probabilities.dtype == dtype and probabilities.shape == (kept.sum(), n_classes)


def test_calibrated_probabilities_of_many_classes():
    generator = np.random.default_rng(0)
    y = np.arange(1200) % 40
    rows = (generator.normal(size=(40, 6))[y] + 0.5 * generator.normal(size=(1200, 6))).astype(np.float32)
    for loss in ("exact", "cross-entropy"):
        found = check(ExactClassifierCV(loss, cv=2, l2s=[1e-3], sigmas=[0.1], margins=[None]).fit(rows, y), rows)
        assert 0.1 < found.max(axis=1).mean() < 0.99


def test_every_sigma_is_integrated():
    rows = X.astype(np.float32)
    for sigma in (1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0):
        check(ExactClassifier(sigma=sigma).fit(rows, Y), rows)


def test_decisions_by_cost():
    costs = np.array([[0.0, 1.0, 1.0], [9.0, 0.0, 1.0], [9.0, 1.0, 0.0]])
    rows = X[:, :1].copy()
    classifier = ExactClassifierCV("cross-entropy", metric=costs, cv=3).fit(rows, Y)
    labels, probabilities = run(classifier, rows)
    assert (labels != classifier.decision_function(rows).argmax(axis=1)).any()
    np.testing.assert_array_equal(labels, classifier.predict(rows))
    np.testing.assert_allclose(probabilities, classifier.predict_proba(rows), rtol=0, atol=TOLERANCE)


def test_pipelines_and_options():
    pipeline = make_pipeline(StandardScaler(), ExactClassifierCV("exact", cv=3, sigmas=[0.1])).fit(X * UNITS, NAMES)
    rows = (X * UNITS).astype(np.float32)
    check(pipeline, rows)
    labels, maps = run(pipeline, rows, zipmap=True)
    expected = pipeline.predict_proba(rows)
    assert list(maps[0]) == list(pipeline.classes_) and labels[0] == "setosa"
    np.testing.assert_allclose([[row[name] for name in pipeline.classes_] for row in maps], expected, atol=TOLERANCE)
    classifier = ExactClassifier().fit(rows, NAMES)
    places, _ = run(classifier, rows, nocl=True)
    np.testing.assert_array_equal(classifier.classes_[places], classifier.predict(rows))


@pytest.mark.parametrize(
    "labels", [Y > 0, Y.astype(np.uint8), Y * 2.0 - 1.0, Y + 2**40, NAMES.astype(object)], ids=lambda y: y.dtype.name
)
def test_labels_of_every_type(labels):
    rows = X.astype(np.float32)
    classifier = ExactClassifier("cross-entropy").fit(rows, labels)
    found, _ = run(classifier, rows)
    np.testing.assert_array_equal(found, classifier.predict(rows))


def test_whole_numbers_as_rows():
    rows = np.round(10.0 * X).astype(np.int64)
    check(ExactClassifier().fit(rows, Y), rows)


def test_what_has_no_conversion_is_refused():
    splines = ExactClassifierCV("cross-entropy", cv=3, features="splines").fit(X, Y)
    with pytest.raises(NotImplementedError, match=r"CV expands its 4 columns to \d+, .* with features='linear'"):
        to_onnx(splines, X[:1])
    with pytest.raises(NotImplementedError, match=r"are integrals, .*target_opset=18 or later, got 17"):
        to_onnx(ExactClassifier().fit(X, Y), X[:1], target_opset=17)
    to_onnx(ExactClassifier("cross-entropy").fit(X, Y), X[:1], target_opset=17)


def test_without_skl2onnx_the_import_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    with pytest.raises(ModuleNotFoundError, match=r"needs skl2onnx; install it with `pip install exact-learn\[onnx\]`"):
        importlib.reload(exact_learn.sklearn.onnx)
