"""Losses as modules: their state, the meta device, and models that hold them."""

import copy
import functools

import pytest
import torch

from exact_learn.torch import (
    BetaBernoulliLoss,
    CrossEntropyLoss,
    ExactLoss,
    ExpectedCostLoss,
    GeometricSchedule,
    HingeLoss,
    LearnedSigma,
    MacroF1Loss,
    ProbitLoss,
    TopKLoss,
)

SCORE_LOSSES = {
    "exact": ExactLoss,
    "probit": ProbitLoss,
    "top-k": functools.partial(TopKLoss, 2),
    "expected cost": functools.partial(ExpectedCostLoss, 1.0 - torch.eye(4)),
    "macro-f1": MacroF1Loss,
}
POINTWISE_LOSSES = {"hinge": HingeLoss, "beta-bernoulli": BetaBernoulliLoss, "cross-entropy": CrossEntropyLoss}
ALL_LOSSES = SCORE_LOSSES | POINTWISE_LOSSES


def batch(n=6):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(n, 4, generator=generator), torch.randint(4, (n,), generator=generator)


@pytest.mark.parametrize("name", ALL_LOSSES)
def test_losses_on_the_meta_device_have_shapes(name):
    logits, labels = (tensor.detach().to("meta") for tensor in batch())
    moved = ALL_LOSSES[name](weight=torch.ones(4)).to("meta")
    with torch.device("meta"):
        made = ALL_LOSSES[name](weight=torch.ones(4))
        learned = ProbitLoss(LearnedSigma(), normalize_logits=True)
    for loss in (moved, made, learned):
        assert loss(logits.requires_grad_(), labels).device.type == "meta" and repr(loss)
    # The values of sigma stay, whatever the default device.
    if name in SCORE_LOSSES:
        assert made.sigma == 1.0


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("name", ALL_LOSSES)
def test_models_that_hold_a_loss_are_traced_and_exported(name, tmp_path):
    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(2, 4)
            schedule = {"sigma": GeometricSchedule(10.0, 0.1, steps=3), "normalize_logits": True}
            self.criterion = ALL_LOSSES[name](**({} if name in POINTWISE_LOSSES else schedule))

        def forward(self, inputs):
            return self.layer(inputs)

    model, inputs = Model(), torch.randn(3, 2)
    traced = torch.jit.trace(model, inputs)
    torch.testing.assert_close(traced(inputs), model(inputs))
    torch.onnx.export(model, (inputs,), tmp_path / "model.onnx", dynamo=False)
    assert torch.export.export(model, (inputs,)).module()(inputs).shape == (3, 4)


def test_the_state_is_tensors_and_models_of_other_losses_load():
    class Model(torch.nn.Module):
        def __init__(self, criterion):
            super().__init__()
            self.layer = torch.nn.Linear(2, 4)
            self.criterion = criterion

    schedule = GeometricSchedule(10.0, 0.1, steps=3)
    model = Model(ExactLoss(schedule, normalize_logits=True))
    model.criterion.step()
    state = model.state_dict()
    assert all(isinstance(value, torch.Tensor) for value in state.values())
    other = Model(ExactLoss(schedule, normalize_logits=True))
    other.load_state_dict(state)
    assert other.criterion.steps == 1 and other.criterion.sigma == pytest.approx(1.0)
    # One that was trained with cross-entropy, and one of a version that kept a dictionary.
    other.load_state_dict(Model(torch.nn.CrossEntropyLoss()).state_dict())
    old = {name: value for name, value in state.items() if name != "criterion.steps"}
    other.load_state_dict(old | {"criterion._extra_state": {"steps": 2}})
    assert other.criterion.steps == 2
    assert list(Model(ExactLoss(0.5)).state_dict()) == ["layer.weight", "layer.bias"]
    with pytest.raises(RuntimeError, match="running_std"):
        other.load_state_dict({name: value for name, value in state.items() if not name.endswith("running_std")})


def test_state_and_copies_keep_the_loss():
    logits, labels = batch()
    loss = ExactLoss(0.5, normalize_logits=True, weight=torch.ones(4))
    loss(logits, labels)
    other = ExactLoss(0.5, normalize_logits=True, weight=torch.zeros(4))
    other.load_state_dict(loss.state_dict())
    torch.testing.assert_close(other.eval()(logits, labels), copy.deepcopy(loss).eval()(logits, labels))
