"""The classifier of tables: data frames and files alike, and the models of the command line.

The environment variable EXACT names the program.
"""

import csv
import datetime
import doctest
import io
import os
import pickle
import re
import subprocess
import warnings

import numpy as np
import pandas
import polars
import pyarrow
import pytest
from pyarrow import parquet
from sklearn.base import clone
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from exact_learn.sklearn import ExactTableClassifier, TableWarning, table_classifier

EXACT = os.environ["EXACT"]
FAST = {"loss": "cross-entropy", "cv": 2}


def columns(n=160, seed=0):
    """Columns of all kinds, with missing values, of which each tells something of the last."""
    generator = np.random.default_rng(seed)
    size = generator.normal(size=n).round(3)
    colour = generator.choice(["red", "green", "blue"], n)
    sold = [datetime.date(2020, 1, 1) + datetime.timedelta(days=int(day)) for day in generator.integers(700, size=n)]
    new = generator.integers(2, size=n).astype(bool)
    late = np.array([(day - datetime.date(2021, 1, 1)).days / 365 for day in sold])
    score = size + (colour == "red") + late + new + 0.5 * generator.normal(size=n)

    def gaps(values):
        return [None if row % 7 == len(values) % 5 else value for row, value in enumerate(values)]

    return {
        "size": gaps(size.tolist()),
        "colour": gaps(colour.tolist()),
        "sold": sold,
        "new": new.tolist(),
        "doors": generator.integers(2, 6, size=n).tolist(),
        "grade": np.where(score > 0.6, "good", "poor").tolist(),
    }


def in_pandas(table):
    frame = pandas.DataFrame(table)
    return frame.assign(sold=pandas.to_datetime(frame["sold"]), colour=frame["colour"].astype("category"))


FRAMES = {
    "pandas": in_pandas,
    "pandas objects": lambda table: pandas.DataFrame(table, dtype=object),
    "pandas nullable": lambda table: pandas.DataFrame(table).convert_dtypes(),
    "polars": polars.DataFrame,
    "polars categorical": lambda table: polars.DataFrame(table).with_columns(
        polars.col("colour").cast(polars.Categorical)
    ),
    "pyarrow": pyarrow.table,
    "pyarrow batch": pyarrow.RecordBatch.from_pydict,
}


def write_csv(path, table):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))
    return path


def without(table, *names):
    return {name: values for name, values in table.items() if name not in names}


