# Log densities and log probabilities, elementwise unless it says otherwise. Parameters are named and ordered
# as in Stan: location, then scale; shape, then rate. Values outside the support are not looked for.

# --- on the real line

def normal(x, mu, sigma):
    return -0.5 * ((x - mu) / sigma)**2 - log(sigma) - 0.5 * log(2 * pi)

# nu degrees of freedom.
def student_t(x, nu, mu, sigma):
    z = (x - mu) / sigma
    return -lbeta(nu / 2, 0.5) - 0.5 * log(nu) - log(sigma) - 0.5 * (nu + 1) * log1p(z**2 / nu)

def cauchy(x, mu, scale):
    return -log(pi) - log(scale) - log1p(((x - mu) / scale)**2)

def laplace(x, mu, scale):
    return -abs(x - mu) / scale - log(2 * scale)

def logistic(x, mu, scale):
    z = (x - mu) / scale
    return -z - 2 * softplus(-z) - log(scale)

def gumbel(x, mu, scale):
    z = (x - mu) / scale
    return -z - exp(-z) - log(scale)

def skew_normal(x, mu, sigma, alpha):
    return log(2) + normal(x, mu, sigma) + log_ndtr(alpha * (x - mu) / sigma)

# The logarithm of the normal distribution function.
def log_ndtr(x):
    return log(ndtr(x))

def uniform(x, a, b):
    return where((x >= a) and (x <= b), -log(b - a), -inf)

# --- from 0 on

def lognormal(x, mu, sigma):
    return normal(log(x), mu, sigma) - log(x)

def exponential(x, rate):
    return log(rate) - rate * x

def gamma(x, shape, rate):
    return shape * log(rate) - lgamma(shape) + xlogy(shape - 1, x) - rate * x

def inverse_gamma(x, shape, scale):
    return shape * log(scale) - lgamma(shape) - (shape + 1) * log(x) - scale / x

# nu degrees of freedom.
def chi_square(x, nu):
    return gamma(x, nu / 2, 0.5)

def weibull(x, shape, scale):
    z = x / scale
    return log(shape) - log(scale) + xlogy(shape - 1, z) - z**shape

def half_normal(x, sigma):
    return log(2) + normal(x, 0, sigma)

def half_cauchy(x, scale):
    return log(2) + cauchy(x, 0, scale)

# From the lowest value on.
def pareto(x, lowest, alpha):
    return log(alpha) + alpha * log(lowest) - (alpha + 1) * log(x)

# --- between 0 and 1

def beta(x, a, b):
    return xlogy(a - 1, x) + xlog1py(b - 1, -x) - lbeta(a, b)

# Rows of x are probabilities that add up to 1; one value a row.
def dirichlet(x, alpha):
    return sum(xlogy(alpha - 1, x) - lgamma(alpha), axis=-1) + lgamma(sum(alpha, axis=-1))

# --- counts and classes

def bernoulli(y, p):
    return xlogy(y, p) + xlog1py(1 - y, -p)

def bernoulli_logit(y, logit):
    return -binary_cross_entropy_with_logits(logit, y)

def bernoulli_probit(y, x):
    return y * log_ndtr(x) + (1 - y) * log_ndtr(-x)

# How many ways there are to choose k of n.
def log_choose(n, k):
    return -log1p(n) - lbeta(k + 1, n - k + 1)

def binomial(y, n, p):
    return log_choose(n, y) + xlogy(y, p) + xlog1py(n - y, -p)

def binomial_logit(y, n, logit):
    return log_choose(n, y) + y * log_sigmoid(logit) + (n - y) * log_sigmoid(-logit)

def poisson(y, rate):
    return xlogy(y, rate) - rate - lgamma(y + 1)

def poisson_log(y, log_rate):
    return y * log_rate - exp(log_rate) - lgamma(y + 1)

# Mean mu, variance mu + mu**2 / phi.
def neg_binomial(y, mu, phi):
    return -lbeta(phi, y + 1) - log(phi + y) - phi * log1p(mu / phi) - xlog1py(y, phi / mu)

def neg_binomial_log(y, log_mu, phi):
    logit = log_mu - log(phi)
    return -lbeta(phi, y + 1) - log(phi + y) - phi * softplus(logit) - y * softplus(-logit)

# Rows of counts y and probabilities p; one value a row.
def multinomial(y, p):
    return lgamma(sum(y, axis=-1) + 1) + sum(xlogy(y, p) - lgamma(y + 1), axis=-1)

# Labels y, a row of logits each.
def categorical_logit(y, logits):
    return -cross_entropy(logits, y)

# The normal density of a vector, or of each row of a matrix, with covariance L Lᵀ, L lower triangular.
def multi_normal_cholesky(x, mu, L):
    z = solve_triangular(L, (x - mu).T, lower=true)
    return -0.5 * sum(z**2, axis=0) - sum(log(diag(L)) + 0.5 * log(2 * pi))

# The same with a covariance matrix, whose lower triangle is read.
def multi_normal(x, mu, Sigma):
    return multi_normal_cholesky(x, mu, cholesky(Sigma))
