"""Losses for PyTorch: values, gradients, shapes, reductions and every input that is refused."""

import contextlib
import copy
import doctest
import functools
import math
import pickle

import numpy as np
import pytest
import torch

import exact_learn
from exact_learn.torch import (
    BetaBernoulliLoss,
    CosineSchedule,
    CrossEntropyLoss,
    ExactLoss,
    ExpectedCostLoss,
    FocalLoss,
    GeometricSchedule,
    HingeLoss,
    LearnedSigma,
    MacroF1Loss,
    Poly1Loss,
    PolynomialLoss,
    ProbitLoss,
    SigmoidLoss,
    TopKLoss,
    functional,
    gradient_normalizer,
    losses,
    operators,
    quadrature,
    sigma,
)

COSTS = torch.rand(4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
SCORE_LOSSES = {
    # Without a sigma it would normalise, where samples depend on each other.
    "exact": functools.partial(ExactLoss, normalize_logits=False),
    "probit": ProbitLoss,
    "top-k": functools.partial(TopKLoss, 2),
    "expected cost": functools.partial(ExpectedCostLoss, COSTS),
}
POINTWISE_LOSSES = {
    "hinge": HingeLoss,
    "sigmoid": SigmoidLoss,
    "polynomial": PolynomialLoss,
    "beta-bernoulli": BetaBernoulliLoss,
    "poly1": Poly1Loss,
    "focal": FocalLoss,
    "cross-entropy": functools.partial(CrossEntropyLoss, 0.1),
}
SAMPLE_LOSSES = SCORE_LOSSES | POINTWISE_LOSSES
ALL_LOSSES = SAMPLE_LOSSES | {"macro-f1": MacroF1Loss}
# The accuracy of the quadrature in tensor operations.
QUADRATURE_TOLERANCE = {torch.float32: 3e-6, torch.float64: 1e-10}
# The same for derivatives with respect to sigma, which the ends of the integrals have a larger part in.
SLOPE_TOLERANCE = {torch.float32: 5e-5, torch.float64: 1e-10}


def batch(n=6, dtype=torch.float64, seed=1):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(n, 4, dtype=dtype, generator=generator, requires_grad=True)
    return logits, torch.randint(4, (n,), generator=generator)


def gradient_of(value, at):
    return torch.autograd.grad(value, at)[0]


@contextlib.contextmanager
def without_kernels():
    """The tensor operations of other devices, on the CPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operators, "on_cpu", lambda _: False)
        yield


def test_value_is_that_of_the_numpy_function():
    logits, labels = batch()
    expected = 1.0 - exact_learn.expected_accuracy(logits.detach().numpy(), labels.numpy(), 0.5)
    found = ExactLoss(0.5, reduction="none")(logits, labels)
    np.testing.assert_allclose(found.detach().numpy(), expected, atol=1e-14)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", SAMPLE_LOSSES)
def test_gradients_agree_with_differences(name, reduction):
    logits, labels = batch()
    weight = torch.tensor([0.5, 1.0, 2.0, 0.1], dtype=torch.float64)
    loss = SAMPLE_LOSSES[name](weight=weight, ignore_index=1, reduction=reduction).double()
    assert torch.autograd.gradcheck(lambda x: loss(x, labels), logits)


@pytest.mark.parametrize("margin", [None, 0.4])
@pytest.mark.parametrize("name", SCORE_LOSSES)
def test_settings_of_scores_keep_gradients_right(name, margin):
    logits, labels = batch()
    loss = SCORE_LOSSES[name](0.7, margin=margin, normalize_logits=True)
    assert torch.autograd.gradcheck(lambda x: loss(x, labels), logits)


def test_macro_f1_gradients_agree_with_differences():
    logits, labels = batch()
    sigma = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    weight = torch.tensor([0.5, 1.0, 2.0, 0.1])

    def loss(x, s):
        return MacroF1Loss(s, margin=0.5, weight=weight, ignore_index=1)(x, labels)

    assert torch.autograd.gradcheck(loss, (logits, sigma))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(), (4,), (6, 1), (6, 4)])
@pytest.mark.parametrize("name", SCORE_LOSSES)
def test_gradients_flow_to_sigma(name, shape, reduction):
    logits, labels = batch()
    weight = torch.tensor([0.5, 1.0, 2.0, 0.1])
    generator = torch.Generator().manual_seed(2)
    sigma = 0.5 + torch.rand(shape, dtype=torch.float64, generator=generator)
    sigma.requires_grad_()

    def loss(x, s):
        return SCORE_LOSSES[name](sigma=s, weight=weight, ignore_index=1, reduction=reduction)(x, labels)

    assert torch.autograd.gradcheck(loss, (logits, sigma))


def test_gradients_flow_to_the_parameters_of_beta_bernoulli():
    logits, labels = batch()
    loss = BetaBernoulliLoss().double()

    # Of a constant of the weight 0.1 at the level 0.5.
    torch.testing.assert_close(loss.logits_of_mixture[0].item(), math.log(0.25), rtol=1e-7, atol=0.0)
    assert loss.logits_of_mixture[1] == 0.0

    def of_parameters(parameters):
        return torch.func.functional_call(loss, {"logits_of_mixture": parameters}, (logits, labels))

    assert torch.autograd.gradcheck(of_parameters, loss.logits_of_mixture)


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("name", ALL_LOSSES)
def test_second_derivatives_agree_with_differences(name, reduction):
    logits, labels = batch(4)
    weight = torch.tensor([0.5, 1.0, 2.0, 0.1], dtype=torch.float64)
    settings = {"weight": weight, "ignore_index": 1}
    if name != "macro-f1":
        settings["reduction"] = reduction
    cases = [{}] if name in POINTWISE_LOSSES else [{"margin": 0.4, "normalize_logits": True}, {"sigma": 0.3}]
    for case in cases:
        loss = ALL_LOSSES[name](**case, **settings).double()
        assert torch.autograd.gradgradcheck(lambda x, loss=loss: loss(x, labels), logits), case


def test_second_derivatives_flow_to_sigma_and_from_certain_samples():
    logits, labels = batch(4)
    sigma = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x, s: ProbitLoss(sigma=s)(x, labels), (logits, sigma))
    for dtype in (torch.float32, torch.float64):
        certain = torch.tensor([[40.0, 0.0, -3000.0]], dtype=dtype, requires_grad=True)
        (slope,) = torch.autograd.grad(ExactLoss(1.0)(certain, torch.tensor([0])), certain, create_graph=True)
        assert gradient_of(slope.square().sum(), certain).isfinite().all()


# Settings, and the scale of the slopes, which grow as 1 / sigma.
SCORE_CASES = [
    ({}, 1.0),
    ({"margin": 0.3}, 1.0),
    ({"normalize_logits": True}, 1.0),
    ({"sigma": torch.nn.Parameter(torch.tensor(0.7))}, 2.0),
    ({"sigma": torch.nn.Parameter(torch.linspace(0.5, 1.5, 4))}, 2.0),
    ({"sigma": 0.1}, 10.0),
    ({"sigma": 10.0}, 1.0),
]
POINTWISE_CASES = {
    "hinge": {"margin": 0.4},
    "sigmoid": {"temperature": 0.5},
    "polynomial": {"temperature": 2.0},
    "beta-bernoulli": {"temperature": 0.5},
    "poly1": {"epsilon": -0.5},
    "focal": {"gamma": 0.5},
    "cross-entropy": {},
}


def with_gradients(loss, logits, labels):
    """The loss, and its gradients with respect to the logits and to what is learned."""
    value = loss(logits, labels)
    return [value.detach(), *torch.autograd.grad(value.sum(), [logits, *loss.parameters()])]


@pytest.mark.parametrize(
    ("dtype", "reduction"),
    [(torch.float32, "mean"), (torch.float64, "mean"), (torch.float64, "sum"), (torch.float64, "none")],
)
@pytest.mark.parametrize("name", ALL_LOSSES)
def test_tensor_operations_agree_with_the_kernels(name, dtype, reduction):
    logits, labels = batch(50, dtype)
    settings = {"ignore_index": 1, "weight": torch.tensor([0.5, 1.0, 2.0, 0.1])}
    if name != "macro-f1":
        settings["reduction"] = reduction
    cases = [({}, 1.0), (POINTWISE_CASES[name], 2.0)] if name in POINTWISE_LOSSES else SCORE_CASES
    for case, scale in cases:
        loss = ALL_LOSSES[name](**case, **settings)
        expected, slopes, *learned = with_gradients(loss, logits, labels)
        with without_kernels():
            found, found_slopes, *found_learned = with_gradients(loss, logits, labels)
        size = max(1.0, expected.abs().max().item())
        tolerance = QUADRATURE_TOLERANCE[dtype] * size
        assert (found - expected).abs().max() < tolerance, case
        assert (found_slopes - slopes).abs().max() < scale * tolerance, case
        for found_slope, slope in zip(found_learned, learned, strict=True):
            assert (found_slope - slope).abs().max() < SLOPE_TOLERANCE[dtype] * size, case


def test_tensor_operations_follow_hopeless_and_certain_samples():
    differences = torch.tensor([-60.0, -10.0, -1.0, 5.0, 12.0], dtype=torch.float64)
    logits = torch.stack([differences, torch.zeros(5), torch.full((5,), 0.5)], dim=1)
    labels = torch.zeros(5, dtype=torch.long)
    one = torch.tensor(1.0, dtype=torch.float64)
    expected = operators.accuracy(logits, one, labels, None, -100, "none", None, "log")
    found = quadrature.log_accuracy(logits, one, labels)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", SAMPLE_LOSSES)
def test_reductions_and_weights(name):
    logits, labels = batch(8)
    weight = torch.tensor([0.5, 1.0, 2.0, 0.1], dtype=torch.float64)
    make = SAMPLE_LOSSES[name]
    each = make(reduction="none")(logits, labels)
    assert each.shape == (8,)
    torch.testing.assert_close(make()(logits, labels), each.mean())
    torch.testing.assert_close(make(reduction="sum")(logits, labels), each.sum())
    weights = weight[labels]
    weighted = make(weight=weight, reduction="none")(logits, labels)
    torch.testing.assert_close(weighted, each * weights)
    mean = make(weight=weight)(logits, labels)
    torch.testing.assert_close(mean, (each * weights).sum() / weights.sum())


@pytest.mark.parametrize("name", ALL_LOSSES)
def test_ignored_samples_do_not_count(name):
    logits, labels = batch(8)
    loss = ALL_LOSSES[name]()
    expected = loss(logits[:6], labels[:6])
    marked = labels.clone()
    marked[6:] = -100
    with_nan = logits.detach().clone()
    with_nan[7] = math.nan
    with_nan.requires_grad_()
    value = loss(with_nan, marked)
    torch.testing.assert_close(value, expected)
    gradient = gradient_of(value, with_nan)
    assert (gradient[6:] == 0.0).all() and gradient.isfinite().all()


@pytest.mark.parametrize("kernels", [True, False])
@pytest.mark.parametrize("name", ALL_LOSSES)
def test_masked_classes_are_as_if_there_were_none(name, kernels):
    logits, labels = batch(8)
    masked = torch.full((8, 2), -math.inf, dtype=torch.float64)
    wide = torch.cat([logits, masked], dim=1)
    labels[5] = -100
    costs = torch.nn.functional.pad(COSTS, (0, 2), value=5.0)
    cases = [{}] if name in POINTWISE_LOSSES else [{"margin": 0.3}, {"normalize_logits": True}]
    for case in cases:
        loss = ALL_LOSSES[name](**case)
        other = ExpectedCostLoss(costs, **case) if name == "expected cost" else ALL_LOSSES[name](**case)
        if name == "cross-entropy":
            # The smoothed label has a share of the masked classes, which costs as much as with PyTorch's own.
            loss, other = CrossEntropyLoss(), CrossEntropyLoss()
        with contextlib.nullcontext() if kernels else without_kernels():
            expected, found = loss(logits, labels), other(wide, labels)
            torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
            torch.testing.assert_close(gradient_of(found, logits), gradient_of(expected, logits), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("kernels", [True, False])
def test_soft_targets_and_statistics_leave_masked_classes_out(kernels):
    logits, _ = batch(5)
    target = torch.softmax(logits.detach(), dim=1)
    wide, wide_target = (
        torch.nn.functional.pad(logits, (1, 0), value=-math.inf),
        torch.nn.functional.pad(target, (1, 0)),
    )
    with contextlib.nullcontext() if kernels else without_kernels():
        loss, other = ExactLoss(normalize_logits=True), ExactLoss(normalize_logits=True)
        torch.testing.assert_close(other(wide, wide_target), loss(logits, target))
        for name in ("running_mean", "running_std"):
            torch.testing.assert_close(getattr(other.normalization, name), getattr(loss.normalization, name))
        torch.testing.assert_close(other.eval()(wide, wide_target), loss.eval()(logits, target))


def test_a_masked_label_is_refused_and_wrong_on_other_devices():
    logits = torch.tensor([[0.0, 1.0, -math.inf]], requires_grad=True)
    label = torch.tensor([2])
    for loss in (
        ExactLoss(1.0),
        ProbitLoss(),
        TopKLoss(2),
        ExactLoss(margin=0.5),
        ExpectedCostLoss(1.0 - torch.eye(3)),
    ):
        with pytest.raises(ValueError, match="logit -inf of sample 0, class 2"):
            loss(logits, label)
    for loss in (ExactLoss(1.0), TopKLoss(2)):
        with without_kernels():
            value = loss(logits, label)
            assert value == 1.0 and (gradient_of(value, logits) == 0.0).all()


@pytest.mark.parametrize("kernels", [True, False])
@pytest.mark.parametrize("name", ALL_LOSSES)
def test_sample_weights_are_repeated_samples(name, kernels):
    logits, labels = batch(6)
    labels[4] = -100
    weights = torch.tensor([1.0, 2.0, 0.0, 3.0, 2.0, 1.0])
    rows = torch.repeat_interleave(torch.arange(6), weights.long())
    settings = {"weight": torch.tensor([0.5, 1.0, 2.0, 0.1])}
    settings |= {} if name in POINTWISE_LOSSES else {"normalize_logits": True}
    with contextlib.nullcontext() if kernels else without_kernels():
        for reduction in ("mean",) if name == "macro-f1" else ("mean", "sum"):
            settings |= {} if name == "macro-f1" else {"reduction": reduction}
            expected = ALL_LOSSES[name](**settings)(logits[rows], labels[rows])
            found = ALL_LOSSES[name](**settings)(logits, labels, sample_weight=weights)
            torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)
            torch.testing.assert_close(gradient_of(found, logits), gradient_of(expected, logits), rtol=1e-5, atol=1e-7)
    images = ExactLoss(1.0, reduction="none")(
        logits.reshape(2, 3, 4).movedim(-1, 1), labels.reshape(2, 3), weights.reshape(2, 3)
    )
    torch.testing.assert_close(images.reshape(-1), weights * ExactLoss(1.0, reduction="none")(logits, labels))


def test_label_smoothing_is_a_soft_target():
    logits, labels = batch(6)
    one_hot = torch.nn.functional.one_hot(labels, 4).double()
    smooth = 0.9 * one_hot + 0.1 / 4
    for reduction in ("mean", "sum", "none"):
        for name in ("exact", "expected cost"):
            loss = SCORE_LOSSES[name]
            expected = loss(reduction=reduction)(logits, smooth)
            for target in (labels, one_hot):
                found = loss(label_smoothing=0.1, reduction=reduction)(logits, target)
                torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)
    ignored = labels.clone()
    ignored[0] = -100
    found = ExactLoss(1.0, label_smoothing=0.1, reduction="sum")(logits, ignored)
    torch.testing.assert_close(found, ExactLoss(1.0, reduction="sum")(logits[1:], smooth[1:]), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32])
def test_labels_are_of_any_integer_type(dtype):
    logits, labels = batch(6)
    labels[2] = 100
    for name, loss in ALL_LOSSES.items():
        expected = loss(ignore_index=100)(logits, labels)
        torch.testing.assert_close(loss(ignore_index=100)(logits, labels.to(dtype)), expected, msg=name)


@pytest.mark.parametrize("kernels", [True, False])
def test_huge_logits_have_right_losses(kernels):
    logits = torch.tensor([[1e38, -1e38, 0.0], [-1e38, 1e38, 0.0], [1.5e38, 1.5e38, -1.5e38]], requires_grad=True)
    labels = torch.tensor([0, 0, 1])
    expected = torch.tensor([0.0, 1.0, 0.5])
    cases = [
        functools.partial(ExactLoss, 1.0),
        functools.partial(TopKLoss, 1),
        functools.partial(ExpectedCostLoss, 1.0 - torch.eye(3)),
    ]
    with contextlib.nullcontext() if kernels else without_kernels():
        for loss in cases:
            found = loss(reduction="none")(logits, labels)
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
            assert gradient_of(found.sum(), logits).isfinite().all()
        found = MacroF1Loss()(logits, labels)
        assert 0.0 < found < 1.0 and gradient_of(found, logits).isfinite().all()
    with pytest.raises(ValueError, match=r"variance of the logits, up to 1.5e\+38, is too large"):
        ExactLoss(normalize_logits=True)(logits, labels)


def test_functions_are_losses_without_state():
    logits, labels = batch()
    weights = torch.arange(6.0)
    pairs = [
        (functional.exact_loss(logits, labels, 0.5, margin=0.3), ExactLoss(0.5, margin=0.3)(logits, labels)),
        (functional.probit_loss(logits, labels), ProbitLoss()(logits, labels)),
        (functional.top_k_loss(logits, labels, 2, 0.5), TopKLoss(2, 0.5)(logits, labels)),
        (functional.expected_cost_loss(logits, labels, COSTS), ExpectedCostLoss(COSTS)(logits, labels)),
        (functional.macro_f1_loss(logits, labels, 0.5), MacroF1Loss(0.5)(logits, labels)),
        (functional.exact_loss(logits, labels, sample_weight=weights), ExactLoss()(logits, labels, weights)),
    ]
    for found, expected in pairs:
        assert found == expected
    sigma = torch.tensor([0.5, 0.6, 0.7, 0.8], dtype=torch.float64, requires_grad=True)
    assert gradient_of(functional.exact_loss(logits, labels, sigma), sigma).shape == (4,)


def test_all_samples_ignored_is_what_cross_entropy_gives():
    logits, labels = torch.zeros(2, 3), torch.full((2,), -100)
    assert ExactLoss()(logits, labels).isnan() and torch.nn.CrossEntropyLoss()(logits, labels).isnan()
    assert ExactLoss(1.0, reduction="sum")(logits, labels) == 0.0


def test_empty_batches_are_what_cross_entropy_gives():
    logits, labels = torch.zeros(0, 3), torch.zeros(0, dtype=torch.long)
    assert ExactLoss(1.0, reduction="sum")(logits, labels) == 0.0
    assert ExactLoss(1.0, reduction="none")(logits, labels).shape == (0,)
    assert HingeLoss(reduction="none")(logits, labels).shape == (0,)


@pytest.mark.parametrize("name", SAMPLE_LOSSES)
def test_shapes_are_those_of_cross_entropy(name):
    logits, labels = batch(6)
    loss = SAMPLE_LOSSES[name](reduction="none")
    each = loss(logits, labels)
    images = logits.reshape(2, 3, 4).movedim(-1, 1)
    torch.testing.assert_close(loss(images, labels.reshape(2, 3)), each.reshape(2, 3))
    single = loss(logits[0], labels[0])
    assert single.shape == ()
    torch.testing.assert_close(single, each[0])
    torch.testing.assert_close(loss(logits.t().contiguous().t(), labels.int()), each)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ALL_LOSSES)
def test_half_precision_is_computed_in_single(name, dtype):
    logits, labels = batch(8, torch.float32)
    halves = logits.detach().to(dtype).requires_grad_()
    expected = ALL_LOSSES[name]()(halves.float(), labels)
    value = ALL_LOSSES[name]()(halves, labels)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, expected)
    assert gradient_of(value, halves).dtype == dtype


@pytest.mark.parametrize("kernels", [True, False])
def test_autocast_leaves_losses_and_their_sums_in_single_precision(kernels):
    logits, labels = batch(2000, torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16), contextlib.nullcontext() if kernels else without_kernels():
        halves = torch.nn.functional.linear(logits, torch.eye(4))
        assert halves.dtype == torch.bfloat16
        for name, loss in ALL_LOSSES.items():
            value = loss()(halves, labels)
            assert value.dtype == torch.float32, name
            torch.testing.assert_close(value, loss()(halves.float(), labels))
        total = ExactLoss(1.0, reduction="none")(halves, labels).sum()
    torch.testing.assert_close(total, ExactLoss(1.0, reduction="sum")(halves.float(), labels), rtol=1e-5, atol=0.0)


def test_schedules_move_sigma():
    logits, labels = batch()
    schedule = GeometricSchedule(10.0, 0.1, steps=3)
    loss = ExactLoss(schedule)
    for sigma_now in [10.0, 1.0, 0.1, 0.1]:
        torch.testing.assert_close(loss(logits, labels), ExactLoss(sigma_now)(logits, labels))
        loss.step()
    resumed = ExactLoss(schedule)
    fresh = ExactLoss(schedule)
    fresh.step()
    resumed.load_state_dict(fresh.state_dict())
    assert resumed.sigma.item() == pytest.approx(1.0)
    assert ExactLoss(lambda step: 2.0 + step).sigma == 2.0
    assert CosineSchedule(2.0, 1.0, steps=3)(1) == pytest.approx(1.5)
    assert pickle.loads(pickle.dumps(loss)).schedule == schedule
    assert copy.deepcopy(loss).steps == loss.steps


def test_sigma_is_learned():
    logits, labels = batch(32)
    loss = ProbitLoss(LearnedSigma(0.2))
    optimizer = torch.optim.SGD(loss.parameters(), lr=0.5)
    before = loss(logits, labels).item()
    for _ in range(20):
        optimizer.zero_grad()
        loss(logits, labels).backward()
        optimizer.step()
    assert loss(logits, labels) < before
    assert [name for name, _ in ExactLoss(torch.nn.Parameter(torch.tensor(1.0))).named_parameters()] == ["sigma"]


def test_without_a_sigma_logits_are_normalised():
    logits, labels = batch()
    expected = ExactLoss(1.0, normalize_logits=True)(logits, labels)
    for found in (
        ExactLoss()(logits, labels),
        ExactLoss()(5.0 * logits, labels),
        functional.exact_loss(logits, labels),
    ):
        torch.testing.assert_close(found, expected)
    assert ExactLoss(1.0).normalization is None and ExactLoss(normalize_logits=False).normalization is None


def test_sigma_can_be_set():
    logits, labels = batch()
    loss = ExactLoss(1.0)
    loss.sigma = 0.5
    torch.testing.assert_close(loss(logits, labels), ExactLoss(0.5)(logits, labels))
    loss.sigma = torch.tensor(2)
    torch.testing.assert_close(loss(logits, labels), ExactLoss(2.0)(logits, labels))


def test_a_sigma_that_is_not_positive_gives_no_number_on_other_devices():
    logits, labels = batch()
    with without_kernels():
        for sigma_now in (-1.0, 0.0):
            for name, loss in (SCORE_LOSSES | {"macro-f1": MacroF1Loss}).items():
                assert loss(sigma=torch.tensor(sigma_now))(logits, labels).isnan(), name


@pytest.mark.parametrize("kernels", [True, False])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", ["exact", "expected cost", "cross-entropy"])
def test_soft_targets_are_means_over_labels(name, reduction, kernels):
    logits, _ = batch(5)
    target = torch.softmax(torch.randn(5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(3)), dim=1)
    loss = {**SAMPLE_LOSSES, "cross-entropy": CrossEntropyLoss}[name]
    each = torch.stack([loss(reduction="none")(logits, torch.full((5,), label)) for label in range(4)], dim=1)
    expected = (target * each).sum(dim=1)
    expected = {"mean": expected.mean(), "sum": expected.sum(), "none": expected}[reduction]
    with contextlib.nullcontext() if kernels else without_kernels():
        value = loss(reduction=reduction)(logits, target)
        torch.testing.assert_close(value, expected, rtol=1e-7, atol=1e-9)
        torch.testing.assert_close(
            gradient_of(value.sum(), logits), gradient_of(expected.sum(), logits), rtol=1e-5, atol=1e-7
        )


def test_soft_targets_have_the_shapes_and_weights_of_cross_entropy():
    logits, labels = batch(6, torch.float32)
    weight = torch.tensor([0.5, 1.0, 2.0, 0.1])
    one_hot = torch.nn.functional.one_hot(labels, 4).float()
    for reduction in ("sum", "none"):
        loss = ExactLoss(0.7, weight=weight, reduction=reduction, normalize_logits=True).eval()
        torch.testing.assert_close(loss(logits, one_hot), loss(logits, labels))
    images, targets = (rows.reshape(2, 3, 4).movedim(-1, 1) for rows in (logits, one_hot))
    loss = ExactLoss(1.0, reduction="none")
    torch.testing.assert_close(loss(images, targets), loss(logits, labels).reshape(2, 3))
    assert loss(logits[0], one_hot[0]).shape == ()
    mixed = 0.3 * one_hot + 0.7 * one_hot.flip(0)
    expected = 0.3 * loss(logits, labels) + 0.7 * loss(logits, labels.flip(0))
    torch.testing.assert_close(loss(logits, mixed), expected)


# PyTorch's own: it compiles formulas of its derivatives by what it has deprecated, and vmap goes row by row where it
# has no rule.
@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:FutureWarning", "ignore:.*performance drop.*:UserWarning")
@pytest.mark.parametrize("name", SAMPLE_LOSSES)
def test_function_transforms_see_the_derivatives(name):
    logits, labels = batch()
    loss = SAMPLE_LOSSES[name]()
    expected = gradient_of(loss(logits, labels), logits)
    at = logits.detach()
    tolerance = {"rtol": 1e-6, "atol": 1e-9}
    torch.testing.assert_close(torch.func.grad(lambda x: loss(x, labels))(at), expected, **tolerance)
    torch.testing.assert_close(torch.func.jacrev(lambda x: loss(x, labels))(at), expected, **tolerance)
    along = torch.ones_like(at)
    _, slope = torch.func.jvp(lambda x: loss(x, labels), (at,), (along,))
    torch.testing.assert_close(slope, (expected * along).sum(), **tolerance)
    each = torch.func.vmap(torch.func.grad(loss))(at.unsqueeze(1), labels.unsqueeze(1)).squeeze(1)
    torch.testing.assert_close(each / len(labels), expected, **tolerance)


def test_large_batches_do_not_depend_on_the_split():
    logits, labels = batch(4096)
    each = ExactLoss(1.0, reduction="none")(logits, labels)
    parts = [ExactLoss(1.0, reduction="none")(logits[i : i + 512], labels[i : i + 512]) for i in range(0, 4096, 512)]
    torch.testing.assert_close(torch.cat(parts), each, rtol=1e-13, atol=0.0)


LOGITS, LABELS = torch.zeros(2, 3), torch.tensor([0, 1])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ExactLoss(0.0), ValueError, "sigma must be positive"),
        (lambda: ExactLoss(math.nan), ValueError, "sigma must be positive"),
        (lambda: ExactLoss(lambda step: -1.0), ValueError, "sigma must be positive"),
        (lambda: ExactLoss(torch.tensor(-1.0))(LOGITS, LABELS), ValueError, "learn its logarithm"),
        (lambda: ExactLoss(sigma=torch.ones(7))(LOGITS, LABELS), ValueError, "does not broadcast"),
        (lambda: ExactLoss(torch.ones(3)), TypeError, "weights of classes as weight="),
        (lambda: TopKLoss(2, torch.ones(3)), TypeError, "sigma per class or sample as sigma="),
        (lambda: ExactLoss(torch.tensor(True)), TypeError, "floating type, got torch.bool"),
        (lambda: setattr(ExactLoss(), "sigma", 0.0), ValueError, "sigma must be positive"),
        (lambda: ExactLoss("1"), TypeError, "sigma must be a number"),
        (lambda: ExactLoss(margin=-1.0), ValueError, "margin must be at least 0"),
        (lambda: ExactLoss(reduction="average"), ValueError, "reduction must be one of"),
        (lambda: ExactLoss(weight=torch.tensor([-1.0, 1.0])), ValueError, "weight must hold"),
        (lambda: ExactLoss(weight=torch.ones(2))(LOGITS, LABELS), ValueError, "weight has 2 entries"),
        (lambda: ExactLoss()(LOGITS, torch.tensor([0, 3])), ValueError, "label 3 of sample 1"),
        (lambda: ExactLoss()(LOGITS, torch.tensor([0, -1])), ValueError, "label -1 of sample 1"),
        (lambda: ExactLoss(weight=torch.ones(3))(LOGITS, torch.tensor([0, 9])), ValueError, "label 9"),
        (lambda: ExactLoss()(LOGITS * math.nan, LABELS), ValueError, "logit NaN of sample 0, class 0"),
        (lambda: ExactLoss()(LOGITS, LABELS.float()), TypeError, "labels must be integers"),
        (lambda: ProbitLoss()(LOGITS, LOGITS), TypeError, "ProbitLoss has no soft targets"),
        (lambda: HingeLoss()(LOGITS, LOGITS), TypeError, "HingeLoss has no soft targets"),
        (lambda: ExactLoss(margin=1.0)(LOGITS, LOGITS), ValueError, "leave it out with soft targets"),
        (lambda: ExactLoss(weight=torch.ones(2))(LOGITS, LOGITS), ValueError, "weight has 2 entries"),
        (lambda: ExpectedCostLoss(torch.ones(2, 3))(LOGITS, LOGITS), ValueError, "costs have 2 rows"),
        (lambda: ExactLoss()(LOGITS.long(), LABELS), TypeError, "logits must be of a floating type"),
        (lambda: ExactLoss()(LOGITS.numpy(), LABELS), TypeError, "must be tensors"),
        (lambda: ExactLoss()(LOGITS, torch.tensor([0, 1, 2])), ValueError, "labels have shape"),
        (lambda: ExactLoss()(torch.zeros(2, 0), LABELS), ValueError, "at least one class"),
        (lambda: ExactLoss()(torch.tensor(1.0), torch.tensor(0)), ValueError, "must have shape"),
        (lambda: ExactLoss(label_smoothing=1.5), ValueError, "label_smoothing must be at least 0"),
        (lambda: ExactLoss(label_smoothing=0.1, margin=1.0), ValueError, "leave it out with label smoothing"),
        (lambda: ExactLoss()(LOGITS, LABELS, torch.ones(3)), ValueError, r"in the shape of labels, \(2,\), got \(3,\)"),
        (lambda: ExactLoss()(LOGITS, LABELS, [1.0, 1.0]), ValueError, "got list"),
        (lambda: ExactLoss()(LOGITS, LABELS, torch.tensor([1.0, -1.0])), ValueError, "sample_weight must hold"),
        (lambda: TopKLoss(0), ValueError, "k must be at least 1"),
        (lambda: ExpectedCostLoss(torch.ones(3)), ValueError, "must be a matrix"),
        (lambda: ExpectedCostLoss(torch.full((2, 3), math.nan)), ValueError, "finite"),
        (lambda: ExpectedCostLoss(torch.ones(3, 2))(LOGITS, LABELS), ValueError, "costs have 2 columns"),
        (
            lambda: ExpectedCostLoss(torch.ones(1, 3))(LOGITS, LABELS),
            ValueError,
            "label 1 of sample 1 is not from 0 to 0",
        ),
        (lambda: MacroF1Loss(reduction="sum"), TypeError, "no reduction"),
        (lambda: MacroF1Loss()(LOGITS, LABELS * 0 - 100), ValueError, "weights sum to 0"),
        (lambda: HingeLoss(-1.0), ValueError, "margin must be at least 0"),
        (lambda: SigmoidLoss(0.0), ValueError, "temperature must be positive"),
        (lambda: Poly1Loss(-2.0), ValueError, "epsilon must be at least -1"),
        (lambda: FocalLoss(math.inf), ValueError, "gamma must be at least 0"),
        (lambda: CrossEntropyLoss(1.0), ValueError, "label_smoothing must be"),
        (lambda: GeometricSchedule(0.0, 1.0, 10), ValueError, "positive and finite"),
        (lambda: GeometricSchedule(2.0, 1.0, 0), ValueError, "steps must be at least 1"),
        (lambda: LearnedSigma(-1.0), ValueError, "sigma must be positive"),
    ],
)
def test_bad_inputs_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("module", [functional, losses, sigma, gradient_normalizer])
def test_examples_of_the_documentation_hold(module):
    failed, attempted = doctest.testmod(module)
    assert failed == 0 and attempted > 0
