param n: int
output f = n
