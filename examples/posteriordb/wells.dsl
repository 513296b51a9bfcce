# Who walks to another well when theirs holds arsenic (Gelman & Hill 2007): a logistic regression, flat priors.
model wells

from stats import bernoulli_logit

dim N
input switched: int[N] in range(2)
input dist, arsenic, educ: real[N]      # in metres, in hundreds of micrograms per litre, in years
param alpha: real
param beta: real[3]

x = stack([dist / 100, arsenic, educ / 4], axis=1)
output log_density = sum(bernoulli_logit(switched, alpha + x @ beta))
grad log_density wrt alpha, beta
