# An error inside an imported function: shown at the call, with the place in the file.
from "imported/layers.dsl" import careful
dim N, D
input A: real[N, D, N]
output y = careful(A)
