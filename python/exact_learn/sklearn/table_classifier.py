"""A linear classifier of tables: files and data frames with columns of any kinds."""

from __future__ import annotations

import csv
import re
import shlex
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral
from os import PathLike, fspath
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from exact_learn import _core
from exact_learn.sklearn._columns import Column, array_column, array_columns, frame_columns, paths
from exact_learn.sklearn.estimator import log_probabilities, read, versioned, whole
from exact_learn.sklearn.linear import checked_sample_weight, metric_of, weighted_by_class
from exact_learn.sklearn.parameters import n_threads, real
from exact_learn.sklearn.progress import progress_bar
from exact_learn.sklearn.scoring import Score, score_of
from exact_learn.sklearn.selection import (
    Folds,
    chosen_parameters,
    given_folds,
    has_missing,
    path_arrays,
    search_of,
    warn_of_small_classes,
)

# Values of any type, also missing ones.
_CHECKS: dict[str, Any] = {"dtype": None, "ensure_all_finite": "allow-nan"}
_KINDS = ("categorical", "numeric", "text", "drop", "keep")
_FORM = ("delimiter", "header", "skip", "comment", "encoding", "decimal", "sheet")

# Paths, or columns with their names.
_Table = tuple[str, ...] | list[tuple[str, Column]]


class TableWarning(UserWarning):
    """What was done with a table and should be known: columns left out, texts taken for missing, unseen values."""


