dim N
input x: real[N]
assert x > 0
assert sum(x)
assert N
assert nope > 0
output y = x
