dim N
input A: real[N, N]
input b: real[N]
output x = solve_triangular(A, b, trans=2)
output y = solve_triangular(A, b, trans="C")
output z = solve_triangular(A, b, upper=true)
output L = cholesky(A, lower=true)
