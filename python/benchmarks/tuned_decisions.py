"""What TunedDecisionClassifierCV gains on decisions by the largest probability, as a Markdown table.

    python python/benchmarks/tuned_decisions.py [--splits 2]

Three classifiers on ten data sets of scikit-learn and this repository, whose rows, at most 2000, are divided at random,
60 % to train on. The rival for accuracy decides by the largest probability, that for other metrics by the largest
probability over the class's share of the training rows (prior correction), and for costs, which are drawn at random, by
the least expected cost. The standard error is that of the mean gain over the data sets. Needs
exact-learn[test-sklearn].
"""

import argparse
import collections
import warnings
from pathlib import Path

import numpy as np
import pandas
import pyarrow as pa
from pyarrow import csv
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, matthews_corrcoef
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from exact_learn.sklearn import TunedDecisionClassifierCV

DATA = Path(__file__).resolve().parents[2] / "data"
TABLES = ["adult", "annealing", "audit-risk", "balance-scale", "car", "cylinder-bands", "dry-bean", "mice-protein"]
MOST_ROWS = 2000
CLASSIFIERS = {
    "logistic regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
    "random forest": RandomForestClassifier(50, random_state=0),
    "naive Bayes": make_pipeline(StandardScaler(), GaussianNB()),
}
METRICS = {
    "accuracy": accuracy_score,
    "balanced_accuracy": balanced_accuracy_score,
    "macro_f1": lambda y, predicted: f1_score(y, predicted, average="macro"),
    "matthews_corrcoef": matthews_corrcoef,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--splits", type=int, default=2, help="random splits of each data set (default 2)")
    splits = parser.parse_args().splits
    warnings.simplefilter("ignore")
    # By metric and classifier, for each data set the scores of the rivals and of tuned decisions.
    found = collections.defaultdict(list)
    for X, y in data_sets():
        for name, classifier in CLASSIFIERS.items():
            scores = [of_split(classifier, X, y, seed) for seed in range(splits)]
            for metric in scores[0]:
                found[metric, name].append(np.mean([score[metric] for score in scores], axis=0))
    print("| metric | classifier | largest probability | rival | tuned | gain on the rival | data sets better, worse |")
    print("|---|---|--:|--:|--:|--:|--:|")
    for (metric, name), scores in found.items():
        plain, rival, tuned = np.mean(scores, axis=0)
        gains = np.array([tuned - rival for _, rival, tuned in scores])
        error = gains.std(ddof=1) / len(gains) ** 0.5
        counts = f"{(gains > 1e-9).sum()}, {(gains < -1e-9).sum()}"
        figures = f"{plain:.2f} | {rival:.2f} | {tuned:.2f} | {gains.mean():+.2f} ± {error:.2f} | {counts}"
        print(f"| {metric} | {name} | {figures} |")


def of_split(classifier, X, y, seed):
    """By metric: the scores of the largest probability, of the rival and of tuned decisions, in percent."""
    X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=0.6, random_state=seed, stratify=y)
    probabilities = clone(classifier).fit(X_train, y_train).predict_proba(X_test)
    priors = np.bincount(y_train) / len(y_train)
    plain, corrected = probabilities.argmax(axis=1), (probabilities / priors).argmax(axis=1)
    scores = {}
    for metric, score in METRICS.items():
        tuned = TunedDecisionClassifierCV(classifier, metric=metric).fit(X_train, y_train).predict(X_test)
        rival = plain if metric == "accuracy" else corrected
        scores[metric] = [100.0 * score(y_test, predicted) for predicted in (plain, rival, tuned)]
    costs = np.random.default_rng(seed).uniform(1.0, 10.0, (len(priors), len(priors)))
    np.fill_diagonal(costs, 0.0)
    tuned = TunedDecisionClassifierCV(classifier, metric=costs).fit(X_train, y_train).predict(X_test)
    predictions = plain, (probabilities @ costs).argmin(axis=1), tuned
    scores["minus cost, 100 rows"] = [-100.0 * costs[y_test, predicted].mean() for predicted in predictions]
    return scores


def data_sets():
    """Features and labels."""
    yield load_breast_cancer(return_X_y=True)
    yield load_wine(return_X_y=True)
    for name in TABLES:
        parts = [read(DATA / name / f"{part}.csv.zst") for part in ("train", "test")]
        rows = pandas.concat(parts, ignore_index=True)
        rows = rows.sample(min(len(rows), MOST_ROWS), random_state=0, ignore_index=True)
        y = pandas.factorize(rows.pop("label"), sort=True)[0]
        numeric = rows.select_dtypes("number")
        yield pandas.get_dummies(rows.assign(**numeric.fillna(numeric.mean()))).to_numpy(float), y


def read(path):
    return csv.read_csv(pa.CompressedInputStream(str(path), "zstd")).to_pandas()


if __name__ == "__main__":
    main()
