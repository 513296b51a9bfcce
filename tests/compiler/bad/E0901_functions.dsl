dim N
input A: real[N, N]
input b: real[N]
output f = solve(A, b)
output g = erf(b)
output h = lgamma(b)
output d = det(A)