def exact(*arguments):
    finished = subprocess.run([EXACT, *map(str, arguments)], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@parametrize_with_checks([ExactTableClassifier()])
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


def test_examples_of_the_documentation_hold():
    failed, attempted = doctest.testmod(table_classifier)
    assert failed == 0 and attempted > 0


@pytest.mark.parametrize("kind", FRAMES)
def test_data_frames_are_as_the_file(tmp_path, kind):
    train, test = columns(), columns(90, seed=1)
    of_file = ExactTableClassifier(**FAST).fit(write_csv(tmp_path / "train.csv", train), "grade")
    of_frame = ExactTableClassifier(**FAST).fit(FRAMES[kind](train), "grade")
    expected = of_file.predict_proba(write_csv(tmp_path / "test.csv", test))
    assert of_file.score(tmp_path / "test.csv") > 0.75
    for classifier in (of_file, of_frame):
        # The target is there or not, and the columns in any order.
        for table in (test, dict(reversed(without(test, "grade").items()))):
            np.testing.assert_allclose(classifier.predict_proba(FRAMES[kind](table)), expected, rtol=1e-6)
        assert classifier.score(FRAMES[kind](test)) == of_file.score(tmp_path / "test.csv")
    kinds = {column["name"]: column["kind"] for column in of_frame.columns_}
    assert kinds == {
        "size": "numeric",
        "colour": "categorical",
        "sold": "date",
        "new": "categorical",
        "doors": "numeric",
        "grade": "categorical",
    }


def test_labels_are_a_column_or_an_array():
    table = columns()
    frame, labels = polars.DataFrame(without(table, "grade")), np.array(table["grade"])
    by_name = ExactTableClassifier(**FAST).fit(polars.DataFrame(table), "grade")
    by_array = ExactTableClassifier(**FAST).fit(frame, labels)
    assert list(by_array.classes_) == list(by_name.classes_) == ["good", "poor"]
    assert (by_name.predict_proba(frame) == by_array.predict_proba(frame)).all()
    assert by_name.score(frame, labels) == by_array.score(frame, labels) == by_name.score(polars.DataFrame(table))
    assert list(by_array.feature_names_in_) == frame.columns
    with pytest.raises(ValueError, match="feature names should match"):
        by_array.predict(polars.DataFrame(table))
    numbers = polars.Series("level", np.where(labels == "good", 10, 9))
    fitted = ExactTableClassifier(**FAST).fit(frame, numbers)
    assert fitted.classes_.dtype.kind == "i" and fitted.target_ == "level"
    # The order of the classes has a part in how folds are drawn.
    assert (np.where(fitted.predict(frame) == 10, "good", "poor") == by_array.predict(frame)).mean() > 0.95


@pytest.mark.parametrize("labels", [["10", "9", "1"], [2.0, -1.0, 10.0], [True, False, False], ["b", "a", "ä"]])
def test_classes_are_those_of_y_in_the_order_of_numpy(labels):
    generator = np.random.default_rng(0)
    numbers = generator.integers(3, size=90)
    y = np.array(labels)[numbers]
    X = numbers[:, None] + 0.1 * generator.normal(size=(90, 1))
    fitted = ExactTableClassifier(**FAST).fit(X, y)
    assert list(fitted.classes_) == list(np.unique(y))
    assert fitted.score(X, y) == 1.0 and (fitted.classes_[fitted.predict_proba(X).argmax(axis=1)] == y).all()


def test_models_are_those_of_the_command_line(tmp_path):
    train, test = columns(), columns(90, seed=1)
    files = [write_csv(tmp_path / f"{name}.csv", table) for name, table in (("train", train), ("test", test))]
    exact("fit", files[0], "--target", "grade", "--loss", "exact", "--out", tmp_path / "theirs")
    ours = ExactTableClassifier("exact").fit(files[0], "grade")
    ours.save(tmp_path / "ours")
    theirs = ExactTableClassifier.load(tmp_path / "theirs")
    assert (tmp_path / "theirs").read_bytes() == (tmp_path / "ours").read_bytes()
    for name, classifier in (("theirs", theirs), ("ours", ours)):
        rows = list(csv.DictReader(io.StringIO(exact("predict", tmp_path / name, files[1], "--proba"))))
        assert [row["prediction"] for row in rows] == classifier.predict(polars.DataFrame(test)).tolist()
        probabilities = [[float(row[f"p_{label}"]) for label in classifier.classes_] for row in rows]
        np.testing.assert_allclose(probabilities, classifier.predict_proba(files[1]), rtol=1e-12)
    assert theirs.best_params_ == ours.best_params_ and theirs.best_score_ == ours.best_score_
    assert theirs.columns_ == ours.columns_ and theirs.target_ == "grade"
    assert list(theirs.feature_names_in_) == ["size", "colour", "sold", "new", "doors"]


def test_a_classifier_of_an_array_is_a_model_of_the_command_line(tmp_path):
    generator = np.random.default_rng(0)
    X = generator.normal(size=(80, 2))
    y = (X[:, 0] > 0).astype(int)
    ExactTableClassifier(**FAST).fit(X, y).save(tmp_path / "model")
    write_csv(tmp_path / "new.csv", {"x1": X[:, 1], "x0": X[:, 0]})
    predictions = exact("predict", tmp_path / "model", tmp_path / "new.csv").split()[1:]
    assert accuracy_score(y, np.array(predictions, dtype=int)) > 0.95


def test_files_of_several_parts_and_formats(tmp_path):
    table = columns()
    frame = pyarrow.table(table)
    for part in range(2):
        parquet.write_table(frame.slice(80 * part, 80), tmp_path / f"part-{part}.parquet")
    whole = ExactTableClassifier(**FAST).fit(frame, "grade")
    parts = [str(tmp_path / f"part-{part}.parquet") for part in range(2)]
    for X in (tmp_path, f"{tmp_path}/part-*.parquet", parts):
        fitted = ExactTableClassifier(**FAST).fit(X, "grade")
        np.testing.assert_allclose(fitted.predict_proba(X), whole.predict_proba(frame), rtol=1e-6)
    assert (whole.predict(parts) == whole.predict(frame)).all()


def test_the_form_of_a_file(tmp_path):
    path = tmp_path / "form.txt"
    rows = [f"{'3' if row % 2 else '-3'},{row % 5};{'ja' if row % 2 else 'nein'} é" for row in range(60)]
    path.write_bytes("\n".join(["a title", *rows]).encode("latin-1"))
    form = {"skip": 1, "delimiter": ";", "header": False, "encoding": "latin1", "decimal": ","}
    fitted = ExactTableClassifier(**FAST, form=form).fit(path, "-1")
    assert list(fitted.classes_) == ["ja é", "nein é"] and fitted.score(path) == 1.0
    assert [column["name"] for column in fitted.columns_] == ["1", "2"]


def test_sparse_files_have_labels(tmp_path):
    path = tmp_path / "rows.libsvm"
    path.write_text("".join(f"{1 if row % 2 else -1} {1 + row % 2}:1.5 {3 + row % 3}:1\n" for row in range(60)))
    fitted = ExactTableClassifier(**FAST).fit(path)
    assert fitted.score(path) == 1.0 and set(fitted.classes_) == {"-1", "1"}


def test_what_is_noticed_is_a_warning():
    table = dict(columns(), row=list(range(160)))
    with pytest.warns(TableWarning, match=r"column `row` is an identifier.*numeric=\['row'\]"):
        fitted = ExactTableClassifier(**FAST).fit(pandas.DataFrame(table), "grade")
    assert "row" not in fitted.feature_names_in_
    name = """the row's id, from "0"""
    with pytest.warns(TableWarning, match=re.escape(f"`numeric=[{name!r}]`")):
        ExactTableClassifier(**FAST).fit(pandas.DataFrame(table).rename(columns={"row": name}), "grade")
    new = pandas.DataFrame(columns(30, seed=2))
    new.loc[4, "colour"] = "mauve"
    with pytest.warns(TableWarning, match="X: column `colour` has 1 value that training did not have, like `mauve`"):
        fitted.predict(new)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ExactTableClassifier(**FAST, drop=["row"]).fit(pandas.DataFrame(table), "grade")


def test_what_columns_are_can_be_said():
    table = dict(columns(), row=list(range(160)), notes=[f"wet and {word}" for word in ["dry", "old"] * 80])
    frame = pandas.DataFrame(table)
    fitted = ExactTableClassifier(
        **FAST, numeric=["row"], text=["notes"], categorical=["doors"], drop=["size"], missing=["red"]
    ).fit(frame, "grade")
    columns_of = {column["name"]: column for column in fitted.columns_}
    kinds = {name: column["kind"] for name, column in columns_of.items()}
    assert kinds["row"] == "numeric" and kinds["notes"] == "text" and kinds["doors"] == "categorical"
    assert "size" not in kinds and columns_of["colour"]["missing"] > frame["colour"].isna().sum()
    kept = ExactTableClassifier(**FAST, keep=["size", "new"]).fit(frame, "grade")
    assert list(kept.feature_names_in_) == ["size", "new"]
    numbers = frame.assign(doors=frame["doors"].astype("category"))
    by_type = ExactTableClassifier(**FAST, drop=["row", "notes"]).fit(numbers, "grade")
    assert {column["name"]: column["kind"] for column in by_type.columns_}["doors"] == "categorical"


def test_weights_of_samples_classes_and_columns_multiply():
    table = columns()
    weights = np.arange(160) % 3 + 0.5
    frame = pandas.DataFrame(dict(table, w=weights))
    of_column = ExactTableClassifier(**FAST, weight="w").fit(frame, "grade").predict_proba(frame)
    frame = frame.drop(columns="w")
    of_argument = ExactTableClassifier(**FAST).fit(frame, "grade", weights).predict_proba(frame)
    np.testing.assert_allclose(of_column, of_argument, rtol=1e-9)
    plain = ExactTableClassifier(**FAST).fit(frame, "grade").predict_proba(frame)
    assert np.abs(plain - of_column).max() > 1e-3
    labels = frame["grade"].to_numpy()
    X = frame.drop(columns="grade")
    for class_weight in ("balanced", {"good": 3.0}):
        by_name = ExactTableClassifier(**FAST, class_weight=class_weight).fit(frame, "grade", weights)
        by_array = ExactTableClassifier(**FAST, class_weight=class_weight).fit(X, labels, weights)
        np.testing.assert_allclose(by_name.predict_proba(X), by_array.predict_proba(X), rtol=1e-9)
        assert np.abs(by_name.predict_proba(X) - of_argument).max() > 1e-3
    # Rows without a label are left out with their weights.
    frame.loc[[3, 70], "grade"] = None
    with pytest.warns(TableWarning, match="2 rows without a label"):
        lacking = ExactTableClassifier(**FAST).fit(frame, "grade", weights)
    kept = frame["grade"].notna()
    whole = ExactTableClassifier(**FAST).fit(frame[kept], "grade", weights[kept])
    assert (lacking.predict_proba(X) == whole.predict_proba(X)).all()


def test_a_metric_and_costs_are_what_settings_are_chosen_by(tmp_path):
    table = columns()
    path, frame = write_csv(tmp_path / "train.csv", table), pandas.DataFrame(table)
    X, labels = frame.drop(columns="grade"), frame["grade"].to_numpy()
    balanced = ExactTableClassifier(metric="balanced_accuracy", cv=3).fit(path, "grade")
    exact("fit", path, "--target", "grade", "--metric", "balanced-accuracy", "--folds", 3, "--out", tmp_path / "theirs")
    balanced.save(tmp_path / "ours")
    assert (tmp_path / "theirs").read_bytes() == (tmp_path / "ours").read_bytes()
    # To take a good one for poor costs eight times as much as the reverse.
    costs = [[0.0, 8.0], [1.0, 0.0]]
    by_name = ExactTableClassifier("cross-entropy", metric=costs, cv=3).fit(path, "grade")
    by_array = ExactTableClassifier("cross-entropy", metric=costs, cv=3).fit(X, labels)
    plain = ExactTableClassifier("cross-entropy", cv=3).fit(X, labels)
    assert (by_name.predict(X) == by_array.predict(X)).all() and by_name.best_score_ == by_array.best_score_ < 0.0
    assert (by_name.predict(X) == "good").sum() > (plain.predict(X) == "good").sum() + 5


def test_costs_and_scores_are_in_the_order_of_the_classes():
    generator = np.random.default_rng(0)
    numbers = generator.integers(3, size=150)
    X = numbers[:, None] + 0.8 * generator.normal(size=(150, 1))
    # NumPy sorts these texts, a model the numbers that they are.
    y = np.array(["9", "100", "10"])[numbers]
    costs = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [9.0, 1.0, 0.0]])
    fitted = ExactTableClassifier("cross-entropy", metric=costs, cv=3).fit(X, y)
    assert list(fitted.classes_) == ["10", "100", "9"]
    turned = ExactTableClassifier("cross-entropy", metric=costs[::-1, ::-1], cv=3).fit(
        X, np.array(["a", "b", "c"])[numbers]
    )
    names = dict(zip("abc", ["9", "100", "10"], strict=True))
    assert (np.array([names[label] for label in turned.predict(X)]) == fitted.predict(X)).mean() > 0.95
    recall = make_scorer(lambda y, predicted: ((predicted == "100") & (y == "100")).sum() / (y == "100").sum())
    for table, target in ((X, y), (pandas.DataFrame({"x": X[:, 0], "level": y}), "level")):
        scored = ExactTableClassifier("cross-entropy", scoring=recall, l2s=[10.0, 1e-4], cv=3).fit(table, target)
        assert (scored.predict(table) == "100").mean() > 0.2 and scored.best_score_ > 0.5
        assert len(scored.path_["l2"]) == 2


