# k-means: the sum over points of the squared distance to the nearest centre, as in GradBench.
# Its Hessian by the centres is diagonal, so one product with ones gives all of it.
model kmeans

dim N, C, D
input points: real[N, D]
param centres: real[C, D] = normal(0, 1)

distances = sum((points[:, None, :] - centres)**2, axis=2)
loss L = sum(min(distances, axis=1))
