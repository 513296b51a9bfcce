# The log likelihood of a sequence under a hidden Markov model: the forward algorithm, in logarithms.
# (Rabiner: A tutorial on hidden Markov models and selected applications in speech recognition, 1989.)
model hidden_markov

dim T, K, V                                # steps, states, symbols
input y: int[T] in range(V)                # what is seen
param initial: real[K]                     # all three are logits
param transition: real[K, K] = normal(0, 1)
param emission: real[K, V] = normal(0, 1)

log_A = log_softmax(transition)
log_B = log_softmax(emission)

alpha = log_softmax(initial)               # log p(y[0], …, y[t-1], state t)
for t in range(T - 1):
    alpha = logsumexp((alpha + log_B[:, y[t]])[:, None] + log_A, axis=0)

output log_likelihood = logsumexp(alpha + log_B[:, y[T-1]])
loss L = -log_likelihood