def test_grids_are_those_that_are_given():
    frame = pandas.DataFrame(columns())
    fitted = ExactTableClassifier("exact", l2s=[0.01], sigmas=[0.3, 0.1], margins=[None], cv=2).fit(frame, "grade")
    assert sorted(fitted.path_["sigma"]) == [0.1, 0.3] and set(fitted.path_["l2"]) == {0.01}
    assert "margin" not in fitted.best_params_


def test_groups_stay_together():
    generator = np.random.default_rng(0)
    patient = np.repeat(np.arange(30), 6)
    # What is measured tells who it is, and the label only that way.
    X = pandas.DataFrame({"a": generator.normal(size=30)[patient], "b": generator.normal(size=30)[patient]})
    y = generator.integers(2, size=30)[patient]
    parameters = {"features": "kernel", "loss": "cross-entropy", "cv": 3}
    apart = ExactTableClassifier(**parameters).fit(X, y)
    together = ExactTableClassifier(**parameters).fit(X, y, groups=patient)
    named = ExactTableClassifier(**parameters, group="who").fit(X.assign(who=patient, y=y), "y")
    labelled = ExactTableClassifier(**parameters, group=-1).fit(X.assign(who=patient), y)
    assert apart.best_score_ > 0.8
    assert max(together.best_score_, named.best_score_, labelled.best_score_) < 0.7
    assert list(named.feature_names_in_) == ["a", "b"]


