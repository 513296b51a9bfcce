dim N, D, B
input A: real[N, N]
input R: real[N, D]
input S: real[B, N, N]
input b: real[D]
input s: real
output d = det(R)
output l = slogdet(b)
output i = inv(s)
output c = cholesky(R)
output x = solve(A, b)
output y = solve_triangular(A, s, lower=true)
output z = solve(S, R.T)
output e = einsum("ij,jk->ik", A, R.T)
