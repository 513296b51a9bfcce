from "imported/layers.dsl" import dense, densely, w, D, H, scale, N
dim M
input x: real[M]
output y = dense(x) * scale * H
