# A model of its own, from which functions are imported.
dim D
dim H = 3
dim N
input w: real[D]
const scale = 0.5
def dense(x):
    return scale * x / H
def weighted(x):
    return x * w / D
def careful(x):
    return x @ x.T
output y = dense(w)
