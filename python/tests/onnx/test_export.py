"""Exported networks in ONNX Runtime: what `exact vision predict` says of the same images.

The environment variable EXACT names the program.
"""

import csv
import io
import json
import os
import subprocess

import numpy as np
import onnx
import onnxruntime
import pytest

EXACT = os.environ["EXACT"]
# Absolute, of a probability in single precision.
TOLERANCE = 1e-5


def exact(*arguments):
    return subprocess.run([EXACT, "vision", *arguments], capture_output=True, text=True, check=True).stdout


def write_cifar(folder, generator):
    """Colour images of 32 x 32 pixels, a class darker than the next."""
    folder.mkdir()
    images = {}
    for name, n in [("data_batch_1", 50), ("test_batch", 20)]:
        labels = np.arange(n, dtype=np.uint8) % 10
        pixels = generator.integers(0, 100, (n, 3, 32, 32), dtype=np.uint8) + 15 * labels[:, None, None, None]
        rows = np.concatenate([labels[:, None], pixels.reshape(n, -1)], axis=1)
        (folder / f"{name}.bin").write_bytes(rows.astype(np.uint8).tobytes())
        images[name] = pixels
    names = "airplane automobile bird cat deer dog frog horse ship truck"
    (folder / "batches.meta.txt").write_text(names.replace(" ", "\n") + "\n")
    return images["test_batch"]


def write_idx(folder, generator, size):
    """Grey images of two classes, of which one is darker."""
    folder.mkdir()
    images = {}
    for name, n in [("train", 20), ("t10k", 6)]:
        labels = np.arange(n, dtype=np.uint8) % 2
        pixels = generator.integers(0, 150, (n, *size), dtype=np.uint8) + 100 * labels[:, None, None]
        header = np.array([0x803, n, *size], dtype=">u4").tobytes()
        (folder / f"{name}-images-idx3-ubyte").write_bytes(header + pixels.astype(np.uint8).tobytes())
        header = np.array([0x801, n], dtype=">u4").tobytes()
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(header + labels.tobytes())
        images[name] = pixels[:, None]
    return images["t10k"]


def check(folder, model, images):
    """Compares ONNX Runtime with `exact vision predict`, all images at once and one by one."""
    path = str(folder / "network.onnx")
    exact("export", model, "--out", path)
    onnx.checker.check_model(path, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    pixels = images.astype(np.float32) / 255
    logits, probabilities = session.run(["logits", "probabilities"], {"images": pixels})
    rows = list(csv.DictReader(io.StringIO(exact("predict", model, "--data", str(folder / "data"), "--proba"))))
    names = json.loads(session.get_modelmeta().custom_metadata_map["class_names"])
    expected = np.array([[float(row[f"p_{name}"]) for name in names] for row in rows])
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=TOLERANCE)
    assert [names[index] for index in logits.argmax(axis=1)] == [row["prediction"] for row in rows]
    alone = session.run(["probabilities"], {"images": pixels[3:4]})[0]
    np.testing.assert_allclose(alone[0], expected[3], rtol=0, atol=TOLERANCE)
    return session


@pytest.mark.parametrize(
    ("network", "loss"),
    [
        ("small-cnn", "exact"),
        ("m3", "cross-entropy"),
        ("wrn-10-1", "exact"),
        ("resnet-18", "cross-entropy"),
        ("vgg-11", "exact"),
    ],
)
def test_small_images(tmp_path, network, loss):
    images = write_cifar(tmp_path / "data", np.random.default_rng(0))
    data, out = str(tmp_path / "data"), str(tmp_path / "run")
    settings = ["--model", network, "--loss", loss, "--epochs", "2", "--batch-size", "8"]
    exact("train", "--data", data, *settings, "--out", out)
    session = check(tmp_path, f"{out}/model.safetensors", images)
    assert session.get_inputs()[0].shape == ["n", 3, 32, 32]


@pytest.mark.parametrize("network", ["resnet-18", "resnet-50"])
def test_large_images(tmp_path, network):
    images = write_idx(tmp_path / "data", np.random.default_rng(1), (70, 66))
    data, out = str(tmp_path / "data"), str(tmp_path / "run")
    exact("train", "--data", data, "--model", network, "--epochs", "1", "--batch-size", "4", "--out", out)
    check(tmp_path, f"{out}/model.safetensors", images)
