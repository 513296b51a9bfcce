# Hand tracking, where what is seen lies anywhere on the mesh: in a triangle, at barycentric coordinates that
# are found together with the pose. (ADBench)
model hand_complicated

from "hand.dsl" import posed, bones, fingers

dim vertices, triangles, N
input base, inverse: real[bones, 4, 4]                  # as in hand.dsl
input parent: int[bones]
input P: real[vertices, 4]
input W: real[vertices, bones]
input corners: int[triangles, 3] in range(vertices)     # the vertices of each triangle
input triangle: int[N] in range(triangles)              # which one is seen
input seen: real[N, 3]                                  # and where
param u: real[N, 2]                                     # the first two barycentric coordinates
param theta: real[6 + 4*fingers]

q = posed(theta, base, inverse, parent, P, W)[corners[triangle]]
u3 = 1 - u[:, :1] - u[:, 1:]

output error = seen - (u[:, :1] * q[:, 0] + u[:, 1:] * q[:, 1] + u3 * q[:, 2])
loss f = sum(error**2) / 2