def test_copies_and_pickles_predict_the_same():
    table = columns()
    frame = pandas.DataFrame(without(table, "grade"))
    for X, y in ((pandas.DataFrame(table), "grade"), (frame, np.array(table["grade"]))):
        fitted = ExactTableClassifier(**FAST).fit(X, y)
        again = pickle.loads(pickle.dumps(fitted))
        assert (again.predict_proba(frame) == fitted.predict_proba(frame)).all()
        assert (again.predict(frame) == fitted.predict(frame)).all() and again.columns_ == fitted.columns_
        assert clone(fitted).get_params() == fitted.get_params() and not hasattr(clone(fitted), "classes_")
    state = dict(fitted.__getstate__(), _model=b"damaged")
    with pytest.raises(ValueError, match=r"pickled by version .* cannot be read"):
        ExactTableClassifier().__setstate__(state)


def test_in_cross_validation():
    table = columns()
    scores = cross_val_score(
        ExactTableClassifier(**FAST), pandas.DataFrame(without(table, "grade")), np.array(table["grade"]), cv=3
    )
    assert scores.mean() > 0.7


def test_integers_that_are_no_floats_stay_apart():
    code = [2**60 + row % 2 for row in range(60)]
    y = np.array(code) % 2
    for frame in (pandas.DataFrame({"code": code}), polars.DataFrame({"code": code}), pyarrow.table({"code": code})):
        fitted = ExactTableClassifier(**FAST, categorical=["code"]).fit(frame, y)
        assert fitted.score(frame, y) == 1.0 and fitted.columns_[0]["distinct"] == 2


