# A model whose structure depends on its data: short inputs are averaged, long ones read word by word; one that
# looks loud goes through a gate; and the answer is refined until it settles.
# (After Andreas, Rohrbach, Darrell and Klein: Neural module networks, 2016, and, for the last part, Bai, Kolter
# and Koltun: Deep equilibrium models, 2019.)
model adaptive

dim T, D, H
input x: real[T, D]                        # words
input target: real
param W: real[D, H] = xavier()
param U: real[H, H] = orthogonal()
param V: real[H, H] = normal(0, 0.1)
param gate, b, w: real[H] = normal(0, 0.5)

if T <= 3:
    h = tanh(mean(x, axis=0) @ W + b)
else:
    h = zeros(H)
    for t in range(T):
        h = tanh(x[t] @ W + h @ U + b)

loudness = mean(h**2)
if loudness > 0.25:
    h = h * sigmoid(gate * loudness)
elif loudness > 0.01:
    h = h / sqrt(loudness)

z = h
change = inf
while change > 1e-6 max 100:
    new = tanh(h + z @ V)
    change = max(abs(new - z))
    z = new

output answer = dot(w, z)
loss L = (answer - target)**2
