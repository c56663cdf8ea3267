"""Converters to ONNX for skl2onnx, which knows :class:`ExactClassifier` and :class:`ExactClassifierCV` once this module
is imported, alone and at the end of a pipeline::

    import exact_learn.sklearn.onnx
    from skl2onnx import to_onnx

    model = to_onnx(pipeline, X[:1], options={"zipmap": False})

The outputs are those of scikit-learn's classifiers: the labels, as ``predict`` has them, and the probabilities of
``predict_proba``. The options ``zipmap``, ``nocl`` and ``output_class_labels`` are skl2onnx's own.

Logits are computed in the type of the input. Probabilities are a softmax or, where scores are normal, an integral by
the trapezoidal rule in single precision, with an absolute error below 1e-5; that takes opset 18.

What this does not cover: columns that are expanded (``features`` other than "linear").
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

try:
    from onnx import TensorProto
    from skl2onnx import update_registered_converter
    from skl2onnx.common.data_types import guess_proto_type
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
    from skl2onnx.common.utils_classifier import get_label_classes
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "exact_learn.sklearn.onnx needs skl2onnx; install it with `pip install exact-learn[onnx]`", name=error.name
    ) from error

from exact_learn.sklearn.classifier import ExactClassifier
from exact_learn.sklearn.classifier_cv import ExactClassifierCV
from exact_learn.sklearn.linear import LinearClassifier

__all__: list[str] = []

# The score of the winner is integrated over so many nodes, in sigmas from the largest logit.
_NODES = 96
_RANGE = (-6.0, 8.0)
# Below every probability that counts, and above 0 so that it has a logarithm.
_SMALLEST = 1e-12
# The first opset in which operators that reduce have their axes as an input.
_OPSET_OF_PROBIT = 18


def _convert(scope: Any, operator: Any, container: Any) -> None:
    """Adds a fitted classifier to a graph."""
    classifier: LinearClassifier = operator.raw_operator
    kernel = classifier._classifier
    coefficients, (link, scale), costs = kernel.coefficients(), kernel.link(), kernel.costs()
    if coefficients.shape[1] != classifier.n_features_in_:
        raise NotImplementedError(
            f"this {type(classifier).__name__} expands its {classifier.n_features_in_} columns to "
            f"{coefficients.shape[1]}, for which there is no conversion to ONNX; train it with features='linear'"
        )
    label, probabilities = operator.outputs
    proto = guess_proto_type(probabilities.type)
    graph = _Graph(scope, container, proto)
    rows = operator.inputs[0].full_name
    if guess_proto_type(operator.inputs[0].type) != proto:
        rows = graph.node("Cast", rows, to=proto)
    logits = graph.node("MatMul", rows, graph.constant(coefficients.T))
    logits = graph.node("Add", logits, graph.constant(kernel.intercepts()))
    if link == "softmax":
        found = graph.node("Softmax", graph.node("Div", logits, graph.constant(scale)), axis=1)
    else:
        if container.target_opset_onnx < _OPSET_OF_PROBIT:
            raise NotImplementedError(
                f"the probabilities of this {type(classifier).__name__} are integrals, whose conversion to ONNX takes "
                f"target_opset={_OPSET_OF_PROBIT} or later, got {container.target_opset_onnx}"
            )
        found = _argmax_of_normal(graph, logits, scale)
    graph.node("Identity", found, output=probabilities.full_name)
    if costs is None:
        place = graph.node("ArgMax", logits, axis=1, keepdims=0)
    else:
        place = graph.node("ArgMin", graph.node("MatMul", found, graph.constant(costs)), axis=1, keepdims=0)
    classes = graph.labels(get_label_classes(scope, classifier))
    graph.node("Gather", classes, place, output=label.full_name)


def _argmax_of_normal(graph: _Graph, logits: str, sigma: float) -> str:
    r"""The distribution of the argmax of normal scores with these means and one sigma.

    In units of sigma and with means :math:`m`, it is proportional to
    :math:`\sum_k \varphi(s_k - m_c) / \Phi(s_k - m_c) \prod_j \Phi(s_k - m_j)` over equidistant scores :math:`s_k` of
    the winner: the trapezoidal rule converges geometrically for such a function.
    """
    last, classes = graph.indices(2), graph.indices(1)
    below = graph.node("Sub", logits, graph.node("ReduceMax", logits, classes, keepdims=1))
    means = graph.node("Div", below, graph.constant(sigma))
    single = _Graph(graph.scope, graph.container, TensorProto.FLOAT)
    means = single.node("Unsqueeze", single.node("Cast", means, to=TensorProto.FLOAT), last)
    # [n_samples, n_classes, nodes]
    distance = single.node("Sub", single.constant(np.linspace(*_RANGE, _NODES)[None, None]), means)
    half = single.constant(0.5)
    erf = single.node("Erf", single.node("Mul", distance, single.constant(np.sqrt(0.5))))
    won = single.node("Add", single.node("Mul", erf, half), half)
    won = single.node("Max", won, single.constant(_SMALLEST))
    all_won = single.node("ReduceSum", single.node("Log", won), classes, keepdims=1)
    square = single.node("Mul", single.node("Mul", distance, distance), half)
    density = single.node("Div", single.node("Exp", single.node("Sub", all_won, square)), won)
    mass = single.node("ReduceSum", density, last, keepdims=0)
    shares = single.node("Div", mass, single.node("ReduceSum", mass, classes, keepdims=1))
    return graph.node("Cast", shares, to=graph.proto)


class _Graph:
    """Adds nodes and constants of one type of reals to a graph of skl2onnx."""

    def __init__(self, scope: Any, container: Any, proto: int) -> None:
        self.scope = scope
        self.container = container
        self.proto = proto

    def node(self, kind: str, *inputs: str, output: str | None = None, **attributes: int) -> str:
        """Adds an operator and returns the name of its output."""
        output = output or self.scope.get_unique_variable_name(kind.lower())
        name = self.scope.get_unique_operator_name(kind)
        self.container.add_node(kind, list(inputs), [output], name=name, **attributes)
        return output

    def constant(self, values: float | NDArray[np.float64]) -> str:
        return self._initializer(self.proto, np.asarray(values, dtype=np.float64))

    def indices(self, *values: int) -> str:
        return self._initializer(TensorProto.INT64, np.array(values))

    def labels(self, classes: NDArray[Any]) -> str:
        """The labels: texts, or whole numbers of any type, which are integers in ONNX."""
        if all(isinstance(label, str) for label in classes):
            return self._initializer(TensorProto.STRING, np.array([label.encode() for label in classes], dtype=object))
        return self._initializer(TensorProto.INT64, np.asarray(classes).astype(np.int64))

    def _initializer(self, proto: int, values: NDArray[Any]) -> str:
        name = self.scope.get_unique_variable_name("constant")
        self.container.add_initializer(name, proto, list(values.shape), values.ravel().tolist())
        return name


for _classifier in (ExactClassifier, ExactClassifierCV):
    update_registered_converter(
        _classifier,
        f"ExactLearn{_classifier.__name__}",
        calculate_linear_classifier_output_shapes,
        _convert,
        options={"zipmap": [True, False, "columns"], "nocl": [True, False], "output_class_labels": [False, True]},
    )
