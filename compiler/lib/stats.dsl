# Log densities and log probabilities, elementwise, parameters as usual: location, then scale.

def normal(x, mu, sigma):
    return -0.5 * ((x - mu) / sigma)**2 - log(sigma) - 0.5 * log(2 * pi)

def lognormal(x, mu, sigma):
    return normal(log(x), mu, sigma) - log(x)

def laplace(x, mu, scale):
    return -abs(x - mu) / scale - log(2 * scale)

def logistic(x, mu, scale):
    z = (x - mu) / scale
    return -z - 2 * softplus(-z) - log(scale)

def cauchy(x, mu, scale):
    return -log(pi) - log(scale) - log1p(((x - mu) / scale)**2)

def exponential(x, rate):
    return log(rate) - rate * x

def uniform(x, a, b):
    return where((x >= a) and (x <= b), -log(b - a), -inf)

def bernoulli(y, p):
    return xlogy(y, p) + xlog1py(1 - y, -p)

def bernoulli_logit(y, logit):
    return -binary_cross_entropy_with_logits(logit, y)

# Labels y, a row of logits each.
def categorical_logit(y, logits):
    return -cross_entropy(logits, y)

# The normal density of a vector, or of each row of a matrix, with covariance L Lᵀ, L lower triangular.
def multivariate_normal_cholesky(x, mu, L):
    z = solve_triangular(L, (x - mu).T, lower=true)
    return -0.5 * sum(z**2, axis=0) - sum(log(diag(L)) + 0.5 * log(2 * pi))
