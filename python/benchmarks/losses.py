"""Speed of the losses beside cross-entropy, as a Markdown table.

    python python/benchmarks/losses.py [--threads N]

A time is the median over repetitions of forward and backward together, on standard normal logits in float32.
"""

import argparse
import importlib
import os
import platform
import statistics
import time

SHAPES = [(1, 2), (256, 10), (256, 100), (256, 1000)]
SECONDS = 1.0


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=1, help="threads of PyTorch and of the kernels (default 1)")
    threads = parser.parse_args().threads
    os.environ["RAYON_NUM_THREADS"] = str(threads)

    import numpy as np
    import torch

    import exact_learn
    from exact_learn.torch import ExactLoss, ProbitLoss

    torch.set_num_threads(threads)
    print(f"{platform.processor() or platform.machine()}, PyTorch {torch.__version__}, {threads} threads\n")
    losses = {"ExactLoss": ExactLoss(0.5), "ProbitLoss": ProbitLoss(0.5)}
    paper = papers_loss()
    if paper is not None:
        losses["the paper's estimator"] = paper
    print("| loss | batch | classes | time, µs | of cross-entropy |")
    print("|---|---:|---:|---:|---:|")
    for n, n_classes in SHAPES:
        torch.manual_seed(0)
        logits = torch.randn(n, n_classes, requires_grad=True)
        labels = torch.randint(n_classes, (n,))
        reference = microseconds(step, torch.nn.CrossEntropyLoss(), logits, labels)
        print(f"| torch.nn.CrossEntropyLoss | {n} | {n_classes} | {reference:.1f} | 1.0 |")
        for name, loss in losses.items():
            elapsed = microseconds(step, loss, logits, labels)
            print(f"| {name} | {n} | {n_classes} | {elapsed:.1f} | {elapsed / reference:.1f} |")

    logits, labels = np.array([[1.0, 0.0]]), np.array([0])
    call = microseconds(exact_learn.expected_accuracy, logits, labels, 0.5)
    print(f"\nexpected_accuracy of one sample of two classes: {call:.1f} µs a call")
    tensor, target = torch.tensor([[1.0, 0.0]]), torch.tensor([0])
    for name, loss in {"ExactLoss": ExactLoss(0.5), "CrossEntropyLoss": torch.nn.CrossEntropyLoss()}.items():
        forward = microseconds(loss, tensor, target)
        print(f"{name} of one sample of two classes, forward: {forward:.1f} µs")


def papers_loss():
    """The loss of the paper's own package, where it is installed."""
    try:
        return importlib.import_module("exact_pytorch").EXACTLoss()
    except ModuleNotFoundError:
        print("The paper's package, exact_pytorch, is not installed and left out.\n")
        return None


def step(loss, logits, labels):
    logits.grad = None
    loss(logits, labels).backward()


def microseconds(call, *arguments):
    """The median time of a call."""
    for _ in range(3):
        call(*arguments)
    times = []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        call(*arguments)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


if __name__ == "__main__":
    main()
