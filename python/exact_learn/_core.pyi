"""The kernels. Arrays are C-contiguous, all floating ones of one type; labels are int64."""

from collections.abc import Callable
from typing import Any, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.floating[Any]]
_Labels = NDArray[np.int64]
_Sigma = float | _Floats
# Weights of the classes, the label of samples that do not count, and "mean", "sum" or "none".
_Reduction = tuple[_Floats | None, int, str]

def expected_accuracy(
    logits: _Floats,
    labels: _Labels,
    sigma: _Sigma,
    margin: float | None,
    quantity: str,
    reduction: _Reduction | None,
) -> tuple[_Floats, _Floats, _Floats]: ...
def top_k(
    logits: _Floats,
    labels: _Labels,
    k: int,
    sigma: _Sigma,
    margin: float | None,
    quantity: str,
    reduction: _Reduction | None,
) -> tuple[_Floats, _Floats, _Floats]: ...
def predictive_distribution(logits: _Floats, sigma: _Sigma) -> _Floats: ...
def predictive_distribution_gradient(logits: _Floats, sigma: _Sigma, cotangent: _Floats) -> tuple[_Floats, _Floats]: ...
def expected_cost(
    logits: _Floats, labels: _Labels, costs: _Floats, sigma: _Sigma, reduction: _Reduction | None
) -> tuple[_Floats, _Floats, _Floats]: ...
def expected_macro_f1(
    logits: _Floats, labels: _Labels, sigma: _Sigma, reduction: _Reduction | None
) -> tuple[_Floats, _Floats, _Floats]: ...
def pointwise_loss(
    loss: str,
    setting: str,
    value: float,
    logits: _Floats,
    labels: _Labels,
    parameters: list[float],
    reduction: _Reduction | None,
) -> tuple[_Floats, _Floats, _Floats]: ...
def initial_parameters(loss: str) -> list[float]: ...
def gradient_divisor(mean_norm: float | None, norm: float) -> tuple[float, float | None]: ...
def quadrature(double: bool) -> tuple[NDArray[np.float64], NDArray[np.float64], float]: ...
def schedule_value(shape: str, start: float, end: float, step: int, steps: int) -> float: ...

__version__: str
LOGIT_STD_FLOOR: float

class Dataset(TypedDict):
    """Rows to train on."""

    inputs: Any  # a C-contiguous matrix, or a CSR matrix with sorted columns
    labels: _Labels
    n_classes: int
    sample_weight: NDArray[np.float64] | None
    standardize: bool
    fit_intercept: bool

class Settings(TypedDict):
    """Hyper-parameters of one fit."""

    l2: float
    l1: float
    group_l1: float
    sigma: float | None
    margin: float | None
    temperature: float | None
    epsilon: float | None
    max_iter: int | None

def balanced_weights(
    labels: _Labels, n_classes: int, sample_weight: NDArray[np.float64] | None
) -> NDArray[np.float64]: ...

class Partition:
    def __init__(
        self,
        *,
        inputs: _Floats,
        labels: _Labels,
        n_classes: int,
        sample_weight: NDArray[np.float64] | None,
        settings: Settings,
    ) -> None: ...
    def moments(self) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]: ...
    def logit_moments(
        self, parameters: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]: ...
    def evaluate(
        self,
        loss: str,
        parameters: NDArray[np.float64],
        loss_parameters: NDArray[np.float64],
        normalization: tuple[float, float] | None,
    ) -> tuple[float, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float, float]: ...

class Setting(TypedDict):
    """A loss and its hyper-parameters."""

    loss: str
    l2: float
    l1: float | None
    group_l1: float | None
    sigma: float | None
    margin: float | None
    temperature: float | None
    epsilon: float | None
    learning_rate: float | None

class PathPoint(TypedDict):
    """A setting with its scores on the first folds."""

    setting: Setting
    test_scores: list[float]
    train_scores: list[float]

class Search(TypedDict):
    """How to choose settings; strengths, sigmas and margins that are not given are searched for."""

    loss: str
    metric: str | int | NDArray[np.float64]
    l2s: list[float] | None
    sigmas: list[float] | None
    margins: list[float | None] | None
    folds: int | list[tuple[NDArray[np.int64], NDArray[np.int64]]]
    solver: str
    features: str
    seed: int

