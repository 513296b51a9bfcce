# A hanging chain: the height of its middle points, to be minimised while the links keep their length.
model chain

dim N
param p: real[N, 2]   # of each point: how far along, how high

loss energy = mean(p[:, 1])
