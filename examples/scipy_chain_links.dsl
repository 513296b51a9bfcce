# The links of a hanging chain: by how much the square of the length of each is too large, a constraint for SciPy.
model chain_links

dim N
input ends: real[2, 2]   # where the chain is fixed
input length: real       # of a link
param p: real[N, 2]

def stretch(p, ends, length):
    points = concatenate(ends[:1], p, ends[1:])
    return sum((points[1:] - points[:-1])**2, axis=1) - length**2

output excess = stretch(p, ends, length)
grad excess wrt p
