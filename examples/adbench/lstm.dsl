# A character model of stacked long short-term memories whose products are all elementwise (ADBench).
# A character is its b bits. The forget and output gates see a layer's input, the ingate and the change
# its own last output. (Šrajer, Kukelova and Fitzgibbon: A benchmark of selected algorithmic differentiation
# tools on some problems in computer vision and machine learning, 2018.)
model lstm

dim layers, T, b                           # layers; characters; bits of a character
input text: real[T, b]
input h0, c0: real[layers, b]              # outputs and cells before the first character
param W: real[layers, 4, b]                # forget, ingate, outgate, change
param bias: real[layers, 4, b]
param w_in, w_out, b_out: real[b]

var h: real[T, layers, b]
var c: real[T, layers, b]
var y: real[T-1, b]

h[0] = h0
c[0] = c0
for t in range(T - 1):
    z = text[t] * w_in
    for i in range(layers):
        forget = sigmoid(z * W[i, 0] + bias[i, 0])
        ingate = sigmoid(h[t, i] * W[i, 1] + bias[i, 1])
        outgate = sigmoid(z * W[i, 2] + bias[i, 2])
        change = tanh(h[t, i] * W[i, 3] + bias[i, 3])
        c[t+1, i] = c[t, i] * forget + ingate * change
        h[t+1, i] = outgate * tanh(c[t+1, i])
        z = h[t+1, i]
    y[t] = z * w_out + b_out

output log_p = y - log(2 + sum(exp(y), axis=1, keepdims=true))
loss L = -sum(text[1:] * log_p) / (b * (T - 1))
