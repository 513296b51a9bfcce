dim K = 3
dim N
input x: real[N]
assert K > 5, "K is too small"
assert 1 == 2
assert K == 3
assert not true
output y = x * K
