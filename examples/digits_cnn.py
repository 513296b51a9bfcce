"""Train digits_cnn.dsl, a small convolutional network, on scikit-learn's digits: Adam in plain NumPy.

    python examples/digits_cnn.py --epochs 30

compiles the model beside this file, holds a fifth of the digits out, trains on the others, and shows the loss
and the accuracy on the held-out fifth after each epoch. One generator shuffles, moves images by a pixel and
draws dropout's masks, so that a seed gives the same run again.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import autodiffc
import numpy as np
from numpy.typing import NDArray

try:
    from sklearn.datasets import load_digits
except ImportError:
    raise SystemExit("the digits come with scikit-learn: pip install scikit-learn") from None

MODEL = Path(__file__).with_name("digits_cnn.dsl")
Images = NDArray[np.float64]
Labels = NDArray[np.int64]


def digits(rng: np.random.Generator) -> tuple[Images, Labels]:
    """All images as [N, 1, 8, 8] of numbers in [0, 1], and their labels, in random order."""
    pixels, labels = load_digits(return_X_y=True)
    order = rng.permutation(len(labels))
    return pixels[order].reshape(-1, 1, 8, 8) / 16, labels[order]


def moved(x: Images, rng: np.random.Generator) -> Images:
    """The images, all moved by the same random step of up to a pixel."""
    row, column = rng.integers(3, size=2)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    return padded[:, :, row : row + 8, column : column + 8]


def batches(x: Images, y: Labels, size: int, rng: np.random.Generator) -> Iterator[tuple[Images, Labels]]:
    """Every example once, in random order, `size` at a time, half of the batches moved."""
    order = rng.permutation(len(y))
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        yield moved(x[chosen], rng) if rng.random() < 0.5 else x[chosen], y[chosen]


class Adam:
    """Kingma and Ba (2015): steps by the mean of the gradients over the root of that of their squares."""

    def __init__(self, params: Any, rate: float):
        self.rate, self.count = rate, 0
        self.mean = [np.zeros_like(p) for p in params]
        self.square = [np.zeros_like(p) for p in params]

    def step(self, params: Any, grads: Any, fade: float = 0.9, fade_square: float = 0.999) -> Any:
        """The params after a step."""
        self.count += 1
        new = []
        for p, g, m, v in zip(params, grads, self.mean, self.square, strict=True):
            m += (1 - fade) * (g - m)
            v += (1 - fade_square) * (g * g - v)
            size = self.rate / (1 - fade**self.count)
            new.append(p - size * m / (np.sqrt(v / (1 - fade_square**self.count)) + 1e-8))
        return type(params)(*new)


def accuracy(m: ModuleType, params: Any, x: Images, y: Labels) -> float:
    """The share of examples whose likeliest class is their label; predict() drops nothing out."""
    return float(np.mean(m.predict(x, *params).p.argmax(axis=1) == y))


def train(m: ModuleType, epochs: int, rate: float, size: int, seed: int) -> float:
    """Train from scratch, print the progress, give the final accuracy on the held-out fifth."""
    rng = np.random.default_rng(seed)
    x, y = digits(rng)
    held_out, rest = slice(len(y) // 5), slice(len(y) // 5, None)
    params = m.init_params(rng, C1=32, C2=64)
    optimiser = Adam(params, rate)
    start = time.perf_counter()
    for number in range(1, epochs + 1):
        optimiser.rate = rate * (1 - (number - 1) / epochs)
        losses = []
        for images, labels in batches(x[rest], y[rest], size, rng):
            loss, grads = m.value_and_grad(images, labels, *params, rng)
            params = optimiser.step(params, grads)
            losses.append(loss)
        right = accuracy(m, params, x[held_out], y[held_out])
        print(f"epoch {number:3d}   loss {np.mean(losses):.4f}   held out {right:.2%}", flush=True)
    final = accuracy(m, params, x[held_out], y[held_out])
    seconds = time.perf_counter() - start
    print(f"{final:.2%} of {len(y[held_out])} held-out digits are right, after {seconds:.1f} s")
    return final


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train digits_cnn.dsl on handwritten digits.")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument(
        "--rate", type=float, default=0.004, help="Adam's step size at the start; it falls to 0"
    )
    parser.add_argument("--batch", type=int, default=32, help="examples in a minibatch")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    train(autodiffc.load(MODEL), options.epochs, options.rate, options.batch, options.seed)


if __name__ == "__main__":
    main()
