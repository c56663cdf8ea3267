"""The estimators among others: tables, pipelines, searches, calibration, and signals."""

import _thread
import signal
import threading
import time

import numpy as np
import pandas
import polars
import pyarrow
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from exact_learn.sklearn import ExactClassifier, ExactClassifierCV

NAMES = ["a", "b", "c", "d"]


@pytest.mark.parametrize("table", ["pandas", "polars", "pyarrow"])
@pytest.mark.parametrize("estimator", [ExactClassifier(), ExactClassifierCV("cross-entropy", cv=2)])
def test_tables_have_names(estimator, table):
    X, y = load_iris(return_X_y=True)
    columns = dict(zip(NAMES, X.T, strict=True))
    make = {"pandas": pandas.DataFrame, "polars": polars.DataFrame, "pyarrow": pyarrow.table}[table]
    labels = {"pandas": pandas.Series, "polars": polars.Series, "pyarrow": pyarrow.array}[table](y)
    fitted = estimator.fit(make(columns), labels)
    assert list(fitted.feature_names_in_) == NAMES
    assert (fitted.predict(make(columns)) == estimator.fit(X, y).predict(X)).all()
    fitted = estimator.fit(make(columns), y)
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(make(dict(reversed(columns.items()))))
    columns["a"] = [None, *X[1:, 0]]
    with pytest.raises(ValueError, match="NaN"):
        estimator.fit(make(columns), y)


@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
def test_in_a_pipeline_whose_steps_give_tables(output):
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), ExactClassifier(sigma=0.1)).set_output(transform=output)
    assert pipeline.fit(X, y).score(X, y) > 0.95
    assert "ExactClassifier" in pipeline._repr_html_()


def test_mixed_columns_through_a_column_transformer():
    generator = np.random.default_rng(0)
    table = pandas.DataFrame({"size": generator.normal(size=200), "colour": generator.choice(["red", "blue"], 200)})
    y = np.where((table["size"] > 0) == (table["colour"] == "red"), "yes", "no")
    y = np.where(table["colour"] == "red", y, "no")
    encoder = make_column_transformer((OneHotEncoder(), ["colour"]), remainder=StandardScaler(), sparse_threshold=1.0)
    assert make_pipeline(encoder, ExactClassifier(l2=1e-4)).fit(table, y).score(table, y) > 0.8


def test_sparse_matrices_are_not_densified():
    # As a dense matrix it would take 32 GB.
    n_rows, n_columns = 20_000, 200_000
    generator = np.random.default_rng(0)
    columns = generator.integers(n_columns, size=(n_rows, 5))
    values = np.ones(columns.size, np.float32)
    X = sparse.csr_array((values, (np.arange(n_rows).repeat(5), columns.ravel())), shape=(n_rows, n_columns))
    y = generator.integers(2, size=n_rows)
    fitted = ExactClassifier(l2=1e-4).fit(X, y)
    assert fitted.score(X, y) > 0.9
    documents = ["good fine day", "bad poor day", "fine good", "poor bad night"]
    pipeline = make_pipeline(TfidfVectorizer(), ExactClassifier()).fit(documents, ["up", "down", "up", "down"])
    assert list(pipeline.predict(["good", "poor"])) == ["up", "down"]


def test_in_searches_and_in_calibration():
    X, y = load_breast_cancer(return_X_y=True)
    search = GridSearchCV(ExactClassifier(), {"sigma": [0.1, 0.5], "margin": [None, 0.5]}, cv=3, n_jobs=2).fit(X, y)
    assert search.best_score_ > 0.94
    assert cross_val_score(ExactClassifierCV(cv=2), X, y, cv=2).mean() > 0.94
    calibrated = CalibratedClassifierCV(ExactClassifier(), cv=3).fit(X, y, sample_weight=np.ones(len(y)))
    assert calibrated.predict_proba(X).shape == (len(y), 2)
    with config_context(enable_metadata_routing=True):
        routed = ExactClassifier().set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        assert cross_val_score(routed, X, y, cv=2, params={"sample_weight": np.ones(len(y))}).mean() > 0.94


def test_verbose_shows_a_bar(capsys):
    X, y = load_iris(return_X_y=True)
    ExactClassifierCV("hinge", cv=2, verbose=True).fit(X, y)
    shown = capsys.readouterr()
    # Passes that are not needed count as done.
    assert "hinge" in shown.err and "100%" in shown.err and shown.out == ""
    ExactClassifierCV("hinge", cv=2).fit(X, y)
    assert capsys.readouterr().err == ""


@pytest.fixture
def answers_interrupts():
    """Shells start their background processes with interrupts ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_ends_training_and_other_threads_run(answers_interrupts):
    generator = np.random.default_rng(0)
    X = generator.normal(size=(40_000, 60)).astype(np.float32)
    y = generator.integers(10, size=len(X))

    def interrupt():
        # This thread runs while the main one trains, which would take a minute.
        time.sleep(0.5)
        _thread.interrupt_main()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        ExactClassifierCV().fit(X, y)
    thread.join()


def test_training_outside_the_main_thread():
    X, y = load_iris(return_X_y=True)
    results = []
    threads = [threading.Thread(target=lambda: results.append(ExactClassifier().fit(X, y).coef_)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3 and (results[0] == results[1]).all() and (results[0] == results[2]).all()
