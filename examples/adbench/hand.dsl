# Hand tracking: the pose that moves a mesh of a hand to where its vertices are seen.
# The mesh hangs on bones, each of which turns about its joint with its parent, and is blended linearly
# between them. (ADBench; Taylor, Stebbing, Ramakrishna et al.: User-specific hand modeling from monocular
# depth sequences, 2014.)
model hand

dim bones = 22, fingers = 5
dim vertices, N                            # of the mesh; vertices that are seen

input base: real[bones, 4, 4]              # each bone in its parent's frame, at rest
input inverse: real[bones, 4, 4]           # from the world to each bone's frame, at rest
input parent: int[bones]                   # -1: none; parents come before their children
input P: real[vertices, 4]                 # at rest, homogeneous
input W: real[vertices, bones]             # what share of a vertex hangs on a bone
input vertex: int[N] in range(vertices)    # which vertex is seen
input seen: real[N, 3]                     # and where
param theta: real[6 + 4*fingers]           # rotation, translation; per finger flexion, abduction, 2 flexions

# A turn about x, then one about z.
def joint(x, z):
    return [[cos(z), -sin(z) * cos(x), sin(z) * sin(x), 0],
            [sin(z), cos(z) * cos(x), -cos(z) * sin(x), 0],
            [0, sin(x), cos(x), 0],
            [0, 0, 0, 1]]

# The rotation about r by the angle |r|.
def rodrigues(r):
    angle = norm(r)
    if angle < 1e-4:
        R = eye(3)
    else:
        k = r / angle
        cross = [[0, -k[2], k[1]], [k[2], 0, -k[0]], [-k[1], k[0], 0]]
        R = cos(angle) * eye(3) + sin(angle) * cross + (1 - cos(angle)) * outer(k, k)
    return R

# A finger has four bones, of which the first doesn't turn; wrist and forearm, before and after them, neither.
def posed(theta, base, inverse, parent, P, W):
    finger = reshape(theta[6:], fingers, 4)
    flexion = concatenate([zeros(fingers, 1), finger[:, :1], finger[:, 2:]], axis=1)
    abduction = pad(finger[:, 1:2], ((0, 0), (1, 2)))
    x, z = pad(reshape(flexion, 4 * fingers), 1), pad(reshape(abduction, 4 * fingers), 1)
    var A: real[bones, 4, 4]               # each bone in the world
    var M: real[bones, 4, 4]               # from rest to there
    for i in range(bones):
        relative = base[i] @ joint(x[i], z[i])
        if parent[i] < 0:
            A[i] = relative
        else:
            A[i] = A[parent[i]] @ relative
        M[i] = A[i] @ inverse[i]
    q = einsum("vi,iab,vb->va", W, M[:, :3], P)
    return q @ rodrigues(theta[:3]).T + theta[3:6]

output error = seen - posed(theta, base, inverse, parent, P, W)[vertex]
loss f = sum(error**2) / 2
