dim N
input x: int[N]
output f = sum(x / 2)
grad f wrt x
