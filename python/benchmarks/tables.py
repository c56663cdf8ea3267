"""Linear classifiers beside LightGBM and scikit-learn on a folder of data sets, as a Markdown table.

    cargo build --profile dist -p exact-cli
    python python/benchmarks/tables.py target/dist/exact data --out results [--splits 5] [--losses A,B]

Three steps, each of which leaves its files in the folder `results`: `exact benchmark` writes random splits of all sets;
other classifiers are trained on them, with their default settings and seed 0, but for scores that are there already;
`exact benchmark` trains the losses, tests the differences and writes a report. A set is a folder of CSV files called
`train` and `test`, or a CSV file, plain or compressed; its last column is predicted. LightGBM and the histogram
boosting take categories as they are, the others one-hot, and logistic regression standardised numbers with means for
missing values.

Needs LightGBM, pandas, pyarrow and scikit-learn.
"""

import argparse
import csv
import io
import json
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pandas as pd
import pyarrow as pa
from lightgbm import LGBMClassifier
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

THREADS = 2


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("exact", help="the program")
    parser.add_argument("folder", type=Path, help="the folder of the data sets")
    parser.add_argument("--out", type=Path, required=True, help="the folder of the results")
    parser.add_argument("--splits", type=int, default=5, help="splits of each set (default 5)")
    parser.add_argument("--losses", default="all", help="the losses, separated by commas (default all)")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    splits, scores, report = (arguments.out / name for name in ("splits.csv", "scores.csv", "report.html"))
    benchmark = [arguments.exact, "benchmark", arguments.folder, "--splits", str(arguments.splits)]
    subprocess.run([*benchmark, "--write-splits", splits], check=True, stdout=sys.stderr)
    train_others(arguments.folder, splits, scores)
    options = ["--losses", arguments.losses, "--scores", scores, "--report", report, "--json"]
    printed = subprocess.run([*benchmark, *options], check=True, stdout=subprocess.PIPE, text=True).stdout
    (arguments.out / "benchmark.json").write_text(printed)
    show(json.loads(printed))


def others():
    """The classifiers that are trained here, by name."""
    numbers, categories = make_column_selector(dtype_include="number"), make_column_selector(dtype_exclude="number")
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    standardised = make_pipeline(SimpleImputer(), StandardScaler())
    return {
        "LightGBM": LGBMClassifier(random_state=0, n_jobs=THREADS, verbose=-1),
        "HistGradientBoosting": HistGradientBoostingClassifier(random_state=0),
        "RandomForest": make_pipeline(
            make_column_transformer((one_hot, categories), remainder="passthrough"),
            RandomForestClassifier(random_state=0, n_jobs=THREADS),
        ),
        "LogisticRegressionCV": make_pipeline(
            make_column_transformer((one_hot, categories), (standardised, numbers)),
            LogisticRegressionCV(max_iter=1000, random_state=0, n_jobs=THREADS),
        ),
    }


def train_others(folder, splits, scores):
    """Writes the accuracy of each classifier on each split, where it is not there yet."""
    tested = pd.read_csv(splits, dtype={"set": str, "label": str}, keep_default_na=False)
    if not scores.exists():
        scores.write_text("method,set,split,score\n")
    with scores.open(newline="") as file:
        done = {(line["method"], line["set"], int(line["split"])) for line in csv.DictReader(file)}
    with scores.open("a", newline="") as file:
        lines = csv.writer(file)
        for name, of_set in tested.groupby("set"):
            start = time.perf_counter()
            columns, labels = read(folder, name)
            for split, rows in of_set.groupby("split"):
                test = rows["row"].to_numpy()
                check_labels(name, labels[test], rows["label"])
                train = labels.index.difference(test)
                # Columns without a value in training are not what all libraries take.
                features = columns.loc[:, columns.loc[train].notna().any()]
                for method, classifier in others().items():
                    if (method, name, split) in done:
                        continue
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        classifier.fit(features.loc[train], labels[train])
                        score = classifier.score(features.loc[test], labels[test])
                    lines.writerow([method, name, split, score])
                    file.flush()
            print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)


def read(folder, name):
    """The features and the labels of a set, those to train on first."""
    where = folder / name
    files = [*where.glob("train.*"), *where.glob("test.*")] if where.is_dir() else [*folder.glob(f"{name}.*")]
    texts = [pa.input_stream(file).read() for file in files]
    rows = [text if at == 0 else text.partition(b"\n")[2] for at, text in enumerate(texts)]
    table = pd.read_csv(io.BytesIO(b"".join(text.rstrip(b"\n") + b"\n" for text in rows)))
    # Names that all libraries take.
    table.columns = [f"c{at}" for at in range(table.shape[1])]
    target = table.columns[-1]
    table = table[table[target].notna()].reset_index(drop=True)
    features = table.drop(columns=target)
    for column in features.select_dtypes(exclude="number"):
        features[column] = features[column].astype("category")
    return features, table[target].astype(str)


def check_labels(name, ours, theirs):
    """Each label of the splits must be one of ours, so that the rows are the same."""
    pairs = set(zip(ours, theirs, strict=True))
    if not len({our for our, _ in pairs}) == len({their for _, their in pairs}) == len(pairs):
        raise SystemExit(f"{name}: the labels of the splits are not those of the rows")


def show(record):
    """Prints the results as a Markdown table with what the tests found below."""
    methods = record["methods"]
    print_row("data set", [method["name"] for method in methods])
    print(f"|---|{'---:|' * len(methods)}")
    for of_set in record["sets"]:
        print_row(of_set["name"], [f"{100 * result['mean']:.2f}" for result in of_set["results"]])
    print_row("**mean**", [f"{100 * method['mean_accuracy']:.2f}" for method in methods])
    print_row("**mean rank**", [f"{method['mean_rank']:.2f}" for method in methods])
    tests = record["tests"]
    if tests is None:
        return
    friedman = tests["friedman"]
    print(
        f"\nFriedman's test: p = {friedman['p_value']:.2g}, by the F of Iman and Davenport "
        f"{friedman['iman_davenport_p_value']:.2g}. Critical difference of mean ranks by Nemenyi's test at the level "
        f"of {record['alpha']}: {tests['critical_difference']:.2f}. What differs by Wilcoxon's test with Holm's "
        "correction:\n"
    )
    print_row("better", ["worse", "wins", "ties", "losses", "p"])
    print("|---|---|---:|---:|---:|---:|")
    for pair in tests["pairs"]:
        if pair["holm_p_value"] <= record["alpha"]:
            counts = [str(pair[key]) for key in ("wins", "ties", "losses")]
            print_row(pair["better"], [pair["worse"], *counts, f"{pair['holm_p_value']:.2g}"])


def print_row(name, cells):
    print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
