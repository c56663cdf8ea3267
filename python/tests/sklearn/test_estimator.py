"""What all estimators promise: a fit that fails changes nothing, pickles of other versions, pictures, small print."""

import builtins
import doctest
import hashlib
import json
import pickle
import struct
import sys

import matplotlib
import numpy as np
import pandas
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from exact_learn import _core
from exact_learn.sklearn import (
    ExactClassifier,
    ExactClassifierCV,
    ExactTableClassifier,
    PathDisplay,
    TunedDecisionClassifierCV,
    path_display,
)

matplotlib.use("agg")
X, Y = load_iris(return_X_y=True)
ESTIMATORS = [
    ExactClassifier(),
    ExactClassifierCV("cross-entropy", cv=3),
    ExactTableClassifier("cross-entropy", cv=3, features="linear"),
    TunedDecisionClassifierCV(LogisticRegression(max_iter=1000)),
]


def moved(values):
    """The values at an address that does not fit their type."""
    found = np.frombuffer(bytearray(values.nbytes + 1), dtype=values.dtype, offset=1, count=values.size)
    found = found.reshape(values.shape)
    found[:] = values
    assert not found.flags.aligned
    return found


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_log_probabilities_are_those_of_probabilities(estimator):
    fitted = estimator.fit(X, Y)
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(X)), fitted.predict_proba(X), atol=1e-12)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_fit_that_fails_leaves_the_last_one(estimator, monkeypatch):
    fitted = estimator.fit(X, Y)
    before, state = fitted.predict(X), dict(fitted.__dict__)
    names = pandas.DataFrame(X[:, :3], columns=["a", "b", "c"])
    with pytest.raises(ValueError):
        fitted.fit(X[:, :3], np.full(len(Y), "one"))

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    for kernel in (_core.LinearClassifier, _core.TableModel):
        for method in ("fit", "cross_validate"):
            if hasattr(kernel, method):
                # The types of the kernels cannot be changed; the modules see a stand-in.
                stand_in = type("Interrupted", (), {"fit": interrupted, "cross_validate": interrupted})
                monkeypatch.setattr(_core, kernel.__name__, stand_in)
    monkeypatch.setattr(LogisticRegression, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fitted.fit(names, Y + 1)
    monkeypatch.undo()
    assert fitted.__dict__ == state
    np.testing.assert_array_equal(fitted.predict(X), before)


@pytest.mark.parametrize("estimator", ESTIMATORS[:3])
def test_pickles_of_other_versions_are_read_with_a_warning(estimator, monkeypatch):
    fitted = estimator.fit(X, Y)
    same = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(same.predict_proba(X), fitted.predict_proba(X))
    monkeypatch.setattr(_core, "__version__", "99.0.0")
    pickled = pickle.dumps(fitted)
    monkeypatch.undo()
    message = f"{type(estimator).__name__} was pickled by version 99.0.0 of exact-learn and is read by version"
    with pytest.warns(InconsistentVersionWarning, match=message):
        other = pickle.loads(pickled)
    np.testing.assert_array_equal(other.predict_proba(X), fitted.predict_proba(X))


@pytest.mark.parametrize(
    ("estimator", "newer"),
    [
        (ExactClassifier(), ["standardize", "fit_intercept", "group_l1"]),
        (ExactClassifierCV("cross-entropy", cv=3), ["l2s", "sigmas", "margins", "standardize", "scoring"]),
        (ExactTableClassifier("cross-entropy", cv=3, features="linear"), ["class_weight", "verbose"]),
    ],
)
def test_pickles_without_newer_parameters_are_read(estimator, newer):
    fitted = estimator.fit(X, Y)
    state = fitted.__getstate__()
    for name in newer:
        del state[name]
    older = type(estimator).__new__(type(estimator))
    older.__setstate__(state)
    np.testing.assert_array_equal(older.predict_proba(X), fitted.predict_proba(X))
    assert older.get_params() == fitted.get_params() and repr(older) == repr(fitted)
    np.testing.assert_array_equal(clone(older).fit(X, Y).predict(X), fitted.predict(X))


def tensors(entries, link):
    """The bytes of a classifier in the layout of the first and the second version of its format."""
    description, arrays, offset, digest = json.dumps(link), {}, 0, hashlib.sha256()
    contents = {name: values.astype("<f8").tobytes() for name, values in sorted(entries.items())}
    for name, content in contents.items():
        arrays[name] = {
            "dtype": "F64",
            "shape": list(entries[name].shape),
            "data_offsets": [offset, offset + len(content)],
        }
        offset += len(content)
    for part in (description.encode(), *(part for item in contents.items() for part in item)):
        part = part.encode() if isinstance(part, str) else part
        digest.update(struct.pack("<Q", len(part)) + part)
    entry = {
        "format": "exact-learn linear classifier of matrices",
        "version": 2,
        "sha256": digest.hexdigest(),
        "description": description,
    }
    header = json.dumps({"__metadata__": {"exact-learn": json.dumps(entry)}, **arrays}).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + b"".join(contents.values())


@pytest.mark.parametrize("n_classes", [2, 3])
def test_bytes_of_older_layouts_are_read(n_classes):
    kept = n_classes > Y
    fitted = ExactClassifier("cross-entropy").fit(X[kept], Y[kept])
    # Weights and biases were differences to those of the first class.
    coefficients, intercepts = fitted._classifier.coefficients(), fitted._classifier.intercepts()
    older = tensors(
        {"weights": (coefficients[1:] - coefficients[0]).T, "biases": intercepts[1:] - intercepts[0]},
        {"link": "softmax", "temperature": 1.0},
    )
    state = dict(fitted.__getstate__(), _classifier=older, _exact_learn_version="0.0.1")
    read = ExactClassifier()
    with pytest.warns(InconsistentVersionWarning, match=r"pickled by version 0\.0\.1"):
        read.__setstate__(state)
    np.testing.assert_allclose(read.coef_, fitted.coef_, atol=1e-12)
    np.testing.assert_allclose(read.predict_proba(X[kept]), fitted.predict_proba(X[kept]), atol=1e-12)


def test_arrays_at_any_address_are_taken():
    expected = ExactClassifier().fit(X, Y).coef_
    np.testing.assert_array_equal(ExactClassifier().fit(moved(X), moved(Y), moved(np.ones(150))).coef_, expected)
    compressed = sparse.csr_array(X)
    compressed.data, compressed.indices = moved(compressed.data), moved(compressed.indices)
    expected = ExactClassifier().fit(sparse.csr_array(X), Y).coef_
    np.testing.assert_array_equal(ExactClassifier().fit(compressed, Y).coef_, expected)


def test_a_bar_without_tqdm_says_what_is_missing(monkeypatch):
    plain_import = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("tqdm"):
            raise ModuleNotFoundError("No module named 'tqdm'", name="tqdm")
        return plain_import(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "tqdm.auto", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModuleNotFoundError, match="verbose=True shows a progress bar by tqdm; install it"):
        ExactClassifier(verbose=True).fit(X, Y)


@pytest.mark.parametrize("estimator", [ExactClassifier, ExactClassifierCV, ExactTableClassifier])
def test_parameters_that_are_refused(estimator):
    for n_jobs in ("2", 2.0, True):
        with pytest.raises(TypeError, match="n_jobs must be an integer or None, got"):
            estimator(n_jobs=n_jobs).fit(X, Y)
    with pytest.raises(ValueError, match="sample_weight adds up to more than a float holds"):
        estimator().fit(X, Y, np.full(150, 1e308))
    with pytest.raises(ValueError, match="class_weight, times sample_weight, adds up to more than a float holds"):
        estimator(class_weight={0: 1e300, 1: 1.0, 2: 1.0}).fit(X, Y, np.full(150, 1e100))
    if estimator is not ExactTableClassifier:
        with pytest.raises(TypeError, match=r"metric must be a name or a cost matrix, got .*takes scorers as scoring="):
            estimator(metric=max).fit(X, Y)


@pytest.mark.parametrize("estimator", [ExactClassifierCV("cross-entropy"), ExactTableClassifier("cross-entropy")])
def test_classes_that_are_smaller_than_the_folds_are_told(estimator):
    rows = np.r_[:103]
    with pytest.warns(UserWarning, match="the smallest class of y has 3 samples, fewer than the 5 folds") as warned:
        estimator.fit(X[rows], Y[rows])
    assert warned[0].filename == __file__
    estimator.set_params(cv=3).fit(X[rows], Y[rows])


def test_groups_are_requested_by_default():
    groups = np.arange(150) % 15
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(StandardScaler(), ExactClassifierCV("cross-entropy", cv=GroupKFold(3)))
        assert pipeline.fit(X, Y, groups=groups).score(X, Y) > 0.9
        found = cross_validate(pipeline, X, Y, cv=GroupKFold(3), params={"groups": groups})
        assert (found["test_score"] > 0.85).all()


def test_examples_of_the_documentation_hold():
    failed, attempted = doctest.testmod(path_display)
    assert failed == 0 and attempted > 0


def test_the_path_is_drawn():
    fitted = ExactClassifierCV("exact", cv=3).fit(X, Y)
    display = PathDisplay.from_estimator(fitted)
    assert sum(len(line.get_xdata()) for line in display.lines_) == len(fitted.path_["sigma"])
    scores = np.concatenate([line.get_ydata() for line in display.lines_])
    assert scores.max() == pytest.approx(fitted.best_score_)
    again = PathDisplay.from_estimator(fitted, along="l2", ax=display.ax_)
    assert again.ax_ is display.ax_ and again.ax_.get_xlabel() == "l2"
    cross_entropy = ExactClassifierCV("cross-entropy", cv=3).fit(X, Y)
    assert len(PathDisplay.from_estimator(cross_entropy).lines_) == 1
    with pytest.raises(ValueError, match="along must be one of l2, by which settings differ, got 'sigma'"):
        PathDisplay.from_estimator(cross_entropy, along="sigma")
    with pytest.raises(ValueError, match="ExactClassifier has no path_"):
        PathDisplay.from_estimator(ExactClassifier())
    matplotlib.pyplot.close("all")
