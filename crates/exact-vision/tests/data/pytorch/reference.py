"""Writes the checkpoints that the tests of weights from PyTorch read, and prints the logits that they expect.

`python reference.py`, with torch 2 and torchvision, writes beside itself. All tensors of a checkpoint are views of a few
storages, so that one of millions of parameters is a file of kilobytes.
"""

import math
from pathlib import Path

import torch
from torch import nn
from torchvision import models

FOLDER = Path(__file__).parent


class BasicBlock(nn.Module):
    """A block of a wide residual network."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        changes = inputs != outputs
        self.convShortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if changes else None

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        activated = torch.relu(self.bn1(images))
        carried = images if self.convShortcut is None else self.convShortcut(activated)
        return carried + self.conv2(torch.relu(self.bn2(self.conv1(activated))))


class Group(nn.Module):
    """Blocks of the same width, of which the first may halve the image."""

    def __init__(self, count: int, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        first = BasicBlock(inputs, outputs, stride)
        self.layer = nn.Sequential(first, *(BasicBlock(outputs, outputs, 1) for _ in range(count - 1)))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layer(images)


class WideResNet(nn.Module):
    """Zagoruyko and Komodakis, arXiv 1605.07146."""

    def __init__(self, depth: int, width: int, classes: int) -> None:
        super().__init__()
        count = (depth - 4) // 6
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.block1 = Group(count, 16, 16 * width, 1)
        self.block2 = Group(count, 16 * width, 32 * width, 2)
        self.block3 = Group(count, 32 * width, 64 * width, 2)
        self.bn1 = nn.BatchNorm2d(64 * width)
        self.fc = nn.Linear(64 * width, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        last = self.block3(self.block2(self.block1(self.conv1(images))))
        return self.fc(torch.relu(self.bn1(last)).mean((2, 3)))


def strides_of(shape: torch.Size) -> list[int]:
    """Strides by which elements of a tensor overlap, but neighbours along any axis differ."""
    if len(shape) == 4:
        return [2, 3, 2, 1]
    return [1, 1] if shape[-1] > 10_000 else [2, 1][-len(shape) :]


def range_of(name: str, tensor: torch.Tensor) -> tuple[float, float]:
    """The range of a parameter: layers keep the size of what goes through them."""
    if tensor.dim() == 1:
        return (0.5, 1.5) if name.endswith(("running_var", "weight")) else (-0.1, 0.1)
    # That of the two large layers of VGG is one, to be one storage.
    bound = math.sqrt(6 / min(tensor[0].numel(), 4608))
    return -bound, bound


def numbers(low: float, high: float, length: int) -> torch.Tensor:
    """The first numbers of a range, without an order that strides could meet."""
    at = torch.arange(length, dtype=torch.float64)
    return (low + (high - low) * ((at * math.pi + at * at * math.sqrt(2)) % 1)).float()


def fill(network: nn.Module) -> None:
    """Makes all parameters of a network views of few storages, one for each range."""
    state = {name: tensor for name, tensor in network.state_dict().items() if tensor.is_floating_point()}
    lengths: dict[tuple[float, float], int] = {}
    for at, (name, tensor) in enumerate(state.items()):
        steps = zip(tensor.shape, strides_of(tensor.shape), strict=True)
        room = at % 61 + 1 + sum((length - 1) * stride for length, stride in steps)
        values = range_of(name, tensor)
        lengths[values] = max(lengths.get(values, 0), room)
    storages = {values: numbers(*values, length) for values, length in lengths.items()}
    views = {
        name: torch.as_strided(storages[range_of(name, tensor)], tensor.shape, strides_of(tensor.shape), at % 61)
        for at, (name, tensor) in enumerate(state.items())
    }
    network.load_state_dict(views, strict=False, assign=True)


def logits(network: nn.Module, height: int, width: int) -> list[float]:
    """Those of two images in double precision."""
    at = torch.arange(2 * 3 * height * width)
    images = (((at * at * 7 + at * 13) % 251).double() / 125 - 1).reshape(2, 3, height, width)
    with torch.no_grad():
        return [round(logit, 6) for logit in network.double().eval()(images).flatten().tolist()]


def main() -> None:
    wide = WideResNet(10, 2, 4)
    fill(wide)
    checkpoint = {
        "epoch": 200,
        "state_dict": {f"module.{name}": tensor for name, tensor in wide.state_dict().items()},
        "optimizer": {"state": {0: {"momentum_buffer": torch.zeros(3)}}, "param_groups": [{"lr": 0.1}]},
    }
    torch.save(checkpoint, FOLDER / "wrn-10-2.pth")
    print("wrn-10-2", logits(wide, 32, 32))

    vgg = models.vgg11_bn(num_classes=3)
    fill(vgg)
    torch.save(vgg.state_dict(), FOLDER / "vgg-11.pt")
    print("vgg-11", logits(vgg, 70, 66))


main()
