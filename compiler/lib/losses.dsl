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
