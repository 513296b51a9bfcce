# Bundle adjustment: cameras, points and weights, from where each point is seen by each camera.
# A camera is an axis-angle rotation r, a centre C, a focal length f, a principal point u, and two
# coefficients k of radial distortion. (ADBench; Triggs, McLauchlan, Hartley and Fitzgibbon: Bundle
# Adjustment, a Modern Synthesis, 2000.)
model ba

dim n, m, p                                # cameras, points, observations
input camera: int[p] in range(n)           # the camera and the point of each observation
input point: int[p] in range(m)
input feature: real[p, 2]                  # where it is seen
param cameras: real[n, 11] = normal(0, 1)
param X: real[m, 3] = normal(0, 1)
param w: real[p] = full(1)

def cross(a, b):
    return roll(a * roll(b, -1, axis=1) - roll(a, -1, axis=1) * b, -1, axis=1)

# v turned about r by the angle |r|; where that is 0, to first order in r.
def rodrigues(r, v):
    theta = norm(r, axis=1, keepdims=true)
    k = r / where(theta == 0, 1, theta)
    along = k * sum(k * v, axis=1, keepdims=true)
    turned = v * cos(theta) + cross(k, v) * sin(theta) + along * (1 - cos(theta))
    return where(theta == 0, v + cross(r, v), turned)

def distort(q, k):
    rho = sum(q**2, axis=1, keepdims=true)
    return q * (1 + k[:, :1] * rho + k[:, 1:] * rho**2)

r, C = cameras[camera, 0:3], cameras[camera, 3:6]
f, u, k = cameras[camera, 6:7], cameras[camera, 7:9], cameras[camera, 9:11]

Y = rodrigues(r, X[point] - C)
seen = f * distort(Y[:, :2] / Y[:, 2:], k) + u

output reprojection_error = w[:, None] * (seen - feature)
output weight_error = 1 - w**2
loss S = sum(reprojection_error**2) + sum(weight_error**2)
