"""Time and accuracy of the classifiers beside scikit-learn's logistic regression, as a Markdown table.

    python python/benchmarks/classifiers.py [--dataset adult]

Training on a bundled data set, one-hot encoded and standardised, in float64; the accuracy is that of its test rows.
Times are those of the processor, on one thread: the smallest of three for one fit, and of one run for cross-validation,
which has the same folds and as many settings for both. Needs exact-learn[test-sklearn].
"""

import argparse
import platform
import time
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import sklearn
from pyarrow import csv
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from exact_learn.sklearn import ExactClassifier, ExactClassifierCV

DATA = Path(__file__).resolve().parents[2] / "data"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--dataset", default="adult", help="a directory of data/ (default adult)")
    dataset = parser.parse_args().dataset
    (X, y), test = encoded(dataset)
    print(f"{platform.processor() or platform.machine()}, scikit-learn {sklearn.__version__}, one thread")
    print(f"\n{dataset}: {X.shape[0]} rows, {X.shape[1]} columns, {len(np.unique(y))} classes\n")
    print("| classifier | settings | CPU seconds | test accuracy | test log loss |")
    print("|---|---:|---:|---:|---:|")
    single = {
        'LogisticRegression(solver="lbfgs", max_iter=1000)': LogisticRegression(solver="lbfgs", max_iter=1000),
        'ExactClassifier("cross-entropy")': ExactClassifier("cross-entropy"),
        "ExactClassifier()": ExactClassifier(),
    }
    for name, classifier in single.items():
        measure(name, classifier, X, y, test, repetitions=3)
    folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))
    exact = ExactClassifierCV("exact", cv=folds)
    settings = measure('ExactClassifierCV("exact")', exact, X, y, test)
    measure("ExactClassifierCV()", ExactClassifierCV(cv=folds), X, y, test)
    rival = LogisticRegressionCV(Cs=settings, cv=folds, solver="lbfgs", max_iter=1000)
    measure(f"LogisticRegressionCV(Cs={settings}, max_iter=1000)", rival, X, y, test)


def encoded(name):
    """The training and the test rows as pairs of a matrix and labels."""
    tables = [csv.read_csv(pa.input_stream(DATA / name / f"{part}.csv.zst")).to_pandas() for part in ("train", "test")]
    columns = [table.drop(columns="label") for table in tables]
    encoder = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), make_column_selector(dtype_exclude="number")),
    )
    matrices = [encoder.fit_transform(columns[0]), encoder.transform(columns[1])]
    return [(matrix, table["label"].to_numpy()) for matrix, table in zip(matrices, tables, strict=True)]


def measure(name, classifier, X, y, test, repetitions=1):
    """Prints the row of a classifier; returns how many settings it tried."""
    seconds = []
    for _ in range(repetitions):
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("error", ConvergenceWarning)
            start = time.process_time()
            classifier.fit(X, y)
            seconds.append(time.process_time() - start)
    accuracy = classifier.score(*test)
    if isinstance(classifier, ExactClassifierCV):
        settings = len(classifier.path_["loss"])
    else:
        settings = getattr(classifier, "Cs", 1)
    loss = log_loss(test[1], classifier.predict_proba(test[0]))
    print(f"| `{name}` | {settings} | {min(seconds):.2f} | {100 * accuracy:.2f} % | {loss:.4f} |", flush=True)
    return settings


if __name__ == "__main__":
    main()
