# What the library cannot take is shown where the model calls it.
from nn import linear
from losses import nll
dim N, D, H
input x: real[N, D]
input y: real[N]
param W: real[H, D]
def layer(a, W):
    return relu(linear(a, W))
h = layer(x, W)
loss L = mean(nll(log_softmax(x), y))
