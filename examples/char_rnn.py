"""Train char_rnn.dsl, or char_lstm.dsl, to continue a text character by character: Adam in plain NumPy.

    python examples/char_rnn.py
    python examples/char_rnn.py --model lstm --text book.txt --epochs 20

cuts the text (the beginning of Alice's Adventures in Wonderland) into streams that are read side by side, a
window of some steps at a time. A window begins with the state that the one before it ended with; the gradient
goes back to the window's first step (truncated backpropagation through time). At the end the network writes.
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

FOLDER = Path(__file__).parent
STATES = {"rnn": 1, "lstm": 2}  # how many arrays a network hands on from step to step
Codes = NDArray[np.int64]


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


def clipped(grads: Any, limit: float = 5.0) -> Any:
    """The gradient, made shorter where it is longer than a limit (Pascanu, Mikolov and Bengio, 2013)."""
    length = np.sqrt(sum(np.vdot(g, g) for g in grads))
    return type(grads)(*(g * min(1.0, limit / length) for g in grads))


def entropy(codes: Codes) -> float:
    """The nats a character that knowing the frequencies alone leaves."""
    frequencies = np.bincount(codes) / len(codes)
    frequencies = frequencies[frequencies > 0]
    return -float(frequencies @ np.log(frequencies))


def windows(codes: Codes, streams: int, steps: int) -> Iterator[tuple[Codes, Codes]]:
    """The streams' characters and the ones that follow, so many steps at a time."""
    length = (len(codes) - 1) // streams
    x = codes[: streams * length].reshape(streams, length).T
    y = codes[1 : streams * length + 1].reshape(streams, length).T
    for start in range(0, length, steps):
        yield x[start : start + steps], y[start : start + steps]


def epoch(
    m: ModuleType, params: Any, optimiser: Adam, text: Iterator[tuple[Codes, Codes]], zeros: Any
) -> Any:
    """Go through the text once; give the params and the mean loss of a character."""
    state, losses, sizes = zeros, [], []
    for x, y in text:
        outputs, cache = m.forward(x, y, *state, *params)
        params = optimiser.step(params, clipped(m.backward(cache)))
        state = outputs[1:-1]
        losses.append(outputs.L)
        sizes.append(y.size)
    return params, float(np.average(losses, weights=sizes))


def sample(
    m: ModuleType, params: Any, state: Any, code: int, count: int, rng: np.random.Generator
) -> list[int]:
    """Characters drawn one after the other, each from what the network expects after those before it."""
    found = []
    for _ in range(count):
        outputs = m.predict([[code]], *state, *params)
        state = outputs[1:-1]
        code = int(rng.choice(outputs.p.shape[-1], p=outputs.p[0, 0]))
        found.append(code)
    return found


def train(model: str, text: str, epochs: int, hidden: int, rate: float, steps: int, seed: int) -> float:
    """Train from scratch, print the progress and what the network writes; give the final loss."""
    m = autodiffc.load(FOLDER / f"char_{model}.dsl")
    rng = np.random.default_rng(seed)
    alphabet, codes = np.unique(list(text), return_inverse=True)
    print(f"{len(text)} characters, {len(alphabet)} different; their entropy is {entropy(codes):.3f} nats")
    params = m.init_params(rng, V=len(alphabet), H=hidden)
    optimiser = Adam(params, rate)
    start, loss, streams = time.perf_counter(), 0.0, 8
    zeros = [np.zeros((streams, hidden))] * STATES[model]
    for number in range(1, epochs + 1):
        params, loss = epoch(m, params, optimiser, windows(codes, streams, steps), zeros)
        if number % max(1, epochs // 10) == 0:
            print(f"epoch {number:4d}   loss {loss:.4f}", flush=True)
    print(f"{loss:.4f} nats a character, after {time.perf_counter() - start:.1f} s")
    written = sample(m, params, [zero[:1] for zero in zeros], int(codes[0]), 200, rng)
    print("".join(alphabet[[codes[0], *written]]))
    return loss


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train a character-level recurrent network on a text.")
    parser.add_argument("--model", choices=sorted(STATES), default="rnn")
    parser.add_argument("--text", type=Path, default=FOLDER / "alice.txt", help="a file in UTF-8")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--hidden", type=int, default=64, help="hidden units")
    parser.add_argument("--rate", type=float, default=0.005, help="Adam's step size")
    parser.add_argument("--steps", type=int, default=25, help="steps of a window")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    text = options.text.read_text(encoding="utf-8")
    train(options.model, text, options.epochs, options.hidden, options.rate, options.steps, options.seed)


if __name__ == "__main__":
    main()
