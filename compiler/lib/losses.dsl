# Losses: a value for each example or element, to be reduced by mean or sum.

def squared_error(prediction, target):
    return (prediction - target)**2

def absolute_error(prediction, target):
    return abs(prediction - target)

# log cosh of the residual, without overflow.
def log_cosh(prediction, target):
    r = abs(prediction - target)
    return r + softplus(-2 * r) - log(2)

# The pinball loss whose minimiser is the q-quantile.
def quantile(prediction, target, q):
    r = target - prediction
    return maximum(q * r, (q - 1) * r)

# Negative log-likelihood of labels y given rows of log probabilities.
def nll(log_p, y):
    return -log_p[arange_rows(y), y]

def arange_rows(y: int[N]):
    return arange(N)

# Focal loss for labels t in {0, 1} (Lin et al. 2017).
def focal(logits, t, focus=2.0):
    p = sigmoid(logits)
    miss = t * (1 - p) + (1 - t) * p
    return miss**focus * binary_cross_entropy_with_logits(logits, t)

# Cross-entropy with labels that are right with probability 1 - smoothing, else any (Szegedy et al. 2016).
def smooth_cross_entropy(logits, y, smoothing=0.1):
    return (1 - smoothing) * cross_entropy(logits, y) - smoothing * mean(log_softmax(logits), axis=-1)

# Negative log-likelihood of a target whose mean and variance are predicted, without constants.
def gaussian_nll(prediction, target, variance):
    return 0.5 * (log(variance) + (prediction - target)**2 / variance)

# Negative log-likelihood of counts whose log rate is predicted, without constants.
def poisson_nll(log_rate, y):
    return exp(log_rate) - y * log_rate

# Labels ±1.
def squared_hinge(score, label):
    return hinge(score, label)**2

# One minus the cosine of the angle between rows.
def cosine_distance(a, b):
    return 1 - sum(a * b, axis=-1) / (norm(a, axis=-1) * norm(b, axis=-1))

# The divergence of p from q along the last axis, of the logarithms of both. Where p is 0 so is its term.
def kl_log(log_p, log_q):
    return sum(exp(log_p) * where(log_p == -inf, 0, log_p - log_q), axis=-1)
