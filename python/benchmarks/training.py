"""Images per second in training networks on the processor, beside PyTorch, as a Markdown table.

    python python/benchmarks/training.py [--steps 10] [--rounds 3]

A step is forward, cross-entropy, backward and stochastic gradient descent with momentum and weight decay, of 64
images on two threads. The two take turns, and the fastest step of each counts. Needs PyTorch and cargo, which builds
the benchmark of exact-vision.
"""

import argparse
import os
import platform
import subprocess
import time
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

BATCH_SIZE = 64
THREADS = 2


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=10, help="steps in each round (default 10)")
    parser.add_argument("--rounds", type=int, default=3, help="how often the two take turns (default 3)")
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    print(f"{platform.processor() or platform.machine()}, PyTorch {torch.__version__}, {THREADS} threads\n")
    print("| network | images | exact-vision images/s | PyTorch images/s | ratio |")
    print("|---|---|---:|---:|---:|")
    for name, module, shape in [("m3", M3(), (1, 28, 28)), ("wrn-16-4", WideResNet(16, 4), (3, 32, 32))]:
        step = pytorch_step(module, shape)
        ours = theirs = 0.0
        for _ in range(arguments.rounds):
            ours = max(ours, exact_vision(name, arguments.steps))
            theirs = max(theirs, BATCH_SIZE / min(step() for _ in range(arguments.steps)))
        size = " x ".join(map(str, shape))
        print(f"| {name} | {size} | {ours:.0f} | {theirs:.0f} | {ours / theirs:.2f} |")


def exact_vision(name, steps):
    command = ["cargo", "bench", "--quiet", "--package", "exact-vision", "--bench", "training", "--", name, str(steps)]
    environment = {**os.environ, "RAYON_NUM_THREADS": str(THREADS)}
    root = Path(__file__).resolve().parents[2]
    output = subprocess.run(command, cwd=root, env=environment, check=True, capture_output=True, text=True)
    return float(output.stdout)


def pytorch_step(module, shape):
    """A function that trains for one step and returns the seconds it took."""
    images, labels = torch.randn(BATCH_SIZE, *shape), torch.arange(BATCH_SIZE) % 10
    optimizer = torch.optim.SGD(module.parameters(), 0.01, momentum=0.9, weight_decay=1e-4)

    def step():
        start = time.perf_counter()
        loss = functional.cross_entropy(module(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return time.perf_counter() - start

    step()
    return step


class M3(nn.Sequential):
    def __init__(self):
        channels = [1, *range(32, 177, 16)]
        layers = [
            layer
            for inputs, outputs in pairwise(channels)
            for layer in (nn.Conv2d(inputs, outputs, 3, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())
        ]
        super().__init__(*layers, nn.Flatten(), nn.Linear(176 * 64, 10, bias=False), nn.BatchNorm1d(10))


class WideResNet(nn.Sequential):
    def __init__(self, depth, width):
        channels, blocks = 16, []
        for group, stride in enumerate((1, 2, 2)):
            for block in range((depth - 4) // 6):
                blocks.append(Block(channels, (16 << group) * width, stride if block == 0 else 1))
                channels = (16 << group) * width
        end = (nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))
        super().__init__(nn.Conv2d(3, 16, 3, padding=1, bias=False), *blocks, *end)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.norms = nn.ModuleList([nn.BatchNorm2d(inputs), nn.BatchNorm2d(outputs)])
        self.first = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if inputs != outputs else None

    def forward(self, images):
        activated = functional.relu(self.norms[0](images))
        carried = images if self.shortcut is None else self.shortcut(activated)
        return carried + self.second(functional.relu(self.norms[1](self.first(activated))))


if __name__ == "__main__":
    main()
