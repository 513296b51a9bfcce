dim N
input A: real[N, N]
input b: real[N]
input s: real
a = erf(s) + erfc(s) + lgamma(s) + digamma(s) + lbeta(s, s)
c = slogdet(A)
sign_of, size = slogdet(A)
d = inv(A) + cholesky(A)
g = solve(A, b) + solve_triangular(A, b)
h = conv1d(b, b) + conv2d(A, A) + max_pool2d(A, 2) + avg_pool2d(A, 2)
i = jvp(s, s, s) + stop_gradient(s) + grad(s, s)
output f = sign_of + size
