"""The losses under torch.compile, without a break of the graph."""

import functools

import pytest
import torch

from exact_learn.torch import (
    BetaBernoulliLoss,
    ExactLoss,
    ExpectedCostLoss,
    LearnedSigma,
    MacroF1Loss,
    ProbitLoss,
    TopKLoss,
    operators,
)

LOSSES = {
    "exact": functools.partial(ExactLoss, margin=0.5, normalize_logits=True),
    "each": functools.partial(ExactLoss, reduction="none"),
    "learned": lambda: ProbitLoss(LearnedSigma(0.7)),
    "classes": lambda: ExactLoss(sigma=torch.linspace(0.5, 1.0, 4)),
    "top-k": functools.partial(TopKLoss, 2),
    "cost": functools.partial(ExpectedCostLoss, torch.rand(4, 4)),
    "macro-f1": functools.partial(MacroF1Loss, weight=torch.ones(4)),
    "pointwise": BetaBernoulliLoss,
}


def gradients(loss, logits, labels):
    logits = logits.detach().clone().requires_grad_()
    value = loss(logits, labels).sum()
    inputs = [logits, *(parameter for parameter in loss.parameters() if parameter.requires_grad)]
    return [value.detach(), *torch.autograd.grad(value, inputs)]


@pytest.fixture
def samples():
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(4, (9,), generator=generator)
    labels[3] = -100
    return torch.randn(9, 4, generator=generator), labels


@pytest.mark.parametrize("name", LOSSES)
def test_compiled_losses_are_those_of_eager_code(name, samples):
    torch.compiler.reset()
    loss = LOSSES[name]()
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    for found, expected in zip(gradients(compiled, *samples), gradients(loss, *samples), strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("name", ["exact", "learned", "top-k", "cost", "macro-f1", "pointwise"])
def test_tensor_operations_compile_too(name, samples, monkeypatch):
    """On other devices than the CPU."""
    monkeypatch.setattr(operators, "on_cpu", lambda _: False)
    test_compiled_losses_are_those_of_eager_code(name, samples)


def test_batches_of_any_size_use_one_compilation(samples):
    torch.compiler.reset()
    logits, labels = samples
    loss = ExactLoss(0.5)
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager", dynamic=True)
    compiled(logits, labels)
    with torch.compiler.set_stance("fail_on_recompile"):
        torch.testing.assert_close(compiled(logits[:5], labels[:5]), loss(logits[:5], labels[:5]))


@pytest.mark.filterwarnings("ignore")
def test_a_model_compiles_with_the_default_backend(samples):
    torch.compiler.reset()
    logits, labels = samples
    model, loss = torch.nn.Linear(4, 4), ExactLoss(0.5)

    def step(inputs):
        return loss(model(inputs), labels)

    compiled = torch.compile(step, fullgraph=True, backend="inductor")
    expected = torch.autograd.grad(step(logits), list(model.parameters()))
    found = torch.autograd.grad(compiled(logits), list(model.parameters()))
    torch.testing.assert_close(found, expected)


def test_a_schedule_moves_sigma_without_compiling_again(samples):
    torch.compiler.reset()
    loss = ExactLoss(lambda step: 1.0 / (1.0 + step))
    compilations = []

    def backend(graph, _):
        compilations.append(graph)
        return graph.forward

    compiled = torch.compile(loss, fullgraph=True, backend=backend)
    for _ in range(4):
        torch.testing.assert_close(compiled(*samples), loss(*samples))
        loss.step()
    assert len(compilations) == 1


# PyTorch's own check looks at gradients of tensors that have none.
@pytest.mark.filterwarnings("ignore:The .grad attribute")
@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("operator", ["accuracy", "top_k", "cost", "macro_f1", "pointwise"])
def test_operators_keep_the_rules_of_custom_operators(operator, reduction):
    logits = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 1, 2, 0, 1])
    sigma = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    parameters, settings = {
        "accuracy": (sigma, (0.5, "error")),
        "top_k": (sigma, (2, None)),
        "cost": (sigma, (torch.rand(3, 3),)),
        "macro_f1": (sigma, ()),
        "pointwise": (torch.zeros(2, dtype=torch.float64, requires_grad=True), ("beta-bernoulli", "temperature", 1.0)),
    }[operator]
    if operator == "macro_f1":
        reduction = "mean"
    arguments = (logits, parameters, labels, torch.rand(3), 1, reduction, *settings)
    torch.library.opcheck(getattr(torch.ops.exact_learn, operator).default, arguments)
