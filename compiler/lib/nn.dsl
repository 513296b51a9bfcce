# Layers, in row form: examples are rows, a weight matrix maps columns to columns.

def linear(x, W, b=0.0):
    return x @ W + b

# Two linear maps with a rectifier between them.
def mlp(x, W1, b1, W2, b2):
    return relu(x @ W1 + b1) @ W2 + b2

# x W yᵀ row by row: each row of x against the same row of y.
def bilinear(x, W, y):
    return sum((x @ W) * y, axis=-1)

# Scaled dot-product attention (Vaswani et al. 2017, eq. 1); `Q: real[N, D]`, `K: real[M, D]`, `V: real[M, E]`.
def attention(Q: real[N, D], K: real[M, D], V):
    return softmax(Q @ K.T / sqrt(D), axis=-1) @ V

# One step of a GRU (Cho et al. 2014): z how much is kept, r how much is read.
def gru_cell(x, h, Wz, Uz, bz, Wr, Ur, br, Wh, Uh, bh):
    z = sigmoid(x @ Wz + h @ Uz + bz)
    r = sigmoid(x @ Wr + h @ Ur + br)
    candidate = tanh(x @ Wh + (r * h) @ Uh + bh)
    return z * h + (1 - z) * candidate

def rms_norm(x, gamma, eps=1e-6):
    return x / sqrt(mean(x**2, axis=-1, keepdims=true) + eps) * gamma
