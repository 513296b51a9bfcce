# Layers, in row form: examples are rows, a weight matrix maps columns to columns. Images are [N, channels, H, W].

def linear(x, W, b=0.0):
    return x @ W + b

# Two linear maps with a rectifier between them.
def mlp(x, W1, b1, W2, b2):
    return relu(x @ W1 + b1) @ W2 + b2

# x W yᵀ row by row: each row of x against the same row of y.
def bilinear(x, W, y):
    return sum((x @ W) * y, axis=-1)

# x plus what a block makes of it (He et al. 2016), both scaled: residual(x, f(x)).
def residual(x, block, scale=1.0):
    return x + scale * block

# Gated linear units (Dauphin et al. 2017; Shazeer 2020).
def glu(x, W, b, V, c):
    return sigmoid(x @ W + b) * (x @ V + c)

def swiglu(x, W, V):
    return silu(x @ W) * (x @ V)

# --- attention -------------------------------------------------------------------------------------------------

# Scaled dot-product attention (Vaswani et al. 2017, eq. 1); `Q: real[N, D]`, `K: real[M, D]`, `V: real[M, E]`.
def attention(Q: real[N, D], K: real[M, D], V):
    return softmax(Q @ K.T / sqrt(D), axis=-1) @ V

# The same where row i of Q sees the rows up to i alone.
def causal_attention(Q: real[N, D], K: real[N, D], V):
    past = tril(ones(N, N)) > 0.5
    return softmax(where(past, Q @ K.T / sqrt(D), -inf), axis=-1) @ V

# Several attentions side by side, each on its share of the columns: `heads` divides D.
def multi_head_attention(x: real[N, D], Wq: real[D, D], Wk: real[D, D], Wv: real[D, D], Wo: real[D, D], heads):
    q = transpose(reshape(x @ Wq, N, heads, D // heads), 1, 0, 2)
    k = transpose(reshape(x @ Wk, N, heads, D // heads), 1, 2, 0)
    v = transpose(reshape(x @ Wv, N, heads, D // heads), 1, 0, 2)
    mixed = softmax(q @ k / sqrt(D // heads), axis=-1) @ v
    return reshape(transpose(mixed, 1, 0, 2), N, D) @ Wo

# Sines and cosines of T positions in D columns, D even (Vaswani et al. 2017, section 3.5).
def positional_encoding(T, D):
    turns = arange(T)[:, None] * exp(-log(10000) * arange(D // 2) * 2 / D)
    return reshape(stack((sin(turns), cos(turns)), axis=-1), T, 2 * (D // 2))

# --- recurrent cells: one step each ----------------------------------------------------------------------------

# Elman 1990.
def rnn_cell(x, h, W, U, b):
    return tanh(x @ W + h @ U + b)

# One step of a GRU (Cho et al. 2014): z how much is kept, r how much is read.
def gru_cell(x, h, Wz, Uz, bz, Wr, Ur, br, Wh, Uh, bh):
    z = sigmoid(x @ Wz + h @ Uz + bz)
    r = sigmoid(x @ Wr + h @ Ur + br)
    candidate = tanh(x @ Wh + (r * h) @ Uh + bh)
    return z * h + (1 - z) * candidate

# One step of an LSTM (Hochreiter and Schmidhuber 1997; Gers et al. 2000): the new h and c. The columns of W, U
# and b are those of the input gate, the forget gate, the candidate and the output gate, as PyTorch has them.
def lstm_cell(x: real[N, D], h: real[N, H], c: real[N, H], W, U, b):
    gates = x @ W + h @ U + b
    kept = sigmoid(gates[:, H:2*H]) * c + sigmoid(gates[:, :H]) * tanh(gates[:, 2*H:3*H])
    return sigmoid(gates[:, 3*H:]) * tanh(kept), kept

# --- normalisation ---------------------------------------------------------------------------------------------

# Zhang and Sennrich 2019.
def rms_norm(x, gamma, eps=1e-6):
    return x / sqrt(mean(x**2, axis=-1, keepdims=true) + eps) * gamma

# Wu and He 2018: images normalised over groups of channels; `groups` divides C. With C groups: instance norm.
def group_norm(x: real[N, C, H, W], gamma: real[C], beta: real[C], groups, eps=1e-5):
    parted = reshape(x, N, groups, (C // groups) * H * W)
    centred = parted - mean(parted, axis=-1, keepdims=true)
    unit = centred / sqrt(mean(centred**2, axis=-1, keepdims=true) + eps)
    return reshape(unit, N, C, H, W) * gamma[:, None, None] + beta[:, None, None]

# --- images ----------------------------------------------------------------------------------------------------

# A convolution with a bias and a rectifier; kernels of odd size keep the size of the image with padding (k-1)/2.
def conv_relu(x, w, b, stride=1, padding=0):
    return relu(conv2d(x, w, b, stride=stride, padding=padding))

# A filter for each channel, then a mix of the channels (Chollet 2017): depthwise and pointwise.
def separable_conv(x: real[N, C, H, W], depthwise: real[C, 1, K, J], pointwise, b, padding=0):
    return conv2d(conv2d(x, depthwise, padding=padding, groups=C), pointwise, b)

# Each channel's mean over the image.
def global_avg_pool(x: real[N, C, H, W]):
    return mean(x, axis=(2, 3))

# Images as rows.
def flatten(x: real[N, C, H, W]):
    return reshape(x, N, C * H * W)