def test_moments_of_all_libraries_are_the_same():
    moments = [datetime.datetime(2021, 3, 1, 8, 30) + datetime.timedelta(hours=7 * row) for row in range(80)]
    zone = datetime.timezone(datetime.timedelta(hours=2))
    there = [moment.replace(tzinfo=datetime.timezone.utc).astimezone(zone) for moment in moments]
    y = np.arange(80) >= 40
    frames = [
        make({"at": values})
        for make in (pandas.DataFrame, polars.DataFrame, pyarrow.table)
        for values in (moments, there)
    ]
    probabilities = [ExactTableClassifier(**FAST).fit(frame, y).predict_proba(frame) for frame in frames]
    for other in probabilities[1:]:
        np.testing.assert_allclose(other, probabilities[0], rtol=1e-6)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"loss": "log"}, ValueError, "there is no loss 'log'"),
        ({"solver": "newton"}, ValueError, "there is no solver 'newton'"),
        ({"cv": 1}, ValueError, "folds must be at least 2"),
        ({"cv": [([0], [1])]}, ValueError, "cv must be a number of folds where y, weight or group names"),
        ({"metric": "f1"}, ValueError, "metric must be one of 'accuracy'"),
        ({"metric": [[0.0, 1.0]]}, ValueError, r"metric is a cost matrix of shape \(1, 2\)"),
        ({"metric": np.ones((3, 3))}, ValueError, "cost matrix of 9 costs, expected 2 rows and columns, for the classes"),
        ({"scoring": 3}, TypeError, "scoring must be the name of a scorer"),
        ({"scoring": lambda estimator, X, y: 1 / 0}, ZeroDivisionError, "division"),
        ({"l2s": [-1.0]}, ValueError, "l2s must be at least 0 and finite"),
        ({"sigmas": 0.1}, TypeError, "sigmas must be a list of numbers"),
        ({"group": "grades"}, ValueError, "X has no column `grades`"),
        ({"categorical": "size"}, TypeError, "categorical must be a sequence"),
        ({"numeric": ["colour"]}, ValueError, r"`(red|green|blue)` is not a number; .*missing=\["),
        ({"numeric": ["length"]}, ValueError, "X has no column `length`"),
        ({"numeric": ["size"], "drop": ["size"]}, ValueError, "declared both"),
        ({"weight": "colour"}, ValueError, "is not a number"),
        ({"date_order": "year-first"}, ValueError, "date_order must be"),
        ({"form": {"quote": "'"}}, ValueError, "form has 'quote'"),
        ({"form": {"delimiter": ";;"}}, ValueError, r"form\['delimiter'\] must be"),
        ({"class_weight": "equal"}, ValueError, "class_weight must be"),
        ({"class_weight": {"fair": 1.0}}, ValueError, "class_weight has 'fair', which is none of the classes"),
        ({"random_state": -1}, ValueError, "random_state must be at least 0"),
    ],
)
def test_parameters_that_are_refused(parameters, error, message):
    with pytest.raises(error, match=message):
        ExactTableClassifier(**parameters).fit(pandas.DataFrame(columns()), "grade")


