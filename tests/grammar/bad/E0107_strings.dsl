y = einsum("ij,jk->ik, A, B)
y = einsum('ij,jk->ik", A, B)
y = A' @ B
from "file.dsl import f