# Of labels, logits, probabilities and weights.
_Score = Callable[[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None], float]

class ExpandedTo(TypedDict):
    """What the columns are expanded to."""

    kind: str
    bandwidth: float | None

class Selection(TypedDict):
    """The setting that was chosen, and all that were tried."""

    chosen: Setting
    score: float
    n_iter: int
    path: list[PathPoint]
    features: ExpandedTo

class LinearClassifier:
    @staticmethod
    def fit(
        *,
        data: Dataset,
        loss: str,
        metric: str | int | NDArray[np.float64],
        settings: Settings,
        start: LinearClassifier | None,
        n_threads: int,
        progress: Callable[[str, int, int], None] | None,
    ) -> tuple[LinearClassifier, int, bool]: ...
    @staticmethod
    def fit_partitions(
        ask: Callable[..., list[Any]], n_classes: int, loss: str, settings: Settings
    ) -> tuple[LinearClassifier, int, bool]: ...
    @staticmethod
    def cross_validate(
        *,
        data: Dataset,
        search: Search,
        score: _Score | None,
        n_threads: int,
        progress: Callable[[str, int, int], None] | None,
    ) -> tuple[LinearClassifier, Selection]: ...
    def coefficients(self) -> NDArray[np.float64]: ...
    def intercepts(self) -> NDArray[np.float64]: ...
    def link(self) -> tuple[Literal["softmax", "probit"], float]: ...
    def costs(self) -> NDArray[np.float64] | None: ...
    def logits(self, inputs: Any) -> NDArray[np.float64]: ...
    def predict(self, inputs: Any) -> NDArray[np.int64]: ...
    def probabilities(self, inputs: Any) -> NDArray[np.float64]: ...
    def to_bytes(self) -> bytes: ...
    @staticmethod
    def from_bytes(data: bytes) -> LinearClassifier: ...

# Whether a column is of moments, and its values.
_Column = tuple[bool, NDArray[np.float64] | list[str | None]]
# Paths, or columns with their names.
Table = tuple[str, ...] | list[tuple[str, _Column]]
# What labels are called, their distinct values, and which of them each row has.
TableLabels = tuple[str, _Column, _Labels]

class Form(TypedDict):
    """How files are written, where their content does not say it."""

    delimiter: str | None
    header: bool | None
    skip: int | None
    comment: str | None
    encoding: str | None
    decimal: str | None
    sheet: str | None

class Reading(TypedDict):
    """How a table is to be read."""

    categorical: list[str]
    numeric: list[str]
    text: list[str]
    drop: list[str]
    keep: list[str]
    missing: list[str]
    weight: str | None
    group: str | None
    date_order: str | None
    form: Form

class TableColumn(TypedDict):
    """What a column was taken for."""

    name: str
    kind: str
    distinct: int | None
    missing: int
    numbers: int
    texts: int
    note: str

class TableModel:
    @staticmethod
    def fit(
        *,
        table: Table,
        target: str | None,
        labels: TableLabels | None,
        reading: Reading,
        missing_indicator: bool,
        sample_weight: NDArray[np.float64] | None,
        class_weight: str | dict[str, float] | None,
        search: Search,
        score: Callable[[list[str], NDArray[np.int64]], _Score] | None,
        n_threads: int,
        progress: Callable[[str, int, int], None] | None,
    ) -> tuple[TableModel, Selection, list[str]]: ...
    def predict(
        self, table: Table, form: Form, target: str | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64] | None, list[str]]: ...
    def codes(self, labels: _Column) -> NDArray[np.int64]: ...
    def classes(self) -> list[str]: ...
    def target(self) -> str: ...
    def features(self) -> list[str]: ...
    def columns(self) -> list[TableColumn]: ...
    def chosen(self) -> tuple[Setting, float, ExpandedTo]: ...
    def save(self, path: str) -> None: ...
    @staticmethod
    def load(path: str) -> TableModel: ...
    def to_bytes(self) -> bytes: ...
    @staticmethod
    def from_bytes(data: bytes) -> TableModel: ...