def test_tables_that_are_refused(tmp_path):
    table = columns()
    frame = pandas.DataFrame(table)
    path = write_csv(tmp_path / "train.csv", table)
    classifier = ExactTableClassifier(**FAST)
    with pytest.raises(ValueError, match=r"X has no column `grades`; did you mean `grade`\?"):
        classifier.fit(frame, "grades")
    with pytest.raises(ValueError, match=r"which column of .*train.csv is to be predicted\?"):
        classifier.fit(path)
    with pytest.raises(FileNotFoundError, match=r"absent\.csv"):
        classifier.fit(tmp_path / "absent.csv", "grade")
    with pytest.raises(ValueError, match="160 rows, y has 3 labels"):
        classifier.fit(path, ["a", "b", "a"])
    with pytest.raises(ValueError, match="y has missing values"):
        classifier.fit(frame, np.array(["a", None] * 80, dtype=object))
    with pytest.raises(ValueError, match="differ only in the white space"):
        classifier.fit(frame, np.array(["a", "a "] * 80))
    with pytest.raises(ValueError, match="groups must be a column, named with group"):
        classifier.fit(path, "grade", groups=np.arange(160))
    for missing in (np.nan, None):
        with pytest.raises(ValueError, match="groups has missing values; name the group of each row"):
            classifier.fit(frame.drop(columns="grade"), frame["grade"], groups=np.array([missing, 1.0] * 80))
    with pytest.raises(ValueError, match="sample_weight has 3 values, expected 160"):
        classifier.fit(path, "grade", [1.0, 2.0, 3.0])
    fitted = classifier.fit(frame, "grade")
    with pytest.raises(ValueError, match="X lacks 1 column that the model was trained on: `sold`"):
        fitted.predict(frame.drop(columns="sold"))
    with pytest.raises(ValueError, match="is not a usable model"):
        ExactTableClassifier.load(path)
    with pytest.raises(FileNotFoundError):
        ExactTableClassifier.load(tmp_path / "absent")
