"""Images per second in training networks on the processor, and in classifying, as Markdown tables.

    python python/benchmarks/training.py [--steps 10] [--rounds 3]

A step of training is forward, cross-entropy, backward and stochastic gradient descent with momentum and weight decay,
of 64 images on two threads; beside PyTorch. Classifying is the logits of 64 images; beside PyTorch and, of the network
that it exports, ONNX Runtime. They take turns, and the fastest step of each counts. Needs PyTorch, onnxscript,
onnxruntime and cargo, which builds the benchmark of exact-vision.
"""

import argparse
import os
import platform
import subprocess
import tempfile
import time
import warnings
from itertools import pairwise
from pathlib import Path

import onnxruntime
import torch
from torch import nn
from torch.nn import functional

BATCH_SIZE = 64
THREADS = 2


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=10, help="steps in each round (default 10)")
    parser.add_argument("--rounds", type=int, default=3, help="how often they take turns (default 3)")
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    print(f"{platform.processor() or platform.machine()}, PyTorch {torch.__version__}, ", end="")
    print(f"ONNX Runtime {onnxruntime.__version__}, {THREADS} threads\n")
    networks = [
        ("small-cnn", SmallCnn(), (1, 28, 28)),
        ("m3", M3(), (1, 28, 28)),
        ("wrn-16-4", WideResNet(16, 4), (3, 32, 32)),
    ]
    for work, peers in (("train", [PyTorchTraining]), ("predict", [PyTorchPrediction, OnnxPrediction])):
        names = [peer.name for peer in peers]
        columns = ["network", "images", "exact-vision images/s", *(f"{name} images/s" for name in names)]
        columns += [f"ratio to {name}" for name in names]
        print(f"{work}:\n\n| {' | '.join(columns)} |\n|---|---|{'---:|' * (len(columns) - 2)}")
        for name, module, shape in networks:
            steps = [peer(module, shape) for peer in peers]
            ours, theirs = 0.0, [0.0] * len(peers)
            for _ in range(arguments.rounds):
                ours = max(ours, exact_vision(work, name, arguments.steps))
                theirs = [max(best, rate(step, arguments.steps)) for best, step in zip(theirs, steps, strict=True)]
            size = " x ".join(map(str, shape))
            figures = [*(f"{each:.0f}" for each in [ours, *theirs]), *(f"{ours / each:.2f}" for each in theirs)]
            print(f"| {name} | {size} | {' | '.join(figures)} |", flush=True)
        print()


def exact_vision(work, name, steps):
    command = ["cargo", "bench", "--quiet", "--package", "exact-vision", "--bench", "training", "--", work, name]
    environment = {**os.environ, "RAYON_NUM_THREADS": str(THREADS)}
    root = Path(__file__).resolve().parents[2]
    output = subprocess.run([*command, str(steps)], cwd=root, env=environment, check=True, capture_output=True)
    return float(output.stdout)


def rate(step, steps):
    """Images per second in the fastest of several steps; the first is not counted."""
    step()
    fastest = float("inf")
    for _ in range(steps):
        start = time.perf_counter()
        step()
        fastest = min(fastest, time.perf_counter() - start)
    return BATCH_SIZE / fastest


class PyTorchTraining:
    name = "PyTorch"

    def __init__(self, module, shape):
        self.module = module.train()
        self.images, self.labels = torch.randn(BATCH_SIZE, *shape), torch.arange(BATCH_SIZE) % 10
        self.optimizer = torch.optim.SGD(module.parameters(), 0.01, momentum=0.9, weight_decay=1e-4)

    def __call__(self):
        loss = functional.cross_entropy(self.module(self.images), self.labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


class PyTorchPrediction:
    name = "PyTorch"

    def __init__(self, module, shape):
        self.module, self.images = module.eval(), torch.randn(BATCH_SIZE, *shape)

    @torch.inference_mode()
    def __call__(self):
        return self.module(self.images).numpy()


class OnnxPrediction:
    name = "ONNX Runtime"

    def __init__(self, module, shape):
        images = torch.randn(BATCH_SIZE, *shape)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            path = f"{folder}/network.onnx"
            torch.onnx.export(module.eval(), (images,), path, dynamo=True, verbose=False)
            self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.inputs = {self.session.get_inputs()[0].name: images.numpy()}

    def __call__(self):
        return self.session.run(None, self.inputs)


class SmallCnn(nn.Sequential):
    def __init__(self):
        features = [nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)]
        features += [nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
        sizes = pairwise([16 * 5 * 5, 120, 84])
        linear = [layer for inputs, outputs in sizes for layer in (nn.Linear(inputs, outputs), nn.ReLU())]
        super().__init__(*features, *linear, nn.Linear(84, 10))


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