class ExactTableClassifier(ClassifierMixin, BaseEstimator):
    r"""A linear classifier of tables as they are, trained as ``exact fit`` trains.

    A table is a data frame of pandas or Polars, an Arrow table, an array, or the path of a file: CSV and its relatives,
    Parquet, Excel, JSON and others, plain or compressed. What each column is follows from its values: numbers are
    standardised, categories become indicators, dates their time, month, weekday and hour, and missing values are
    allowed anywhere. Columns that only number or name the rows are left out with a :class:`TableWarning`. Loss,
    penalty, sigma and margin are chosen by cross-validation, as :class:`ExactClassifierCV` chooses them.

    Parameters
    ----------
    loss : str
        "auto" takes expected accuracy where it is better than cross-entropy; otherwise a loss of
        :class:`ExactClassifier`.
    metric : str or array-like, (n_classes, n_classes)
        What settings are chosen by and "exact" expects, as in :class:`ExactClassifierCV`. Costs are in the order of
        ``classes_``.
    scoring : str or callable, optional
        What settings, features and the loss are chosen by in place of the metric, as in :class:`ExactClassifierCV`.
    k : int
        The number of guesses of top-k accuracy.
    l2s, sigmas, margins : array-like, optional
        What to choose from, as in :class:`ExactClassifierCV`.
    cv : int, splitter or iterable, optional
        The number of folds, 5 by default, which are stratified and drawn with ``random_state``; where y is an array,
        also a splitter of scikit-learn or pairs of rows to train and to validate on.
    solver : {"auto", "lbfgs", "sgd"}
        As in :class:`ExactClassifierCV`.
    features : {"auto", "linear", "splines", "interactions", "kernel", "cells"}
        As in :class:`ExactClassifierCV`.
    categorical, numeric, text : sequence of str or int
        Columns that are to be taken so, by name or by position from 1 (-1 is the last). Those of ``text`` become
        weights of their words. Columns of a data frame's type for categories are categorical anyway, and those of an
        array of numbers numeric.
    drop, keep : sequence of str or int
        Columns to leave out, and the only ones to use.
    missing : sequence of str
        Texts that stand for a missing value in every column.
    missing_indicator : bool
        Whether a numeric column with missing values gets an indicator of where they are.
    date_order : {"day-first", "month-first"}, optional
        The order in dates that allow both; the day is first by default.
    weight : str or int, optional
        The column of sample weights.
    group : str or int, optional
        A column of groups of rows, which is no feature: no fold holds out rows of a group of which others are trained
        on.
    class_weight : dict or "balanced", optional
        Weights of classes, which multiply those of the samples; classes that are not named weigh 1.
    form : dict, optional
        How files are written, where their content does not say it: "delimiter", "header" (False if the first line is a
        row), "skip" (lines above the table), "comment", "encoding", "decimal" and "sheet".
    n_jobs : int, optional
        Threads of training; results do not depend on it. 1 by default, -1 for all cores.
    random_state : int, RandomState or None
        The seed of the folds and of minibatches; None for other ones in each call.
    verbose : bool
        Show a progress bar.

    Attributes
    ----------
    classes_ : array, (n_classes,)
        The labels, sorted: the values of y if it is an array, and the names of the classes if it names a column.
    columns_ : list of dict
        What each column was taken for: "name", "kind", "distinct", "missing", "numbers", "texts" and, in words, "note".
    target_ : str
        What is predicted.
    best_params_ : dict
        The loss and the hyper-parameters that were chosen.
    best_score_ : float
        Their mean score over the folds, of which more is better: accuracy, or what ``metric`` or ``scoring`` says.
    features_ : dict
        What the columns were expanded to, as in :class:`ExactClassifierCV`.
    path_ : dict of arrays, (n_settings,)
        Every setting that was tried, as in :class:`ExactClassifierCV`; not of a classifier that was loaded.
    n_iter_ : int
        Steps of L-BFGS on all rows; not of a classifier that was loaded.
    n_features_in_ : int
        The number of columns.
    feature_names_in_ : array, (n_features_in_,)
        Their names, unless they have none; if y names a column or X a file, those of the columns that are used.

    See Also
    --------
    ExactClassifierCV : The same for matrices.

    Notes
    -----
    Models are those of the command line: ``exact predict`` reads what :meth:`save` writes, and :meth:`load` reads what
    ``exact fit --out`` wrote. In them classes are texts.

    Columns are found by their names where y named a column or X a file: there may be others, in any order. Where y was
    an array and X none, a table to predict must have the same columns in the same order, as with every estimator.

    References
    ----------
    Karpukhin, Dereka and Kolesnikov, *EXACT: How to Train Your Accuracy*, arXiv 2205.09615.

    Examples
    --------
    >>> import pandas
    >>> from exact_learn.sklearn import ExactTableClassifier
    >>> frame = pandas.DataFrame({
    ...     "size": [1.2, 0.8, None, 3.1, 2.9, 3.3] * 5,
    ...     "colour": ["red", "red", "blue", "blue", None, "blue"] * 5,
    ...     "ripe": ["yes", "yes", "yes", "no", "no", "no"] * 5,
    ... })
    >>> classifier = ExactTableClassifier().fit(frame, "ripe")
    >>> [(column["name"], column["kind"]) for column in classifier.columns_]
    [('size', 'numeric'), ('colour', 'categorical'), ('ripe', 'categorical')]
    >>> classifier.predict(pandas.DataFrame({"colour": ["red"], "size": [1.0]}))
    array(['yes'], dtype='<U3')
    """

    # Who gives groups wants them to be kept together, wherever they are routed.
    __metadata_request__fit = {"groups": True}  # noqa: RUF012

    def __init__(
        self,
        loss: str = "auto",
        *,
        metric: str | ArrayLike = "accuracy",
        scoring: Any = None,
        k: int = 2,
        l2s: ArrayLike | None = None,
        sigmas: ArrayLike | None = None,
        margins: Sequence[float | None] | None = None,
        cv: Any = None,
        solver: str = "auto",
        features: str = "auto",
        categorical: Sequence[str | int] = (),
        numeric: Sequence[str | int] = (),
        text: Sequence[str | int] = (),
        drop: Sequence[str | int] = (),
        keep: Sequence[str | int] = (),
        missing: Sequence[str] = (),
        missing_indicator: bool = False,
        date_order: str | None = None,
        weight: str | int | None = None,
        group: str | int | None = None,
        class_weight: Any = None,
        form: dict[str, Any] | None = None,
        n_jobs: int | None = None,
        random_state: Any = 0,
        verbose: bool = False,
    ) -> None:
        self.loss = loss
        self.metric = metric
        self.scoring = scoring
        self.k = k
        self.l2s = l2s
        self.sigmas = sigmas
        self.margins = margins
        self.cv = cv
        self.solver = solver
        self.features = features
        self.categorical = categorical
        self.numeric = numeric
        self.text = text
        self.drop = drop
        self.keep = keep
        self.missing = missing
        self.missing_indicator = missing_indicator
        self.date_order = date_order
        self.weight = weight
        self.group = group
        self.class_weight = class_weight
        self.form = form
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @whole
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, groups: Any = None) -> ExactTableClassifier:
        """Reads the table, chooses the settings and trains the classifier.

        Parameters
        ----------
        X : path, list of paths, data frame, Arrow table or array, (n_samples, n_features)
            A path may be a folder or a pattern such as ``"parts/*.parquet"``; several files are one table.
        y : str or array-like, (n_samples,)
            The name of the column to predict, or labels. It may be left out for files of formats that have labels.
        sample_weight : array-like, (n_samples,), optional
            Weights of at least 0, in training and in the scores.
        groups : array-like, (n_samples,), optional
            The group of each row, as in :class:`ExactClassifierCV`, where y is an array; in other tables ``group``
            names a column of them.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X is no table that can be trained on, has no column y, or a parameter is outside its range. What
            ``scoring`` raises is passed on.
        OSError
            If a file cannot be read.
        TypeError
            If a parameter has another type.
        """
        named = isinstance(y, str) or (y is None and paths(X) is not None)
        table, labels = (self._columns(X), None) if named else self._labelled(X, y)
        weights = None
        if sample_weight is not None:
            # Whether there is one for each row of a file is seen once that is read.
            n_rows = _n_rows(table) if labels is None else len(labels[2])
            weights = checked_sample_weight(sample_weight, np.size(sample_weight) if n_rows is None else n_rows)
        seed = self._seed()
        class_weight, folds = self.class_weight, self._folds(labels, weights, groups, seed)
        metric = metric_of(self.metric, self.k, None if labels is None else len(self.classes_))
        if labels is not None and class_weight is not None:
            of_class = compute_class_weight(class_weight, classes=self.classes_, y=self.classes_[labels[2]])
            weights = weighted_by_class(weights, of_class[labels[2]])
            class_weight = None
        with progress_bar(self.verbose) as progress, _messages_of_python():
            self._model, selection, noticed = _core.TableModel.fit(
                table=_for_kernel(table),
                target=y if isinstance(y, str) else None,
                labels=labels,
                reading=self._reading(table, y if isinstance(y, str) else None),
                missing_indicator=bool(self.missing_indicator),
                sample_weight=weights,
                class_weight=_named_weights(class_weight),
                search=search_of(self, metric, folds, seed),
                score=None if self.scoring is None else self._score_of(named),
                n_threads=n_threads(self.n_jobs),
                progress=progress,
            )
        self._describe(named, in_memory=not isinstance(table, tuple))
        if labels is not None:
            self._order = self._model.codes(labels[1])
            warn_of_small_classes(folds, labels[2], weights)
        self.best_params_ = chosen_parameters(selection["chosen"])
        self.best_score_ = selection["score"]
        self.features_ = selection["features"]
        self.n_iter_ = selection["n_iter"]
        self.path_ = path_arrays(selection["path"])
        _warn(noticed)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """The class with the largest logit.

        Of a model that ``exact fit`` selected by cost, the class with the least expected cost, also where the command
        line would predict none.

        Parameters
        ----------
        X : path, list of paths, data frame, Arrow table or array, (n_samples, n_features)

        Returns
        -------
        array, (n_samples,)
        """
        codes, _, _ = self._predicted(X)
        return self.classes_[np.argsort(self._order)[codes]]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The probability of each class.

        Parameters
        ----------
        X : path, list of paths, data frame, Arrow table or array, (n_samples, n_features)

        Returns
        -------
        array, (n_samples, n_classes)
            In the order of ``classes_``; rows sum to 1.
        """
        _, probabilities, _ = self._predicted(X)
        return np.ascontiguousarray(probabilities[:, self._order])

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """The logarithm of the probability of each class.

        Parameters
        ----------
        X : path, list of paths, data frame, Arrow table or array, (n_samples, n_features)

        Returns
        -------
        array, (n_samples, n_classes)
            Minus infinity where a probability is 0.
        """
        return log_probabilities(self.predict_proba(X))

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Accuracy.

        Parameters
        ----------
        X : path, list of paths, data frame, Arrow table or array, (n_samples, n_features)
        y : str or array-like, (n_samples,), optional
            The name of the column of the labels, the one of training by default, or labels.
        sample_weight : array-like, (n_samples,), optional

        Returns
        -------
        float
        """
        check_is_fitted(self)
        if y is None or isinstance(y, str):
            codes, _, truth = self._predicted(X, self.target_ if y is None else y)
        elif self._is_named:
            codes, _, _ = self._predicted(X)
            with _messages_of_python():
                truth = self._model.codes(array_column(column_or_1d(y)).for_kernel())
        else:
            return float(super().score(X, y, sample_weight))
        return float(accuracy_score(truth, codes, sample_weight=sample_weight))

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the model for ``exact predict``, ``exact evaluate``, ``exact inspect`` and :meth:`load`.

        Parameters
        ----------
        path : path
            A file, which is replaced if it exists.
        """
        check_is_fitted(self)
        self._model.save(fspath(path))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> ExactTableClassifier:
        """Reads a model that :meth:`save` or ``exact fit --out`` wrote.

        Parameters
        ----------
        path : path

        Returns
        -------
        ExactTableClassifier
            With the parameters' defaults; they have no part in predictions.
        """
        classifier = cls()
        classifier._model = _core.TableModel.load(fspath(path))
        classifier._describe(True, in_memory=False)
        setting, classifier.best_score_, classifier.features_ = classifier._model.chosen()
        classifier.best_params_ = chosen_parameters(setting)
        return classifier

    def _columns(self, X: Any) -> _Table:
        """A table whose columns are known by their names."""
        files = paths(X)
        if files is not None:
            return files
        columns = frame_columns(X)
        if columns is None:
            X = validate_data(self, _array(X), **_CHECKS)
            columns = array_columns(X, _numbered(X.shape[1]))
        return columns

    def _labelled(self, X: Any, y: Any) -> tuple[_Table, _core.TableLabels]:
        """A table and its labels, checked; sets ``classes_``."""
        table: _Table | None = paths(X) or frame_columns(X)
        name = getattr(y, "name", None)
        if table is None:
            X, y = validate_data(self, _array(X), y, **_CHECKS)
            table = array_columns(X, _numbered(X.shape[1]))
        else:
            if not isinstance(table, tuple):
                validate_data(self, X, y, skip_check_array=True)
                check_consistent_length(X, y)
                table = self._renamed(table)
            y = column_or_1d(y, warn=True)
        if has_missing(y):
            raise ValueError("y has missing values; fill in the labels or leave the rows out")
        check_classification_targets(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least 2 classes, but y has 1 class: "
                f"{self.classes_[0]!r}; add samples of another class"
            )
        classes = array_column(self.classes_).for_kernel()
        return table, (name if isinstance(name, str) and name else "y", classes, numbers.astype(np.int64, copy=False))

    def _folds(
        self, labels: _core.TableLabels | None, weights: NDArray[np.float64] | None, groups: Any, seed: int
    ) -> Folds:
        drawn = self.cv is None or isinstance(self.cv, Integral)
        if labels is not None and self.weight is None and self.group is None:
            return given_folds(self.cv, labels[2], weights, groups, seed)
        if not drawn:
            raise ValueError("cv must be a number of folds where y, weight or group names a column")
        if groups is not None:
            raise ValueError("groups must be a column, named with group, where y, weight or group names one")
        return given_folds(self.cv, np.zeros(0, np.int64), None)

    def _score_of(self, named: bool) -> Callable[[list[str], NDArray[np.int64]], Score]:
        """What makes a score, once the classes are known in the order of the model."""

        def score(names: list[str], order: NDArray[np.int64]) -> Score:
            return score_of(self.scoring, np.array(names) if named else self.classes_[np.argsort(order)])

        return score

    def _reading(self, table: _Table, target: str | None) -> _core.Reading:
        """How to read the table."""
        named = {kind: _column_names(kind, getattr(self, kind)) for kind in _KINDS}
        weight, group = (
            None if column is None else _column_names(parameter, [column])[0]
            for parameter, column in (("weight", self.weight), ("group", self.group))
        )
        if not isinstance(table, tuple):
            names = [name for name, _ in table]
            taken = {target, weight, group, *(name for kind in _KINDS[:4] for name in named[kind])}
            for at, (name, column) in enumerate(table):
                if column.declared is not None and not taken & {name, str(at), str(at - len(names))}:
                    named[column.declared].append(name)
        reading: Any = {
            **named,
            "missing": _column_names("missing", self.missing),
            "weight": weight,
            "group": group,
            "date_order": self.date_order,
            "form": self._form(),
        }
        return reading

    def _form(self) -> _core.Form:
        given = dict(self.form or {})
        unknown = [name for name in given if name not in _FORM]
        if unknown:
            raise ValueError(f"form has {unknown[0]!r}, which is none of {', '.join(_FORM)}")
        form: Any = {name: given.get(name) for name in _FORM}
        return form

    def _seed(self) -> int:
        """That of the command line, if it is one."""
        if isinstance(self.random_state, Integral) and not isinstance(self.random_state, bool):
            if self.random_state < 0:
                raise ValueError(f"random_state must be at least 0, got {self.random_state}")
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

    def _describe(self, is_named: bool, *, in_memory: bool) -> None:
        """Sets what the model tells of itself."""
        self.target_ = self._model.target()
        self.columns_ = self._model.columns()
        self._is_named = is_named
        # Whether tables to predict must be like that of training.
        self._is_strict = in_memory and not is_named
        if is_named:
            self.classes_ = np.array(self._model.classes())
            self._order = np.arange(len(self.classes_))
        if not self._is_strict:
            self.feature_names_in_ = np.array(self._model.features(), dtype=object)
            self.n_features_in_ = len(self.feature_names_in_)

    def _predicted(
        self, X: Any, target: str | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64] | None]:
        """The numbers that the model gives to the classes of rows, their probabilities, and the true numbers."""
        check_is_fitted(self)
        table = self._known(X)
        with _messages_of_python():
            codes, probabilities, truth, noticed = self._model.predict(_for_kernel(table), self._form(), target)
        _warn(noticed)
        return codes, probabilities, truth

    def _known(self, X: Any) -> _Table:
        """A table with the columns of training."""
        files = paths(X)
        if files is not None:
            return files
        columns = frame_columns(X)
        if columns is None:
            X = validate_data(self, _array(X), reset=False, **_CHECKS)
            return array_columns(X, self._names())
        if not self._is_strict:
            return columns
        validate_data(self, X, reset=False, skip_check_array=True)
        return self._renamed(columns)

    def _renamed(self, columns: list[tuple[str, Column]]) -> list[tuple[str, Column]]:
        """Columns with the names of training, or numbers where names are none to scikit-learn."""
        return [(name, column) for name, (_, column) in zip(self._names(), columns, strict=True)]

    def _names(self) -> list[str]:
        names = getattr(self, "feature_names_in_", None)
        return _numbered(self.n_features_in_) if names is None else list(names)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state = versioned(super().__getstate__())
        if "_model" in state:
            state["_model"] = self._model.to_bytes()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(read(self, state, "_model", _core.TableModel.from_bytes))


def _array(X: Any) -> Any:
    """Rows of values that are not all numbers as an array that keeps what each is."""
    if isinstance(X, (list, tuple)) and np.asarray(X).dtype.kind in "US":
        return np.asarray(X, dtype=object)
    return X


def _numbered(n_columns: int) -> list[str]:
    """Names of columns that have none."""
    return [f"x{at}" for at in range(n_columns)]


def _n_rows(table: _Table) -> int | None:
    """The number of rows, if it is known before the table is read."""
    return None if isinstance(table, tuple) or not table else len(table[0][1].values)


def _for_kernel(table: _Table) -> _core.Table:
    return table if isinstance(table, tuple) else [(name, column.for_kernel()) for name, column in table]


def _named_weights(class_weight: Any) -> str | dict[str, float] | None:
    """Weights of the classes of a model."""
    if class_weight is None or isinstance(class_weight, str):
        return class_weight
    if not isinstance(class_weight, dict):
        raise TypeError(f"class_weight must be a dict, 'balanced' or None, got {class_weight!r}")
    return {str(name): real("class_weight", weight) for name, weight in class_weight.items()}


def _column_names(parameter: str, names: Any) -> list[str]:
    """Names, or positions as names."""
    if isinstance(names, (str, bytes)) or not all(isinstance(name, (str, Integral)) for name in names):
        raise TypeError(f"{parameter} must be a sequence of names or positions of columns, got {names!r}")
    return [str(name) for name in names]


def _warn(messages: list[str]) -> None:
    for message in messages:
        warnings.warn(_of_python(message), TableWarning, stacklevel=4)


@contextmanager
def _messages_of_python() -> Iterator[None]:
    """Has messages name parameters rather than options of the command line."""
    try:
        yield
    except (ValueError, OSError) as error:
        if type(error) not in (ValueError, OSError, FileNotFoundError):
            raise
        raise type(error)(_of_python(str(error))) from None


def _of_python(message: str) -> str:
    """The message with the parameters that stand for options."""

    def parameter(option: re.Match[str]) -> str:
        name, value = option[1].replace("-", "_"), option[2]
        if name in ("encoding", "decimal", "delimiter", "sheet"):
            return f"form={{{name!r}: {value!r}}}" if value else f"form[{name!r}]"
        if not value:
            return name
        if name == "date_order":
            return f"{name}={value!r}"
        # Typed for a shell, and then as a field of a line with commas.
        return f"{name}={next(csv.reader(shlex.split(value)))!r}"

    return re.sub(r"--([a-z-]+)(?:[= ]([^`]+))?(?=`)", parameter, message)
