from "imported/layers.dsl" import weighted, dense
dim D
input x: real[D]
output y = weighted(x) + dense(x)
