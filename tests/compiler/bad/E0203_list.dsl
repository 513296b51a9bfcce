dim N
input x: real[N]
output f = [x, [1, 2]]
