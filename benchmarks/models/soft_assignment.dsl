# Soft k-means: each point's free energy under the centres.
model soft_assignment

dim N, C, D
input points: real[N, D]
param centres: real[C, D] = normal(0, 1)

distances = sum((points[:, None, :] - centres)**2, axis=2)
loss L = -mean(logsumexp(-distances, axis=1))
