"""Every function of the library: it compiles, and its gradient is proved."""

from __future__ import annotations

import pytest
from autodiffc.api import Options, module_of, module_text, program_of
from autodiffc.compiler.frontend.modules import MODULES, module_functions
from autodiffc.compiler.gradcheck import check
from autodiffc.grammar.source import Source

HEAD = """
dim N, D, K
input x: real[N] > 0
input t: real[N] >= 0 <= 1
input y: int[N] in range(K)
input A: real[N, D]
param m: real[N]
param s: real > 0
param p: real > 0 < 1
param W, V: real[D, K]
param U: real[K, K]
param b: real[K]
input I: real[2, 4, 3, 3]
param g: real[4]
param F: real[4, 4, 3, 3]
param J: real[4, 2, 3]
param R, Q: real[4, 4]
"""
CALLS = {
    "linear": "linear(A, W, b)",
    "mlp": "mlp(A, W, b, U, b)",
    "bilinear": "bilinear(A @ W, U, A @ V)",
    "attention": "attention(A @ W, U, b[:, None])",
    "residual": "residual(A, tanh(A), s)",
    "glu": "glu(A, W, b, V, b)",
    "swiglu": "swiglu(A, W, V)",
    "causal_attention": "causal_attention(A @ W, A @ V, A @ (W + V))",
    "multi_head_attention": "multi_head_attention(I[0, :, 1].T, R, Q, R + Q, R, 2)",
    "positional_encoding": "positional_encoding(N, 4) @ R",
    "rnn_cell": "rnn_cell(A, A @ W, W, U, b)",
    "lstm_cell": "stack(lstm_cell(A, A @ V, A @ W, tile(W, 1, 4), tile(U, 1, 4), tile(b, 4)))",
    "group_norm": "group_norm(I, g, g, 2)",
    "conv_relu": "conv_relu(I, F, g, padding=1)",
    "separable_conv": "separable_conv(I, reshape(J, 4, 1, 2, 3), reshape(g, 1, 4, 1, 1), g[:1])",
    "global_avg_pool": "global_avg_pool(I) * g",
    "flatten": "flatten(I * g[:, None, None])",
    "gru_cell": "gru_cell(A, A @ W, W, U, b, V, U, b, W + V, U, b)",
    "rms_norm": "rms_norm(A @ W, b)",
    "squared_error": "squared_error(m, x)",
    "absolute_error": "absolute_error(m, x)",
    "log_cosh": "log_cosh(m, x)",
    "quantile": "quantile(m, x, 0.3)",
    "arange_rows": "arange_rows(y) * m",
    "nll": "nll(log_softmax(A @ W), y)",
    "focal": "focal(m, t)",
    "smooth_cross_entropy": "smooth_cross_entropy(A @ W, y)",
    "gaussian_nll": "gaussian_nll(m, x, s)",
    "poisson_nll": "poisson_nll(m, y)",
    "squared_hinge": "squared_hinge(m, x)",
    "cosine_distance": "cosine_distance(A @ W, A @ V)",
    "kl_log": "kl_log(log_softmax(A @ W), log_softmax(A @ V))",
    "normal": "normal(x, m, s)",
    "student_t": "student_t(x, s, m, 0.7)",
    "gumbel": "gumbel(x, m, s)",
    "skew_normal": "skew_normal(x, m, s, p)",
    "log_ndtr": "log_ndtr(m)",
    "gamma": "gamma(x, s, p)",
    "inverse_gamma": "inverse_gamma(x, s, p)",
    "chi_square": "chi_square(x, s)",
    "weibull": "weibull(x, s, p)",
    "half_normal": "half_normal(x, s)",
    "half_cauchy": "half_cauchy(x, s)",
    "pareto": "pareto(x, p, s)",
    "beta": "beta(t, s, p)",
    "dirichlet": "dirichlet(softmax(A @ W), exp(b))",
    "bernoulli_probit": "bernoulli_probit(t, m)",
    "log_choose": "log_choose(s + 3, y)",
    "binomial": "binomial(y, y + 3, p)",
    "binomial_logit": "binomial_logit(y, y + 3, m)",
    "poisson": "poisson(y, s)",
    "poisson_log": "poisson_log(y, m)",
    "neg_binomial": "neg_binomial(y, exp(m), s)",
    "neg_binomial_log": "neg_binomial_log(y, m, s)",
    "multinomial": "multinomial(y, softmax(m))",
    "lognormal": "lognormal(x, m, s)",
    "laplace": "laplace(x, m, s)",
    "logistic": "logistic(x, m, s)",
    "cauchy": "cauchy(x, m, s)",
    "exponential": "exponential(x, s)",
    "uniform": "uniform(x, -s, s + 9)",
    "bernoulli": "bernoulli(t, p)",
    "bernoulli_logit": "bernoulli_logit(t, m)",
    "categorical_logit": "categorical_logit(y, A @ W)",
    "multi_normal_cholesky": "multi_normal_cholesky(A @ W, b, U + 4 * eye(K))",
    "multi_normal": "multi_normal(A @ W, b, U @ U.T + eye(K))",
}
FUNCTIONS = [(module, name) for module in MODULES for name in module_functions(module)]


def model(module: str, name: str) -> Source:
    """A model that imports the function and adds up what it gives."""
    return Source("library.dsl", f"from {module} import {name}\n{HEAD}loss L = sum({CALLS[name]})\n")


@pytest.mark.parametrize(("module", "name"), FUNCTIONS)
def test_the_gradient_of_a_library_function_is_proved(module: str, name: str) -> None:
    program = program_of(model(module, name))
    report = check(program, module_of(module_text(program, Options()), "library"), points=1)
    assert report.ok
    assert {row.verdict for row in report.rows} == {"ok"}
